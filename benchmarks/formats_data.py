"""Logs of many forms for the benchmark of formats, made once in the cache folder: the same seed, the same bytes."""

from __future__ import annotations

import gzip
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from benchmarks.data import START
from benchmarks.peers import CACHE

BAD_EVERY = 1_000
ROW_GROUP = 100_000


def made(name: str, write: Callable[[Path], None]) -> str:
    """Path of a file that `write` makes unless it is there."""
    path = CACHE / "bench-data" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        unfinished = path.with_name("part-" + path.name)
        write(unfinished)
        unfinished.rename(path)
    return str(path)


def predictions(rows: int, seed: int = 0) -> pa.Table:
    """Seven columns as prediction logs have them; the time is text."""
    rng = np.random.default_rng(seed)
    at = pa.array(START + np.sort(rng.integers(0, 24 * 3_600_000_000, rows))).cast(pa.timestamp("us"))
    return pa.table(
        {
            "at": pa.compute.strftime(at, format="%Y-%m-%dT%H:%M:%S"),
            "user_id": pa.array([f"u{code:09d}" for code in rng.integers(0, 10**9, rows)]),
            "score": rng.beta(2, 20, rows),
            "price": np.round(rng.lognormal(3, 1, rows), 2),
            "visits": pa.array(rng.poisson(40, rows), mask=rng.random(rows) < 0.03),
            "country": pa.array([f"c{code}" for code in rng.integers(0, 30, rows)]),
            "clicked": pa.array(rng.random(rows) < 0.1),
        }
    )


def csv(rows: int, compression: str = "") -> str:
    """A CSV file of which one row in a thousand has a cell too many."""

    def write(path: Path) -> None:
        sink = pa.BufferOutputStream()
        pacsv.write_csv(predictions(rows), sink, pacsv.WriteOptions(quoting_style="needed"))
        lines = sink.getvalue().to_pybytes().split(b"\n")
        for place in range(BAD_EVERY, len(lines) - 1, BAD_EVERY):
            lines[place] += b",1"
        path.write_bytes(packed(b"\n".join(lines), compression))

    return made(f"predictions-{rows}.csv{compression}", write)


def jsonl(rows: int, compression: str = "") -> str:
    """JSON lines of which one in a thousand holds a time that is none, which a reader takes for text."""

    def write(path: Path) -> None:
        table = predictions(rows)
        times = table.column("at").to_pylist()
        for place in range(BAD_EVERY, rows, BAD_EVERY):
            times[place] = "soon"
        numbers = [column.to_pylist() for column in table.columns[1:]]
        lines = []
        for at, user, score, price, visits, country, clicked in zip(times, *numbers, strict=True):
            lines.append(
                f'{{"at": "{at}", "user_id": "{user}", "score": {score!r}, "price": {price!r}, '
                f'"visits": {"null" if visits is None else visits}, "country": "{country}", '
                f'"clicked": {"true" if clicked else "false"}}}'
            )
        path.write_bytes(packed(("\n".join(lines) + "\n").encode(), compression))

    return made(f"predictions-{rows}.jsonl{compression}", write)


def packed(data: bytes, compression: str) -> bytes:
    if compression == ".gz":
        return gzip.compress(data, 6)
    return bytes(pa.compress(data, "zstd", asbytes=True)) if compression == ".zst" else data


def strings(rows: int, columns: int = 30) -> str:
    """Texts of which no two are alike."""

    def write(path: Path) -> None:
        rng, writer = np.random.default_rng(2), None
        for start in range(0, rows, ROW_GROUP):
            some = min(ROW_GROUP, rows - start)
            table = pa.table(
                {f"s{place}": [f"{code:016x}" for code in rng.integers(0, 2**62, some)] for place in range(columns)}
            )
            writer = writer or pq.ParquetWriter(path, table.schema, compression="zstd")
            writer.write_table(table, row_group_size=ROW_GROUP)
        if writer is not None:
            writer.close()

    return made(f"strings-{columns}-{rows}.parquet", write)


def embeddings(rows: int, dimension: int = 768) -> str:
    """One column of vectors of float32."""

    def write(path: Path) -> None:
        rng, writer = np.random.default_rng(3), None
        for _ in range(0, rows, 10_000):
            flat = pa.array(rng.normal(0, 0.04, 10_000 * dimension).astype(np.float32))
            table = pa.table({"vector": pa.FixedSizeListArray.from_arrays(flat, dimension)})
            writer = writer or pq.ParquetWriter(path, table.schema, compression="zstd", use_dictionary=False)
            writer.write_table(table)
        if writer is not None:
            writer.close()

    return made(f"embeddings-{dimension}-{rows}.parquet", write)


def small_files(files: int, rows: int = 1_000) -> list[str]:
    """Many small Parquet files of ten columns."""

    def write(path: Path, seed: int) -> None:
        rng = np.random.default_rng(seed)
        columns: dict[str, object] = {f"f{place}": rng.normal(place, 1, rows) for place in range(7)}
        columns |= {f"s{place}": [f"w{code}" for code in rng.integers(0, 50, rows)] for place in range(3)}
        pq.write_table(pa.table(columns), path, compression="zstd")

    return [made(f"small-{rows}-{seed}.parquet", partial(write, seed=seed)) for seed in range(files)]


def many_cells(rows: int, windows: int = 720, versions: int = 50) -> str:
    """Rows spread over many hours and versions: eight numbers and two strings."""

    def write(path: Path) -> None:
        rng = np.random.default_rng(4)
        columns: dict[str, object] = {f"f{place}": rng.normal(place, 1, rows) for place in range(8)}
        columns |= {f"s{place}": [f"w{code}" for code in rng.integers(0, 20, rows)] for place in range(2)}
        columns["at"] = pa.array(START + rng.integers(0, windows * 3_600_000_000, rows)).cast(pa.timestamp("us"))
        columns["version"] = [f"v{code}" for code in rng.integers(0, versions, rows)]
        pq.write_table(pa.table(columns), path, compression="zstd", row_group_size=ROW_GROUP)

    return made(f"cells-{windows}-{versions}-{rows}.parquet", write)


@contextmanager
def beginning(path: str) -> Iterator[str]:
    """A small file of the same form, for loading compiled loops without the whole."""
    name = Path(path)
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / name.name
        if ".parquet" in name.suffixes:
            file = pq.ParquetFile(path)
            pq.write_table(
                pa.Table.from_batches(
                    [
                        next(
                            file.iter_batches(
                                10_000, columns=file.schema_arrow.names[:30] + file.schema_arrow.names[30:][-2:]
                            )
                        )
                    ]
                ),
                target,
            )
        else:
            with pa.input_stream(path) as stream:
                lines = bytes(stream.read(1 << 18)).rsplit(b"\n", 1)[0] + b"\n"
            ending = name.suffix if name.suffix in (".gz", ".zst") else ""
            target.write_bytes(packed(lines, ending))
        yield str(target)
