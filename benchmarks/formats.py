"""Every form of log beside reading it: ours, pyarrow, polars and DuckDB on the same files. About ten minutes.

Ours and pyarrow run in turn TIMES times, and the run of median CPU time counts; polars and DuckDB run once.
BARISTA_BENCH_ROWS is the number of rows of the text files; the published table is of 1,000,000.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from benchmarks import data, formats_data
from benchmarks.measure import ROOT, Run, run
from benchmarks.peers import python_of

TIMES = int(os.environ.get("BARISTA_BENCH_TIMES", "5"))
ROWS = int(os.environ.get("BARISTA_BENCH_ROWS", "1000000"))
OURS = str(ROOT / ".venv" / "bin" / "python")


@dataclass(frozen=True)
class Case:
    """One kind of file; the goal is the share of the speed of reading it with pyarrow, in CPU time."""

    name: str
    kind: str
    path: str
    goal: float
    reading: dict[str, Any] = field(default_factory=dict)
    folding: dict[str, Any] = field(default_factory=dict)
    has_peers: bool = True


def cases() -> Iterator[Case]:
    for ending in ("", ".gz", ".zst"):
        yield Case(f"CSV{ending}", "csv", formats_data.csv(ROWS, ending), 0.5)
    for ending in ("", ".gz", ".zst"):
        yield Case(f"JSON lines{ending}", "jsonl", formats_data.jsonl(ROWS, ending), 0.5)
    yield Case("30 columns of unique strings x 300,000", "parquet", formats_data.strings(300_000), 0.5)
    yield Case("embeddings, 768 x 200,000", "parquet", formats_data.embeddings(200_000), 0.6)
    yield Case("3,000 columns x 20,000 rows", "parquet", data.wide(3_000, 20_000), 0.5)
    small = ",".join(formats_data.small_files(1_000))
    yield Case("1,000 files x 1,000 rows x 10", "parquet", small, 0.5, {"columns": 100})
    log = data.log(2_000_000)[0]
    whole: dict[str, Any] = {"windows": True}
    yield Case("2,000,000 x 52, all state in 48 cells", "parquet", log, 0.68, {"coded": True}, whole, has_peers=False)


def job(module: str, name: str, python: str = OURS, **arguments: object) -> Run:
    found = run([python, "-m", f"benchmarks.{module}", name, json.dumps(arguments)])
    print(f"  {module} {name}: {found.wall:.1f} s, {found.cpu:.2f} CPU-s, {found.rss >> 20} MiB", file=sys.stderr)
    return found


def median(runs: list[Run]) -> Run:
    return sorted(runs, key=lambda one: one.cpu)[len(runs) // 2]


def other(name: str, case: Case, ours: Run) -> str:
    """Ours over another reader, or why there is no figure."""
    if not case.has_peers:
        return "-"
    try:
        found = job("peer_formats", name, python_of("readers"), path=case.path, kind=case.kind)
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return "cannot read it"
    return f"{found.cpu:.2f} s, {found.cpu / ours.cpu:.2f}"


def line(case: Case) -> str:
    reads, folds = [], []
    for _ in range(TIMES):
        reads.append(job("formats_jobs", case.kind, path=case.path, **case.reading))
        folds.append(job("formats_jobs", "fold", path=case.path, **case.folding))
    read, ours = median(reads), median(folds)
    share = read.cpu / ours.cpu
    spread = sorted(one.cpu / two.cpu for one, two in zip(reads, folds, strict=True))
    return (
        f"| {case.name} | {ours.cpu:.2f} / {ours.wall:.2f} | {read.cpu:.2f} / {read.wall:.2f} "
        f"| {share:.2f} ({spread[0]:.2f}-{spread[-1]:.2f}) | {read.wall / ours.wall:.2f} | {case.goal} "
        f"| {'met' if share >= case.goal else 'missed'} | {other('polars', case, ours)} "
        f"| {other('duckdb', case, ours)} | {ours.answer['bad']:,} | {ours.rss >> 20} |"
    )


def main() -> None:
    began = datetime.now(UTC)
    print(f"## make bench ONLY=formats, {began:%Y-%m-%d %H:%M} UTC\n")
    print(f"{len(os.sched_getaffinity(0))} cores, load before the run {os.getloadavg()[0]:.1f}.\n")
    print(
        "| file | ours, CPU s / wall s | pyarrow | ours over pyarrow, CPU (range) | wall | goal | "
        "| polars, ours over it | DuckDB, ours over it | bad rows | MiB |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for case in cases():
        print(line(case), flush=True)
    found = job("formats_jobs", "freeze", path=formats_data.many_cells(1_000_000), limit=40_000)
    print(
        f"\n{found.answer['rows']:,} rows in 720 windows x 50 versions x {found.answer['columns']} columns: "
        f"{found.answer['states']:,} states, "
        f"{found.answer['per_second']:,.0f} a second and core (goal 50,000); the whole run {found.cpu:.1f} CPU-s, "
        f"{found.rss >> 20} MiB."
    )
    print(f"\nThe run took {(datetime.now(UTC) - began).total_seconds() / 60:.0f} minutes.")
