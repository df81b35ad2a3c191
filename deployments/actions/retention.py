"""Deleting what has been kept long enough. The relay does it every few minutes; doing it twice is harmless."""

from __future__ import annotations

import contextlib
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import models, transaction
from django.db.models import Exists, OuterRef, Q

from deployments import audit
from deployments.actions import logins, proposals
from deployments.actions.errors import Refused
from deployments.audit import Actor
from deployments.models import (
    CloudRequest,
    ClusterEvent,
    Draft,
    LoginAttempt,
    LogRequest,
    Proposal,
    RefusedTries,
    SleepDecision,
    UsageSample,
    User,
)

log = structlog.get_logger(__name__)
BATCH: Final = 1000  # rows of one transaction: nobody waits for a lock on a million


def sweep(*, at: datetime) -> dict[str, int]:
    """Delete what is kept no longer at `at`; how many rows of each table went."""
    limits = settings.BARISTA
    gone = {
        "logrequest": _delete(
            LogRequest.objects.filter(created_at__lt=at - timedelta(hours=limits.keep_log_answers_h))
        ),
        "cloudrequest": _delete(
            CloudRequest.objects.filter(created_at__lt=at - timedelta(hours=limits.keep_log_answers_h))
        ),
        "draft": _delete(Draft.objects.filter(saved_at__lt=at - timedelta(days=limits.keep_drafts_d))),
        "clusterevent": _delete(ClusterEvent.objects.filter(last_at__lt=at - timedelta(days=limits.keep_events_d))),
        "usagesample": _delete(UsageSample.objects.filter(at__lt=at - timedelta(days=limits.keep_samples_d))),
        "session": _delete(Session.objects.filter(expire_date__lt=at)),
        "loginattempt": _delete(LoginAttempt.objects.filter(window_started_at__lte=at - logins.WINDOW)),
        "proposal": _proposals(at - timedelta(days=limits.keep_proposals_d)),
        "sleepdecision": _delete(_replaced_decisions(at - timedelta(days=limits.keep_sleep_d))),
        "refusedtries": _refused_tries(at),
    }
    if any(gone.values()):
        log.info("swept", **{name: number for name, number in gone.items() if number})
    return gone


def _delete(rows: models.QuerySet[Any]) -> int:
    """Delete all of `rows`, some at a time."""
    total = 0
    while batch := list(rows.order_by("pk").values_list("pk", flat=True)[:BATCH]):
        total += rows.model._default_manager.filter(pk__in=batch).delete()[0]
        if len(batch) < BATCH:
            break
    return total


def _replaced_decisions(kept_since: datetime) -> models.QuerySet[SleepDecision]:
    """Those that a later one took the place of before that: what held then can still be said."""
    later = SleepDecision.objects.filter(deployment=OuterRef("deployment"), at__gt=OuterRef("at"), at__lt=kept_since)
    return SleepDecision.objects.filter(Exists(later), at__lt=kept_since)


def _proposals(kept_since: datetime) -> int:
    """Those that made no revision go; of the others the verdict, which is most of the row. Revisions keep the rest."""
    undecided = Proposal.objects.filter(applied_at=None, dropped_at=None)
    for proposal in undecided.filter(sent_at__lt=kept_since)[:BATCH]:
        # Somebody may have been faster.
        with contextlib.suppress(Refused):
            days = settings.BARISTA.keep_proposals_d
            proposals.drop(proposal=proposal, by=Actor.system("relay"), note=f"Nobody decided in {days} days.")
    closed = Q(dropped_at__lt=kept_since) | Q(applied_at__lt=kept_since)
    left = Q(applied_at=None, dropped_at=None, sent_at=None, created_at__lt=kept_since)
    gone = _delete(Proposal.objects.filter(closed | left, revision=None))
    applied = Proposal.objects.filter(applied_at__lt=kept_since).exclude(verdict={})
    Proposal.objects.filter(pk__in=list(applied.values_list("pk", flat=True)[:BATCH])).update(verdict={})
    return gone


def _refused_tries(at: datetime) -> int:
    """Say in the log how many there were beyond those that it has, once their hour is over."""
    most = settings.BARISTA.refused_events
    over = RefusedTries.objects.filter(hour__lt=at - timedelta(hours=1))
    for row in over.filter(count__gt=most):
        with transaction.atomic():
            person = User.objects.filter(pk=row.actor_id).first()
            if RefusedTries.objects.filter(pk=row.pk).delete()[0] == 1 and person is not None:
                audit.record(
                    "permission.refused_often",
                    person,
                    by=Actor.system("relay"),
                    facts={"tries": row.count - most, "hour": row.hour.isoformat()},
                    was_allowed=False,
                )
    return _delete(over)
