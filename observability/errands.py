"""What the relay finds of this app: sources to be listed, objects to be counted, closed windows to be judged."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from django.db.models import QuerySet

from baristaweb.lib.clock import now
from baristaweb.lib.registry import Chore, Errand, Key
from observability import dispatch
from observability.models import SampleRequest
from observability.queries import evaluations, waiting


def _due_sources(lease_s: float) -> Sequence[Key]:
    return list(waiting.due_sources(now()).order_by("next_poll_at").values_list("pk", flat=True)[:200])


def _wait_for_a_worker(key: Key) -> None:
    """Reading objects and judging windows is not the relay's: without import workers it waits for them."""


def _due_evaluations(lease_s: float) -> Sequence[Key]:
    return list(evaluations.due(now()).order_by("pk").values_list("pk", flat=True)[:200])


def _judge_those_that_stopped() -> None:
    """Deployments whose newest window is old are looked at again: data that stopped close no window."""
    evaluations.look_again(now())


def _due_samples(lease_s: float) -> Sequence[Key]:
    return [str(pk) for pk in waiting.questions(now()).order_by("created_at").values_list("pk", flat=True)[:50]]


def forget_samples() -> None:
    """Delete questions of yesterday: what was read for them is shown to nobody any more."""
    _of_yesterday().delete()


def _of_yesterday() -> QuerySet[SampleRequest]:
    return SampleRequest.objects.filter(created_at__lt=now() - timedelta(hours=waiting.KEPT_H))


ERRANDS: Final = (
    Errand(
        task=dispatch.IMPORT_LOGS,
        queue=dispatch.IMPORTS,
        due=_due_sources,
        do=_wait_for_a_worker,
        waiting=lambda: waiting.due_sources(now()),
    ),
    Errand(
        task=dispatch.EVALUATE,
        queue=dispatch.IMPORTS,
        due=_due_evaluations,
        do=_wait_for_a_worker,
        waiting=lambda: evaluations.due(now()),
    ),
    Errand(
        task=dispatch.ANSWER_SAMPLE,
        queue=dispatch.SAMPLES,
        due=_due_samples,
        do=_wait_for_a_worker,
        waiting=lambda: waiting.questions(now()),
    ),
)
CHORES: Final = (
    Chore(name="samples", every_s=600.0, do=forget_samples, waiting=_of_yesterday),
    Chore(
        name="data health",
        every_s=60.0,
        do=_judge_those_that_stopped,
        waiting=lambda: evaluations.silent(now()),
    ),
)
