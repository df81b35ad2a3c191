"""Whether what was saved is being worked on: told by rows that nobody has taken up, not by processes that live."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Count, F, Min, Q, QuerySet, Value

from baristaweb.lib.clock import now
from deployments.models import ClusterHealth, DeploymentState, QueueState

# Longer than the relay waits before it works itself.
UNTRIED_S: Final = 40.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """`sentence` goes on after the name of the product; `since`: when it began."""

    sentence: str
    since: datetime


def trouble() -> Trouble | None:
    """Why changes are late for a reason of ours; None when they are not."""
    stalled = QueueState.objects.exclude(stalled_since=None)
    found = (
        _untried()
        .values(queue=Value(""))
        .annotate(began=Min("waiting_since"), number=Count("pk"))
        .values_list("queue", "began", "number")
        # In one statement: every page asks.
        .union(stalled.values_list("name", "stalled_since", Value(0)), all=True)
    )
    # The first row counts what nobody tried, also when that is none.
    worst = min((row for row in found if row[1] is not None), default=None)
    if worst is None:
        return None
    queue, began, number = worst
    if not queue:
        return Trouble(
            sentence="does not work on what is saved: neither the workers nor the relay have tried "
            f"{number} of the waiting changes. They are kept; the platform team has to start the processes.",
            since=began,
        )
    return Trouble(
        sentence=f"has no worker that takes anything up from the queue {queue}. Changes arrive more slowly: the "
        "relay does them, a few at a time, until the workers are started again.",
        since=began,
    )


def _untried() -> QuerySet[DeploymentState]:
    """Changes that nobody has tried since they were saved, of clusters that take them."""
    health = "deployment__namespace__cluster__health"
    return DeploymentState.objects.filter(
        Q(tried_at=None) | Q(tried_at__lt=F("waiting_since")),
        observed_generation__lt=F("deployment__generation"),
        waiting_since__lt=now() - timedelta(seconds=UNTRIED_S),
        next_reconcile_at__lt=now() + timedelta(seconds=UNTRIED_S),
        deployment__paused_at=None,
        deployment__namespace__cluster__is_active=True,
        **{f"{health}__state": ClusterHealth.State.OK},
    )
