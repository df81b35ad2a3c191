"""Asking a worker to read a sample of a log, or to try what a source would do; the rows are kept for a day."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from deployments.models import Deployment, User
from observability import dispatch
from observability.models import LogSource, SampleRequest


@transaction.atomic
def ask(
    *,
    kind: SampleRequest.Kind,
    deployment: Deployment,
    by: User,
    question: dict[str, Any],
    source: LogSource | None = None,
) -> SampleRequest:
    """A row that a worker answers. Nothing is stored of a source yet: no event."""
    row = SampleRequest.objects.create(deployment=deployment, source=source, author=by, kind=kind, question=question)
    dispatch.answer_soon(row.pk)
    return row


def keep_choices(row: SampleRequest, choices: dict[str, Any], columns: list[dict[str, Any]]) -> None:
    """What the author chose on one page of columns, for the pages after it; `columns` as they are after that, so that
    nothing of what was marked sensitive stays in the row."""
    row.question = row.question | {"choices": row.question.get("choices", {}) | choices}
    if row.kind == SampleRequest.Kind.DRY_RUN:
        row.question = row.question | {"proposal": columns}
    else:
        row.result = row.result | {"columns": columns}
    SampleRequest.objects.filter(pk=row.pk).update(question=row.question, result=row.result)
