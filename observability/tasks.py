"""Doors for Celery: ids in, nothing out. Every one is safe to run twice, late, or never: rows are the intent."""

from __future__ import annotations

from typing import Final

from celery import shared_task
from celery.signals import worker_process_shutdown

from baristaweb.lib import queue
from baristaweb.lib.clock import now
from deployments.workers import Nudged
from observability import dispatch
from observability.ingest import work

LONGEST_S: Final = 6 * 3600  # the reading child has limits of its own, in proportion to bytes


@shared_task(  # type: ignore[untyped-decorator]
    base=Nudged, name=dispatch.IMPORT_LOGS, max_retries=0, soft_time_limit=LONGEST_S, time_limit=LONGEST_S + 60
)
def import_logs(source_id: int) -> None:
    work.importer().work(source_id)
    if work.due_sources(now()).filter(pk=source_id).exists():
        queue.nudge(dispatch.IMPORT_LOGS, source_id)


@worker_process_shutdown.connect  # type: ignore[untyped-decorator]
def _end_reader(**_: object) -> None:
    work.close()
