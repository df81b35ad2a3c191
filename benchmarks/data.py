"""The benchmark's logs, made once in the cache folder: the same seed, the same bytes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.peers import CACHE

ROW_GROUP = 125_000
START = 1_700_006_400_000_000
HOUR = 3_600_000_000
CARDINALITIES = (3, 8, 20, 50, 100, 250, 500, 1_000, 100_000, 100_000)


def log(rows: int, numeric: int = 40, strings: int = 10, parts: int = 1, hours: int = 24) -> list[str]:
    """Paths of a log of `rows` x (numeric + strings + prediction + label) with 24 unsorted hours and 2 versions; with
    fewer `hours` each part has so many of its own, as files have that are written while a model serves."""
    folder = CACHE / "bench-data"
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"log-{rows}-{numeric}-{strings}-{parts}" + (f"-{hours}h" if hours != 24 else "")
    paths = [folder / f"{stem}-{part}.parquet" for part in range(parts)]
    for part, path in enumerate(paths):
        if not path.exists():
            _write(path, rows // parts, numeric, strings, seed=part, hours=hours)
    return [str(path) for path in paths]


def _write(path: Path, rows: int, numeric: int, strings: int, seed: int, hours: int) -> None:
    rng = np.random.default_rng(seed)
    first = START + (seed * hours * HOUR if hours != 24 else 0)
    writer = None
    partial = path.with_suffix(".part")
    for start in range(0, rows, ROW_GROUP):
        table = _rows(rng, min(ROW_GROUP, rows - start), numeric, strings, (first, hours))
        writer = writer or pq.ParquetWriter(partial, table.schema, compression="zstd")
        writer.write_table(table, row_group_size=ROW_GROUP)
    if writer is not None:
        writer.close()
    partial.rename(path)


def _rows(rng: np.random.Generator, rows: int, numeric: int, strings: int, time: tuple[int, int]) -> pa.Table:
    first, hours = time
    columns: dict[str, pa.Array] = {}
    for place in range(numeric):
        columns[f"f{place}"] = pa.array(_numbers(rng, rows, place), mask=rng.random(rows) < 0.03)
    for place in range(strings):
        codes = rng.integers(0, CARDINALITIES[place % len(CARDINALITIES)], rows)
        words = pa.array([f"value-{code:05x}" for code in range(CARDINALITIES[place % len(CARDINALITIES)])])
        mask = pa.array(rng.random(rows) < 0.03)
        taken = words.take(pa.array(codes))
        columns[f"s{place}"] = pa.compute.if_else(mask, pa.scalar(None, pa.string()), taken)
    columns["prediction"] = pa.array(rng.beta(2, 20, rows))
    columns["label"] = pa.array((rng.random(rows) < 0.1).astype(np.int64))
    columns["at"] = pa.array(first + rng.integers(0, hours * HOUR, rows)).cast(pa.timestamp("us"))
    columns["version"] = pa.array(["v1", "v2"]).take(pa.array(rng.integers(0, 2, rows)))
    return pa.table(columns)


def _numbers(rng: np.random.Generator, rows: int, place: int) -> np.ndarray:
    """Normal, lognormal, Beta, uniform, counts, offset: what features look like."""
    kind = place % 6
    if kind == 0:
        return rng.normal(0, 1, rows)
    if kind == 1:
        return rng.lognormal(3, 1, rows)
    if kind == 2:
        return rng.beta(2, 5, rows)
    if kind == 3:
        return rng.uniform(-74.05, -73.9, rows)
    if kind == 4:
        return rng.poisson(40, rows).astype(np.float64)
    return rng.normal(1000, 0.1, rows)


def wide(columns: int, rows: int) -> str:
    """One file of many numeric columns."""
    path = CACHE / "bench-data" / f"wide-{columns}-{rows}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        rng = np.random.default_rng(1)
        partial, writer = path.with_suffix(".part"), None
        for _ in range(0, rows, 10_000):
            table = pa.table({f"f{place}": _numbers(rng, 10_000, place) for place in range(columns)})
            writer = writer or pq.ParquetWriter(partial, table.schema, compression="zstd", use_dictionary=False)
            writer.write_table(table)
        if writer is not None:
            writer.close()
        partial.rename(path)
    return str(path)
