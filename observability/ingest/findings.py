"""What is noticed about a source's data, each thing once, with how often; never a value of it."""

from __future__ import annotations

from datetime import datetime

from django.db.models import F

from observability.engines.counting import Counted
from observability.models import LogSource, SourceFinding, SourceObject

SCHEMA = ("missing_column", "renamed_column", "retyped_column", "new_column")
MOST = 200  # open findings of a source: beyond, columns are not told one by one


def say(source: LogSource, name: str, column: str, reason: str, *, uri: str, at: datetime) -> None:
    """Open the finding, or count it once more."""
    rows = SourceFinding.objects.filter(source=source, name=name, column=column[:512], closed_at=None)
    if rows.update(last_at=at, count=F("count") + 1, reason=reason[:500]):
        return
    if SourceFinding.objects.filter(source=source, closed_at=None).count() >= MOST:
        return
    made = SourceFinding(
        source=source, name=name, column=column[:512], reason=reason[:500], uri=uri[:1100], first_at=at, last_at=at
    )
    SourceFinding.objects.bulk_create([made], ignore_conflicts=True)


def say_schema(row: SourceObject, counted: Counted, at: datetime) -> None:
    """Findings about the columns of an object that was counted; those of before that it does not show are over."""
    told = {(name, column) for name, column, _ in counted.findings}
    for name, column, sentence in counted.findings:
        say(row.source, name, column, sentence, uri=row.uri, at=at)
    if row.is_fresh:
        open_ones = SourceFinding.objects.filter(source=row.source, name__in=SCHEMA, closed_at=None)
        over = [one.pk for one in open_ones if (one.name, one.column) not in told]
        if over:
            SourceFinding.objects.filter(pk__in=over).update(closed_at=at)


def close(source: LogSource, name: str, at: datetime) -> None:
    """It is over."""
    SourceFinding.objects.filter(source=source, name=name, closed_at=None).update(closed_at=at)
