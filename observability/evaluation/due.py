"""Who evaluates a source just now."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django.db.models import Q

from baristaweb.lib.clock import now
from observability.evaluation import judge
from observability.models import SourceVerdict

LEASE: Final = timedelta(hours=1)  # what a worker that died had is due again after it


def claim(source_id: int) -> bool:
    """Whether the source is this worker's; another has it until it is done, or its lease is over."""
    SourceVerdict.objects.bulk_create([SourceVerdict(source_id=source_id)], ignore_conflicts=True)
    at = now()
    free = SourceVerdict.objects.filter(Q(claimed_until=None) | Q(claimed_until__lte=at), pk=source_id)
    return free.update(claimed_until=at + LEASE) == 1


def do(source_id: Any) -> None:
    """Evaluate one source, unless another worker does; what goes wrong is kept with it, and it is tried again later."""
    if not claim(int(source_id)):
        return
    try:
        judge.evaluate(int(source_id))
    except Exception as error:  # one source must not stop the others; its page says why
        judge.note_failure(int(source_id), error, LEASE / 60)
