"""Jobs of the benchmark of formats: ours, and pyarrow reading the same file. Each runs in a fresh process."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.json as pajson
import pyarrow.parquet as pq

from benchmarks.formats_data import beginning, predictions
from benchmarks.jobs import BY_WINDOW
from benchmarks.mark import answer, mark
from observability.domain.fold.windows import Keys
from observability.domain.propose.propose import propose
from observability.domain.specs.spec import Spec
from observability.engines import local
from observability.engines.base import Options
from observability.engines.proposing import propose_spec
from observability.store.files import Limits, open_source

THREADS = 2


def fold(path: str, windows: bool = False, limit: int = 4_096) -> None:
    """Our whole pass over a file, or over a list of files between commas."""
    paths = path.split(",")
    limits = Limits(groups=limit)
    spec = spec_of(paths[0], windows)
    options = Options(keys=BY_WINDOW if windows else Keys(), threads=THREADS, limits=limits)
    sources = [open_source(one) for one in paths]
    warm(paths[0], spec, options)
    forget_peak()
    mark("BEGIN")
    profile = local.profile_sources(sources, spec, options)
    mark("END")
    answer(rows=profile.rows, columns=len(spec), bad=profile.note["bad_rows"], states=len(profile.cells) * len(spec))


def spec_of(path: str, windows: bool) -> Spec:
    """What is proposed for the file; for text, for the same columns before they were text."""
    found = propose_spec([open_source(path)], Limits()) if ".parquet" in path else propose(predictions(50_000))
    return Spec(tuple(one for one in found if one.name not in BY_WINDOW.columns or not windows))


def forget_peak() -> None:
    """Count the peak of memory from here on: making the spec is not what is measured."""
    pa.default_memory_pool().release_unused()
    Path("/proc/self/clear_refs").write_text("5")


def warm(path: str, spec: Spec, options: Options) -> None:
    """Load, or on a new machine compile, the loops for this kind of file."""
    few = Spec(spec.features[:30])
    with beginning(path) as short:
        for _ in range(2):
            local.profile_sources([open_source(short)], few, options)


def freeze(path: str, limit: int) -> None:
    """The states of all cells out of what was counted: how many are made in a second of CPU time, sorting included."""
    spent = [0.0]
    inner = local._Lane.freeze

    def timed(lane: Any, cells: int) -> None:
        began = time.thread_time()
        inner(lane, cells)
        spent[0] += time.thread_time() - began

    local._Lane.freeze = timed  # type: ignore[method-assign, assignment]
    spec = spec_of(path, windows=True)
    options = Options(keys=BY_WINDOW, threads=THREADS, limits=Limits(groups=limit))
    warm(path, spec, options)
    forget_peak()
    spent[0] = 0.0
    mark("BEGIN")
    profile = local.profile_sources([open_source(path)], spec, options)
    began, made = time.thread_time(), 0
    for states in profile.states.values():
        made += sum(state.rows > 0 for state in states.values())
    spent[0] += time.thread_time() - began
    mark("END")
    answer(rows=profile.rows, columns=len(spec), states=made, per_second=made / spent[0])


def read_csv(path: str) -> None:
    """pyarrow's typed read; rows of another width than the header are left out, as ours does."""
    skip = pacsv.ParseOptions(invalid_row_handler=lambda row: "skip")
    forget_peak()
    mark("BEGIN")
    table = pacsv.read_csv(path, parse_options=skip)
    mark("END")
    answer(rows=table.num_rows, columns=table.num_columns)


def read_jsonl(path: str) -> None:
    """pyarrow's typed read; it knows no compression, so that the stream is unpacked beside it."""
    forget_peak()
    mark("BEGIN")
    source = pa.input_stream(path) if path.endswith((".gz", ".zst")) else path
    table = pajson.read_json(source)
    mark("END")
    answer(rows=table.num_rows, columns=table.num_columns)


def read_parquet(path: str, columns: int = 4, coded: bool = False) -> None:
    """Row groups in threads, a few columns at a time: the fastest form found."""
    paths = path.split(",")
    names = pq.read_schema(paths[0]).names
    texts = [name for name in names if str(pq.read_schema(paths[0]).field(name).type) == "string"] if coded else None
    steps = [names[place : place + columns] for place in range(0, len(names), columns)]

    def one(path: str, groups: range, metadata: Any) -> int:
        file, rows = pq.ParquetFile(path, metadata=metadata, pre_buffer=False, read_dictionary=texts), 0
        for group in groups:
            for some in steps:
                rows += file.read_row_group(group, columns=some, use_threads=False).num_rows
        return rows

    def lane(number: int) -> int:
        if len(paths) > 1:
            return sum(
                one(path, range((found := pq.read_metadata(path)).num_row_groups), found)
                for path in paths[number::THREADS]
            )
        return one(path, range(number, metadata.num_row_groups, THREADS), metadata)

    forget_peak()
    mark("BEGIN")
    metadata = pq.read_metadata(paths[0])
    with ThreadPoolExecutor(THREADS) as pool:
        rows = sum(pool.map(lane, range(THREADS))) // len(steps)
    mark("END")
    answer(rows=rows, columns=len(names))


JOBS: dict[str, Callable[..., None]] = {
    "fold": fold,
    "freeze": freeze,
    "csv": read_csv,
    "jsonl": read_jsonl,
    "parquet": read_parquet,
}

if __name__ == "__main__":
    pa.set_cpu_count(THREADS)
    JOBS[sys.argv[1]](**json.loads(sys.argv[2]))
