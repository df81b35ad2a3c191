"""Our own jobs: `python -m benchmarks.jobs NAME JSON`. Each runs in a fresh process, see measure.py."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.mark import answer, mark
from observability.domain.compare.compare import compare
from observability.domain.fold.feature import FeatureAccumulator
from observability.domain.fold.windows import Keys, Window
from observability.domain.loops.grouping import by_group, single
from observability.domain.profile.encoding import decode, encode, pack, unpack
from observability.domain.profile.states import merge
from observability.domain.propose.propose import propose_feature
from observability.domain.specs.spec import Spec
from observability.engines import spark
from observability.engines.base import Options
from observability.engines.local import profile_sources
from observability.engines.proposing import propose_spec
from observability.store.files import Limits, open_source

BY_WINDOW = Keys(Window.HOUR, "at", "version")


def _spec(path: str, names: str) -> Spec:
    proposed = propose_spec([open_source(path)], Limits())
    kept = [feature for feature in proposed if feature.name not in ("at", "version")]
    if names == "numeric":
        kept = [feature for feature in kept if feature.name[0] == "f" or feature.name == "prediction"]
    return Spec(tuple(kept))


def read(paths: list[str], columns: str = "all", form: str = "threads", threads: int = 2) -> None:
    """pyarrow alone, in several forms; the fastest is the yardstick."""
    schema = pq.read_schema(paths[0])
    wanted = [name for name in schema.names if columns == "all" or name[0] == "f" or name == "prediction"]
    texts = (
        [name for name in wanted if str(schema.field(name).type) == "string"]
        if form in ("dictionary", "columns")
        else None
    )
    mark("BEGIN")
    rows = 0
    for path in paths:
        metadata = pq.read_metadata(path)
        rows += metadata.num_rows
        if form == "table":
            pq.read_table(path, columns=wanted, use_threads=True)
            continue

        def one(groups: range, path: str = path, metadata: Any = metadata) -> None:
            file = pq.ParquetFile(path, metadata=metadata, pre_buffer=False, read_dictionary=texts)
            step = 4 if form == "columns" else len(wanted)
            for group in groups:
                for place in range(0, len(wanted), step):
                    file.read_row_group(group, columns=wanted[place : place + step], use_threads=False)

        with ThreadPoolExecutor(threads) as pool:
            lanes = [range(lane, metadata.num_row_groups, threads) for lane in range(threads)]
            list(pool.map(one, lanes))
    mark("END")
    answer(rows=rows, columns=len(wanted))


def load_loops(_: object = None) -> float:
    """Load, or on a new machine compile, the loops of the fold, as every process does once. Returns its seconds."""
    began = time.perf_counter()
    rows = 3_000
    columns = {
        "number": pa.array([None if row % 7 == 0 else row / 3 for row in range(rows)]),
        "text": pa.array([f"value {row}" for row in range(rows)] * 2)[:rows],
    }
    for name, column in columns.items():
        accumulator = FeatureAccumulator(propose_feature(name, column))
        for grouping in (single(rows), by_group(np.arange(rows) % 2), single(rows)):
            accumulator.fold(column, grouping)
    return time.perf_counter() - began


def fold(
    paths: list[str],
    columns: str = "all",
    windows: bool = True,
    threads: int = 2,
    engine: str = "local",
    repeat: int = 1,
) -> None:
    """Our whole pass, states of all windows and versions included."""
    spec = _spec(paths[0], columns)
    sources = [open_source(path) for path in paths] * repeat
    options = Options(keys=BY_WINDOW if windows else Keys(), threads=threads)
    if engine == "spark":
        with spark.spark_session() as session:
            # Starts the workers, as a running cluster has them.
            session.sparkContext.parallelize(range(4), 4).map(load_loops).count()
            mark("BEGIN")
            profile = spark.profile_sources(sources, spec, options)
            mark("END")
            answer(rows=profile.rows, columns=len(spec), identity=profile.identity, peak=0)
        return
    loading = load_loops()
    mark("BEGIN")
    profile = profile_sources(sources, spec, options)
    mark("END")
    size = len(profile.dumps())
    answer(rows=profile.rows, columns=len(spec), identity=profile.identity, size=size, loading=loading)


def merging(path: str, seconds: float = 3.0) -> None:
    """Decode packed numeric states and add them up: states of 48 windows of all numeric features."""
    profile = profile_sources([open_source(path)], _spec(path, "numeric"), Options(keys=BY_WINDOW, threads=2))
    blobs = [
        [pack(encode(states[feature.name])) for states in profile.states.values()] for feature in profile.spec.features
    ]
    sizes = sorted(len(blob) for column in blobs for blob in column)
    mark("BEGIN")
    began, done = time.process_time(), 0
    while time.process_time() - began < seconds:
        column = blobs[done // 48 % len(blobs)]
        merge([decode(unpack(blob)) for blob in column])
        done += len(column)
    spent = time.process_time() - began
    mark("END")
    answer(per_second=done / spent, median_bytes=sizes[len(sizes) // 2], largest_bytes=sizes[-1])


def comparing(features: int = 5_000, rows: int = 20_000) -> None:
    """Compare many features: two different days of a handful of distributions, each feature compared by itself."""
    rng = np.random.default_rng(0)
    pairs = []
    for place in range(40):
        values = [rng.normal(shift, 1 + place / 40, rows) for shift in (0.0, 0.02 * place)]
        spec = _one_feature(f"f{place}", values[0])
        pairs.append((spec, *(_state(spec, side) for side in values)))
    mark("BEGIN")
    began = time.process_time()
    verdicts = [compare(ref, cur, spec).verdict for spec, ref, cur in (pairs[i % 40] for i in range(features))]
    spent = time.process_time() - began
    mark("END")
    answer(seconds=spent, drifted=sum(verdict.value == "drift" for verdict in verdicts))


def _one_feature(name: str, values: np.ndarray) -> Any:
    return propose_feature(name, pa.array(values))


def _state(spec: Any, values: np.ndarray) -> Any:
    accumulator = FeatureAccumulator(spec)
    accumulator.fold(pa.array(values), single(len(values)))
    return accumulator.state(0)


def lost(doublings: int = 20) -> None:
    """About 10^9 rows by doubling a state; one value more or less must change the bytes and the row count."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=1_000)
    spec = _one_feature("x", values)
    whole = _state(spec, values)
    mark("BEGIN")
    for _ in range(doublings):
        whole = merge([whole, whole])
    more = merge([whole, _state(spec, values[:1])])
    mark("END")
    answer(rows=whole.rows, is_seen=encode(more) != encode(whole) and more.rows == whole.rows + 1)


JOBS: dict[str, Callable[..., None]] = {
    "read": read,
    "fold": fold,
    "merging": merging,
    "comparing": comparing,
    "lost": lost,
}

if __name__ == "__main__":
    JOBS[sys.argv[1]](**json.loads(sys.argv[2]))
