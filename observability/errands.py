"""What the relay finds of this app."""

from __future__ import annotations

from typing import Final

from baristaweb.lib.registry import Chore, Errand, Key
from observability import dispatch
from observability.evaluation import due
from observability.models import DataHealth


def _due_evaluations(lease_s: float) -> list[Key]:
    return list(due.claim())


ERRANDS: Final = (Errand(task=dispatch.EVALUATE, due=_due_evaluations, do=due.do, is_leased=True, waiting=due.waiting),)
CHORES: Final = (
    Chore(name="data health", every_s=60.0, do=due.refresh_health, waiting=lambda: DataHealth.objects.all()),
)
