"""Asking a worker to verify the audit log, and the answer. Nobody's intent changes: no event."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import structlog
from django.db import DatabaseError, transaction

from baristaweb.lib.clock import now
from deployments import dispatch
from deployments.audit import Actor
from deployments.models import AuditCheck
from deployments.models.requests import Answer
from deployments.queries import audit_chain

log = structlog.get_logger(__name__)

EVERY: Final = timedelta(days=1)
MOST_KEPT: Final = 50


@transaction.atomic
def ask(*, by: Actor) -> AuditCheck:
    """Have the log verified; one that waits already is the same question."""
    waiting = AuditCheck.objects.filter(answer=Answer.WAITING).first()
    if waiting is not None:
        return waiting
    row = AuditCheck.objects.create(asked_by=by.label)
    dispatch.verify_audit_soon(row.pk)
    return row


def ask_daily(*, at: datetime) -> None:
    if not AuditCheck.objects.filter(created_at__gt=at - EVERY).exists():
        ask(by=Actor.system("relay"))


def answer(check_id: int) -> None:
    """Verify the log for a waiting row; one that was answered meanwhile is left as it is."""
    rows = AuditCheck.objects.filter(pk=check_id, answer=Answer.WAITING)
    if not rows.exists():
        return
    try:
        found = audit_chain.verify()
    except DatabaseError:
        raise
    except Exception:
        # Whoever waits for the answer must not wait for ever; the trace goes to the log.
        log.exception("audit_check_broke", check=check_id)
        rows.update(answer=Answer.FAILED, answered_at=now())
        return
    rows.update(
        answer=Answer.DONE,
        answered_at=now(),
        newest=found.newest.seq,
        row_hash=found.newest.row_hash,
        findings=list(found.findings[:MOST_KEPT]),
    )
