"""Driving the importer in tests, without a queue: list, count all that is due, keep the windows."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from baristaweb.lib.clock import now
from observability.ingest import claims, discover, work
from observability.models import LogSource, SourceObject, SourceState, StoredWindow

HOUR = 3_600


def rows(hour: datetime, count: int, *, version: str = "1", score: float = 0.5, country: str = "de") -> pa.Table:
    """So many rows of one hour."""
    start = int(hour.timestamp()) * 1_000_000
    return pa.table(
        {
            "at": pa.array([start + place * 1_000 for place in range(count)]).cast(pa.timestamp("us")),
            "version": pa.array([version] * count),
            "score": pa.array([score] * count),
            "country": pa.array([country] * count),
        }
    )


def put(path: Path, table: pa.Table, *, age_s: float = 60) -> Path:
    """Write it under its name at once; old enough that nobody looks at it a second time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.parent / f".{path.name}"
    pq.write_table(table, aside)
    changed = datetime.now(UTC).timestamp() - age_s
    os.utime(aside, (changed, changed))
    os.replace(aside, path)
    return path


def hour_ago(hours: float = 1) -> datetime:
    """The beginning of an hour that long ago."""
    return (now() - timedelta(hours=hours)).replace(minute=0, second=0, microsecond=0)


def fresh(source: LogSource) -> LogSource:
    """As its row is now."""
    related = ("root__credential", "spec", "deployment__namespace__team")
    return LogSource.objects.select_related(*related).get(pk=source.pk)


def read(importer: work.Importer, source: LogSource, *, later_s: float = 3_600, sweep: bool = False) -> None:
    """List and count all that is there; what would wait a while before it is tried again does not."""
    source = fresh(source)
    discover.poll(source, importer.reader, at=now())
    if sweep:
        discover.sweep(source, importer.reader, at=now())
    count_due(importer, later_s=later_s)


def count_due(importer: work.Importer, *, later_s: float = 3_600) -> int:
    """Count what is due now, or becomes due within so many seconds."""
    done = 0
    while (row := _next(later_s)) is not None:
        importer.handle(row)
        done += 1
        assert done < 200, "the same objects are due again and again"
    return done


def _next(later_s: float) -> SourceObject | None:
    SourceObject.objects.filter(due_at__gt=now(), due_at__lt=now() + timedelta(seconds=later_s)).update(due_at=now())
    return claims.claim_next(at=now())


def keep(source: LogSource, *, later: timedelta = timedelta(minutes=5)) -> None:
    """Close, compact and so on, as if it were a little later."""
    work.keep(fresh(source), now() + later)


def counts(source: LogSource) -> dict[tuple[datetime, str], int]:
    """Rows by start and version."""
    found = StoredWindow.objects.filter(source=source)
    return {(row.start, row.version): row.rows for row in found}


def due_now(source: LogSource) -> None:
    SourceState.objects.filter(source=source).update(next_poll_at=now())
