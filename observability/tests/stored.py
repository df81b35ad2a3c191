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
    row, drawings = source.spec, []
    for place in range(hours):
        start = end - timedelta(hours=hours - place)
        if skipped(start):
            continue
        for version in versions:
            found = drawn(rows, rng)
            if change is not None:
                found = change(found, start, version)
            drawings.append((start, version, found))
    return stored(source, row, drawings)


def stored(source: LogSource, row: SourceSpec, drawings: Sequence[tuple[datetime, str, Columns]]) -> list[StoredWindow]:
    """Closed windows of these starts and versions; those that are there are replaced."""
    loaded, told = row.to_spec(), row.to_spec().dumps()
    length = timedelta(hours=1) if row.window == "hour" else timedelta(days=1)
    folded = [_folded(loaded, told, found) for _, _, found in drawings]
    Blob.objects.bulk_create(
        [Blob(sha256=sha, data=data, size=len(data)) for sha, data in dict(folded).items()], ignore_conflicts=True
    )
    blobs = dict(Blob.objects.filter(sha256__in=dict(folded)).values_list("sha256", "pk"))
    there = StoredWindow.objects.filter(source=source, spec=row, segment="", length=row.window)
    known = {(one.start, one.version): one.pk for one in there.only("pk", "start", "version")}
    made = []
    for (start, version, found), (sha, _) in zip(drawings, folded, strict=True):
        rows = len(next(iter(found.values()))) if found else 0
        one = StoredWindow(
            pk=known.get((start, version)), source=source, spec=row, version=version, length=row.window, start=start,
            end=start + length, state=StoredWindow.State.CLOSED, rows=rows, blob_id=blobs[sha], blob_rows=rows,
            closed_at=now(), replaced_at=now(),
        )  # fmt: skip
        made.append(one)
    for one in made:
        if one.pk is not None:
            one.save()
    StoredWindow.objects.bulk_create([one for one in made if one.pk is None])
    return made


_FOLDED: dict[str, tuple[str, bytes]] = {}


def _folded(spec: Spec, told: bytes, found: Columns) -> tuple[str, bytes]:
    """Digest and bytes of the states. The same drawing is folded once a process: it takes longer than the test."""
    key = hashlib.sha256(told)
    for name, values in found.items():
        is_flat = isinstance(values, np.ndarray) and values.dtype != object
        key.update(f"{name} {getattr(values, 'dtype', type(values))} {len(values)}".encode())
        key.update(np.ascontiguousarray(values).tobytes() if is_flat else repr(values.tolist()).encode())
    digest = key.hexdigest()
    if digest not in _FOLDED:
        states = {
            feature.name: fold(feature, pa.array(found[feature.name])) for feature in spec if feature.name in found
        }
        _, data = dump_states(spec, states)
        _FOLDED[digest] = hashlib.sha256(data).hexdigest(), data
    return _FOLDED[digest]


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc]
