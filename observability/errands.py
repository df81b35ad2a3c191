"""What the relay finds of this app: sources to be listed, objects to be counted, questions without an answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from baristaweb.lib.clock import now
from baristaweb.lib.registry import Errand, Key
from observability import dispatch
from observability.queries import waiting


def _due_sources(lease_s: float) -> Sequence[Key]:
    return list(waiting.due_sources(now()).order_by("next_poll_at").values_list("pk", flat=True)[:200])


def _wait_for_a_worker(key: Key) -> None:
    """Reading objects is not the relay's: without import workers it waits for them."""


ERRANDS: Final = (
    Errand(
        task=dispatch.IMPORT_LOGS,
        queue=dispatch.IMPORTS,
        due=_due_sources,
        do=_wait_for_a_worker,
        waiting=lambda: waiting.due_sources(now()),
    ),
)
