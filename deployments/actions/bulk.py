"""The same action on several deployments: all of them or none."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from django.db import transaction

from deployments.actions import deployments
from deployments.actions.errors import Refused
from deployments.audit import Actor
from deployments.domain.roles import Permission
from deployments.models import Deployment

MOST = 100


class BulkAction(StrEnum):
    """What can be done to many at once."""

    PAUSE = "pause"
    RESUME = "resume"
    RESTART = "restart"

    @property
    def label(self) -> str:
        return self.value.capitalize()

    @property
    def permission(self) -> Permission:
        return Permission.DEPLOYMENT_RESTART if self is BulkAction.RESTART else Permission.DEPLOYMENT_PAUSE

    def why_not(self, row: Deployment) -> str:
        """Why it cannot be done to `row` as it is now; empty when it can."""
        if self is BulkAction.PAUSE:
            return deployments.why_no_pause(row)
        return deployments.why_no_resume(row) if self is BulkAction.RESUME else deployments.why_no_restart(row)

    @property
    def effect(self) -> str:
        """What happens to each, in words."""
        return {
            "pause": "Changes are no longer applied until somebody resumes. Pods go on running.",
            "resume": "What is saved is applied again.",
            "restart": "Each deployment restarts by its own strategy; serving goes on where that allows.",
        }[self.value]


class BulkRefused(Refused):
    """Some of them cannot be done, so none was: message by deployment."""

    def __init__(self, problems: dict[Deployment, str]) -> None:
        self.problems = problems
        super().__init__("Nothing was done: " + "; ".join(f"{row}: {text}" for row, text in problems.items()))


@transaction.atomic
def run(
    *, rows: Sequence[Deployment], action: BulkAction, by: Actor, note: str, until: datetime | None = None
) -> list[Deployment]:
    """Do it to all of `rows`, one audit event each. Raises BulkRefused when one cannot be done."""
    if not 0 < len(rows) <= MOST:
        raise Refused(f"Choose between 1 and {MOST} deployments.")
    ordered = sorted(rows, key=lambda row: row.pk)
    # All locks first, in one order: an audit event between two row locks would deadlock with another bulk action.
    list(Deployment.objects.select_for_update().filter(pk__in=[row.pk for row in ordered]).order_by("pk"))
    done: list[Deployment] = []
    problems: dict[Deployment, str] = {}
    for row in ordered:
        try:
            done.append(_one(row, action, by=by, note=note, until=until))
        except Refused as refusal:
            problems[row] = str(refusal)
    if problems:
        raise BulkRefused(problems)
    return done


def _one(row: Deployment, action: BulkAction, *, by: Actor, note: str, until: datetime | None) -> Deployment:
    if action is BulkAction.PAUSE:
        return deployments.pause(deployment=row, by=by, note=note, until=until)
    if action is BulkAction.RESUME:
        return deployments.resume(deployment=row, by=by, note=note)
    return deployments.restart(deployment=row, by=by, note=note)
