"""The names of this app's tasks, and who asks for them."""

from __future__ import annotations

from baristaweb.lib.queue import nudge_after_commit

EVALUATE = "observability.evaluate"


def evaluate_soon(source_id: int) -> None:
    """After commit, ask a worker to judge the windows of a source."""
    nudge_after_commit(EVALUATE, source_id)
