"""Doors for Celery: ids in, nothing out. Every one is safe to run twice, late, or never: rows are the intent."""

from __future__ import annotations

from celery import shared_task

from deployments.workers import Nudged
from observability import dispatch
from observability.evaluation import due


@shared_task(base=Nudged, name=dispatch.EVALUATE, max_retries=3, default_retry_delay=5)  # type: ignore[untyped-decorator]
def evaluate(source_id: int) -> None:
    due.do(source_id)
