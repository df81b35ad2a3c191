"""Small prediction logs on disk for tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from observability.domain.fold.windows import Keys, Window
from observability.domain.profile.profile import Profile
from observability.domain.propose.propose import propose
from observability.domain.specs.spec import Spec
from observability.engines.base import Options
from observability.engines.local import profile_sources
from observability.store.files import Limits, open_source
from observability.store.logs import sample_log

DAY = Keys(Window.HOUR, "at", "version")


def table(rows: int = 20_000, seed: int = 0) -> pa.Table:
    """Every kind of column: floats with nulls, integers, ids, categories, texts, vectors, times out of order."""
    rng = np.random.default_rng(seed)
    start = 1_700_006_400_000_000
    return pa.table(
        {
            "score": pa.array(rng.beta(2, 20, rows), mask=rng.random(rows) < 0.03),
            "price": pa.array(rng.lognormal(3, 1, rows).astype(np.float32)),
            "rating": rng.integers(1, 6, rows),
            "user_id": rng.integers(10**12, 10**13, rows),
            "country": pa.array([f"c{code}" for code in rng.integers(0, 30, rows)]).dictionary_encode(),
            "query": pa.array([f"query {code}" if code % 17 else None for code in rng.integers(0, 5_000, rows)]),
            "clicked": pa.array(rng.random(rows) < 0.1),
            "vector": pa.FixedSizeListArray.from_arrays(pa.array(rng.normal(size=rows * 4).astype(np.float32)), 4),
            "at": pa.array(start + rng.integers(0, 6 * 3_600_000_000, rows)).cast(pa.timestamp("us")),
            "version": pa.array(np.where(rng.random(rows) < 0.5, "v1", "v2")),
        }
    )


def write(path: Path, data: pa.Table, row_group: int = 4_000, **options: object) -> str:
    pq.write_table(data, path, row_group_size=row_group, **options)
    return str(path)


def spec_of(path: str, leave_out: tuple[str, ...] = ("at", "version")) -> Spec:
    proposed = propose(sample_log(open_source(path), Limits(), 20_000))
    return Spec(tuple(feature for feature in proposed if feature.name not in leave_out))


def profile(path: str, spec: Spec, options: Options | None = None) -> Profile:
    return profile_sources([open_source(path)], spec, options)
