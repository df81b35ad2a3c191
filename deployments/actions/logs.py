"""Asking for log lines."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction

from baristaweb.lib.clock import now
from deployments import dispatch
from deployments.models import Deployment, LogRequest, User
from deployments.models.requests import Answer

MOST_LINES = 5000
FOLLOW_FOR = timedelta(minutes=10)


@transaction.atomic
def request(
    *,
    deployment: Deployment,
    by: User,
    pod: str = "",
    container: str = "",
    previous: bool = False,
    since_s: int = 3600,
    tail: int = 500,
) -> LogRequest:
    """A row that a worker answers with the lines; the relay deletes it when its time is over (actions/retention.py)."""
    row = LogRequest.objects.create(
        deployment=deployment,
        author=by,
        pod=pod,
        container=container,
        previous=previous,
        since_s=max(1, min(since_s, 7 * 86_400)),
        tail=max(1, min(tail, MOST_LINES)),
    )
    dispatch.fetch_logs_soon(row.pk)
    return row


@transaction.atomic
def ask_newer(row: LogRequest) -> None:
    """Have a worker add the lines written since the last answer; nothing happens while one is awaited."""
    asked = LogRequest.objects.filter(pk=row.pk).exclude(answer=Answer.WAITING)
    if asked.update(answer=Answer.WAITING, created_at=now()):
        dispatch.fetch_logs_soon(row.pk)


def follow(row: LogRequest, *, is_on: bool) -> None:
    """Begin to ask for newer lines again and again, for ten minutes at most; or stop."""
    LogRequest.objects.filter(pk=row.pk).update(followed_at=now() if is_on else None)


def is_followed(row: LogRequest) -> bool:
    return row.followed_at is not None and now() - row.followed_at < FOLLOW_FOR
