"""Profiling 2 million rows x 52 columns: ours, the fastest read-only pass, and the peers. One run, about ten minutes.

Our passes and reading alone run five times in turn, and the run of median wall time counts; the slow peers run once.

BARISTA_BENCH_ROWS makes it smaller for trying it out; the published table is of 2,000,000.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from benchmarks import data
from benchmarks.measure import ROOT, Run, run
from benchmarks.peers import python_of

TIMES = 5
ROWS = int(os.environ.get("BARISTA_BENCH_ROWS", "2000000"))
OURS = str(ROOT / ".venv" / "bin" / "python")


def ours(name: str, **arguments: object) -> Run:
    environment = {"BARISTA_SPARK_MASTER": "local[2]"} if arguments.get("engine") == "spark" else None
    return _said(name, run([OURS, "-m", "benchmarks.jobs", name, json.dumps(arguments)], environment))


def peer(venv: str, name: str, **arguments: object) -> Run:
    return _said(name, run([python_of(venv), "-m", "benchmarks.peer_jobs", name, json.dumps(arguments)]))


def _said(name: str, found: Run) -> Run:
    print(f"  {name}: {found.wall:.1f} s, {found.cpu:.1f} CPU-s, {found.rss >> 20} MiB", file=sys.stderr)
    return found


def values(found: Run) -> float:
    """Millions of values of one run."""
    return float(found.answer["rows"] * found.answer["columns"]) / 1e6


def row(name: str, found: Run, ours_rate: tuple[float, float] | None) -> str:
    """One line: millions of values per second and per CPU-second, and how many times faster ours is in each."""
    by_wall, by_cpu = values(found) / found.wall, values(found) / max(found.cpu, 0.01)
    ratio = "" if ours_rate is None else f"{ours_rate[0] / by_wall:.2f} / {ours_rate[1] / by_cpu:.2f}"
    return (
        f"| {name} | {found.answer['rows']:,} x {found.answer['columns']} | {found.wall:.2f} | {found.cpu:.2f} "
        f"| {by_wall:.1f} | {by_cpu:.1f} | {ratio} | {found.rss >> 20} |"
    )


def in_turn(jobs: dict[str, Callable[[], Run]]) -> dict[str, Run]:
    """The run of median wall time of each job. A B C A B C ...: a machine that slows down slows all of them."""
    runs: dict[str, list[Run]] = {name: [] for name in jobs}
    for _ in range(TIMES):
        for name, job in jobs.items():
            runs[name].append(job())
    return {name: sorted(found, key=lambda one: one.wall)[TIMES // 2] for name, found in runs.items()}


def speed(path: str) -> list[str]:
    """The table of passes."""
    forms = ("threads", "dictionary", "columns", "table")
    found = in_turn(
        {
            **{f"all {form}": partial(ours, "read", paths=[path], form=form) for form in forms},
            **{f"numeric {form}": partial(ours, "read", paths=[path], form=form, columns="numeric") for form in forms},
            "local": partial(ours, "fold", paths=[path]),
            "plain": partial(ours, "fold", paths=[path], windows=False),
            "narrow": partial(ours, "fold", paths=[path], columns="numeric", windows=False),
        }
    )
    local, plain, narrow = found["local"], found["plain"], found["narrow"]
    whole, numeric = ({form: found[f"{kind} {form}"] for form in forms} for kind in ("all", "numeric"))
    best, best_numeric = (min(one, key=lambda form: one[form].wall) for one in (whole, numeric))
    mine, plain_rate, narrow_rate = ((values(one) / one.wall, values(one) / one.cpu) for one in (local, plain, narrow))
    spark = ours("fold", paths=[path], engine="spark")
    if spark.answer["identity"] != local.answer["identity"]:
        raise RuntimeError("Spark and the local engine disagree: their profiles differ")
    lines = [
        "| pass | rows x columns | wall s | CPU s | M values/s | M values/CPU-s | ours is x times (wall / CPU) | MiB |",
        "|---|---|---|---|---|---|---|---|",
        row("Barista local, 24 hours x 2 versions, all state", local, None),
        row("Barista local, one window", plain, None),
        row(f"pyarrow, reading only ({best}), beside one window", whole[best], plain_rate),
        row("Barista on Spark local[2], 24 hours x 2 versions", spark, mine),
        row(f"pyarrow, reading only ({best}), beside all state", whole[best], mine),
        row("DuckDB SUMMARIZE", peer("drift", "summarize", path=path), mine),
        row("whylogs why.log", peer("whylogs", "whylogs", path=path, rows=min(ROWS, 100_000)), mine),
        row(
            "Evidently DataDrift + DataSummary",
            peer("drift", "evidently", path=path, rows=min(ROWS // 2, 20_000)),
            mine,
        ),
        row("Barista local, numeric columns only, one window", narrow, None),
        row(f"pyarrow, reading only, numeric columns ({best_numeric})", numeric[best_numeric], narrow_rate),
        row("DuckDB, log-linear histogram in SQL, numeric columns", peer("drift", "histogram", path=path), narrow_rate),
    ]
    loading = f"Outside of the times: a process loads the compiled loops once, {local.answer['loading']:.1f} s."
    return [
        *lines,
        "",
        loading,
        "",
        "All forms of reading, wall s / CPU s: " + _forms(whole) + "; numeric only: " + _forms(numeric),
    ]


def _forms(found: dict[str, Run]) -> str:
    return ", ".join(f"{form} {one.wall:.2f} / {one.cpu:.2f}" for form, one in found.items())


def growth(path: str) -> Iterator[str]:
    """How time and memory grow with rows, columns, files and threads; the longest case last."""
    yield "| what grows | case | wall s | CPU s | M values/CPU-s | RSS MiB |"
    yield "|---|---|---|---|---|---|"
    yield _grown("threads", "1 thread", ours("fold", paths=[path], threads=1))
    yield _grown("rows", f"{ROWS // 8:,} x 52", ours("fold", paths=data.log(ROWS // 8)))
    yield _grown("rows", f"{ROWS // 2:,} x 52", ours("fold", paths=data.log(ROWS // 2)))
    for columns in (10, 20):
        found = ours("fold", paths=data.log(ROWS // 4, columns, 0))
        yield _grown("columns", f"{ROWS // 4:,} x {columns + 2}", found)
    yield _grown("files", f"{ROWS // 4:,} x 52 in 8 files", ours("fold", paths=data.log(ROWS // 4, parts=8)))
    wide = ours("fold", paths=[data.wide(5_000, 50_000)], windows=False)
    yield _grown("columns", "50,000 x 5,000, one window", wide)
    many = ours("fold", paths=[path], repeat=25)
    yield _grown("rows", f"{ROWS * 25:,} x 52 (the file 25 times)", many)


def _grown(what: str, case: str, found: Run) -> str:
    rate = values(found) / max(found.cpu, 0.01)
    return f"| {what} | {case} | {found.wall:.2f} | {found.cpu:.2f} | {rate:.1f} | {found.rss >> 20} |"


def small_parts(path: str) -> list[str]:
    """Merging, comparing, and one lost value."""
    merging, comparing, lost = ours("merging", path=path), ours("comparing"), ours("lost")
    return [
        "| what | measured | goal |",
        "|---|---|---|",
        f"| merge from packed bytes, numeric, one core | {merging.answer['per_second']:,.0f} a second | 20,000 |",
        f"| size of a packed numeric state of one window | {merging.answer['median_bytes']:,} bytes, at most "
        f"{merging.answer['largest_bytes']:,} | 1,500 |",
        f"| compare 5,000 numeric features, one core | {comparing.answer['seconds']:.2f} s | 2 s |",
        f"| one value more among {lost.answer['rows']:,} changes the bytes | {lost.answer['is_seen']} | True |",
    ]


def main() -> None:
    began = datetime.now(UTC)
    path = data.log(ROWS)[0]
    processor = next((line for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line), "")
    cores = len(os.sched_getaffinity(0))
    load = os.getloadavg()[0]
    print(f"## make bench ONLY=profile, {began:%Y-%m-%d %H:%M} UTC\n")
    print(f"{cores} cores ({processor.split(':')[-1].strip()}), load before the run {load:.1f}.\n")
    for part in (speed, small_parts, growth):
        for line in part(path):
            print(line, flush=True)
        print()
    print(f"The run took {(datetime.now(UTC) - began).total_seconds() / 60:.0f} minutes.")
