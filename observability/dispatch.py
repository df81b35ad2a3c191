"""The names of this app's tasks, and who asks for them."""

from __future__ import annotations

import uuid

from baristaweb.lib.queue import nudge_after_commit

IMPORT_LOGS = "observability.import_logs"
ANSWER_SAMPLE = "observability.answer_sample"
EVALUATE = "observability.evaluate"

IMPORTS = "imports"  # a queue with workers of its own: what reads objects never delays an apply
SAMPLES = "samples"  # what a person waits for, before objects


def import_soon(source_id: int) -> None:
    """After commit, ask an import worker to look at the source."""
    nudge_after_commit(IMPORT_LOGS, source_id)


def answer_soon(request_id: uuid.UUID) -> None:
    """After commit, ask a worker to answer a question of the source form."""
    nudge_after_commit(ANSWER_SAMPLE, str(request_id))


def evaluate_soon(source_id: int) -> None:
    """After commit, ask an import worker to judge the windows of a source."""
    nudge_after_commit(EVALUATE, source_id)
