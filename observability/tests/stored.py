"""Closed windows in the database, counted from small drawn tables, without files and without the importer."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from baristaweb.lib.clock import now
from deployments.models import Deployment
from observability.domain.profile.stored import dump_states
from observability.domain.propose.propose import propose
from observability.domain.specs.spec import Spec
from observability.models import Blob, LogSource, SourceSpec, StoredWindow
from observability.tests.folding import fold
from observability.tests.sources import make_source, make_spec_row

Columns = dict[str, Any]
Change = Callable[[Columns, datetime, str], Columns]


def drawn(rows: int, rng: np.random.Generator) -> Columns:
    cities = np.array([f"city{number}" for number in range(12)])
    return {
        "price": rng.lognormal(3, 1, rows),
        "age": rng.integers(18, 80, rows),
        "city": cities[np.minimum(rng.geometric(0.25, rows) - 1, 11)],
        "clicked": rng.random(rows) < 0.1,
        "prediction_id": rng.integers(10**14, 10**15, rows),
        "score": rng.beta(2, 20, rows),
    }


def spec_of(columns: Columns) -> Spec:
    return propose(pa.table(columns))


def hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


def connected(deployment: Deployment, folder: Path | str, *, seed: int = 0, **fields: Any) -> LogSource:
    """A source whose spec fits what `drawn` draws; `fields` are the source's."""
    spec = spec_of(drawn(20_000, np.random.default_rng(seed)))
    names = {"predictions": ["clicked"], "scores": ["score"], "prediction_id": "prediction_id"}
    columns = {
        "time": {"column": "ts", "unit": "ms", "zone": "UTC"},
        "model_version": "version",
        "segment": "",
        **names,
    }
    return make_source(deployment, folder, spec=make_spec_row(spec, columns=columns), **fields)


def fill(
    source: LogSource,
    *,
    hours: int = 72,
    rows: int = 1_200,
    until: datetime | None = None,
    versions: Sequence[str] = ("1",),
    change: Change | None = None,
    skipped: Callable[[datetime], bool] = lambda at: False,
    seed: int = 1,
) -> list[StoredWindow]:
    """Closed hours up to `until` (the last full hour); `change` gets each one's columns, start and version."""
    rng = np.random.default_rng(seed)
    end = hour(until or now())
    row, made = source.spec, []
    spec = row.to_spec()
    for place in range(hours):
        start = end - timedelta(hours=hours - place)
        if skipped(start):
            continue
        for version in versions:
            found = drawn(rows, rng)
            if change is not None:
                found = change(found, start, version)
            made.append(store(source, row, spec, start, version, found))
    return made


def store(
    source: LogSource, row: SourceSpec, spec: Spec, start: datetime, version: str, found: Columns
) -> StoredWindow:
    """One closed window; one that is there is replaced."""
    states = {feature.name: fold(feature, pa.array(found[feature.name])) for feature in spec if feature.name in found}
    _, data = dump_states(spec, states)
    sha = hashlib.sha256(data).hexdigest()
    blob = Blob.objects.get_or_create(sha256=sha, defaults={"data": data, "size": len(data)})[0]
    length = timedelta(hours=1) if row.window == "hour" else timedelta(days=1)
    rows = len(next(iter(found.values()))) if found else 0
    values = {
        "end": start + length,
        "state": StoredWindow.State.CLOSED,
        "rows": rows,
        "blob": blob,
        "blob_rows": rows,
        "closed_at": now(),
        "replaced_at": now(),
    }
    keys = {"source": source, "spec": row, "version": version, "segment": "", "length": row.window, "start": start}
    return StoredWindow.objects.update_or_create(**keys, defaults=values)[0]


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc]
