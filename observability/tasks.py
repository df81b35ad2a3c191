"""Doors for Celery: ids in, nothing out. Every one is safe to run twice, late, or never: rows are the intent."""

from __future__ import annotations

from typing import Any, Final

from celery import shared_task
from django.utils.module_loading import import_string

from baristaweb.lib import queue
from baristaweb.lib.clock import now
from deployments.workers import Nudged
from observability import dispatch
from observability.queries import waiting

LONGEST_S: Final = 6 * 3600  # the reading child has limits of its own, in proportion to bytes


def _behind(path: str) -> Any:
    """What is behind a door, imported when it is opened: all workers know all doors, and the kernel of profiles takes a
    second and 100 MB that only importers need."""
    return import_string(path)


@shared_task(  # type: ignore[untyped-decorator]
    base=Nudged, name=dispatch.EVALUATE, max_retries=0, soft_time_limit=LONGEST_S, time_limit=LONGEST_S + 60
)
def evaluate(source_id: int) -> None:
    _behind("observability.evaluation.due.do")(source_id)


@shared_task(  # type: ignore[untyped-decorator]
    base=Nudged, name=dispatch.IMPORT_LOGS, max_retries=0, soft_time_limit=LONGEST_S, time_limit=LONGEST_S + 60
)
def import_logs(source_id: int) -> None:
    _behind("observability.ingest.work.importer")().work(source_id)
    if waiting.due_sources(now()).filter(source=source_id).exists():
        queue.nudge(dispatch.IMPORT_LOGS, source_id)


@shared_task(base=Nudged, name=dispatch.ANSWER_SAMPLE, max_retries=0, soft_time_limit=900, time_limit=960)  # type: ignore[untyped-decorator]
def answer_sample(request_id: str) -> None:
    _behind("observability.ingest.sampling.answer")(request_id)
