"""Verdicts on samples whose truth is known: false drift over a grid of kinds and sizes, power on plain shifts, peers.

BARISTA_BENCH_REPEATS (500), BARISTA_BENCH_PEER_REPEATS (50) and BARISTA_BENCH_CELLS (1: all cells, 3: each third) make
it smaller for trying it out.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from datetime import UTC, datetime
from multiprocessing import get_context
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.measure import ROOT
from benchmarks.peers import python_of
from benchmarks.verdict_data import PEER_SAME, PEER_SIZES, SHIFTS, SIZES, SUBTLE, Discrete, named, sources
from benchmarks.verdict_states import from_counts, from_rows
from observability.domain.compare.compare import compare
from observability.domain.compare.result import Verdict

REPEATS = int(os.environ.get("BARISTA_BENCH_REPEATS", "500"))
STRIDE = int(os.environ.get("BARISTA_BENCH_CELLS", "1"))
PEERS = {"evidently": "drift", "nannyml": "drift", "whylogs": "whylogs"}
PEER_REPEATS = int(os.environ.get("BARISTA_BENCH_PEER_REPEATS", "50"))
UNJUDGED = (Verdict.NOT_ENOUGH_DATA, Verdict.UNKNOWN)


def cell(place: int, size: tuple[int, int]) -> dict[str, Any]:
    """The same distribution twice, REPEATS times: verdicts, and what fired. Runs in a process of its own."""
    source = sources()[place]
    rng = np.random.default_rng([place, *size])
    verdicts: Counter[str] = Counter()
    fired: Counter[str] = Counter()
    began = time.process_time()
    for repeat in range(REPEATS):
        if isinstance(source, Discrete):
            ref, cur, spec = from_counts(source, rng, size, is_checked=repeat == 0 and sum(size) < 200_000)
        else:
            ref, cur, spec = from_rows(*(pa.array(source.draw(rng, rows), from_pandas=True) for rows in size))
        found = compare(ref, cur, spec)
        verdicts[found.verdict.value] += 1
        if found.verdict is Verdict.DRIFT:
            fired.update(part.split()[0] for part in found.reason.split("; "))
    return {
        "source": source.name,
        "size": size,
        "verdicts": dict(verdicts),
        "fired": dict(fired),
        "seconds": time.process_time() - began,
    }


def grid(pool: ProcessPoolExecutor) -> list[dict[str, Any]]:
    """All cells, the longest first."""
    every = [(place, size) for size in reversed(SIZES) for place in range(len(sources()))]
    shared = {(named(start).name, size) for start in PEER_SAME for size in PEER_SIZES}
    wanted = [one for at, one in enumerate(every) if not at % STRIDE or (sources()[one[0]].name, one[1]) in shared]
    running: list[Future[dict[str, Any]]] = [pool.submit(cell, *one) for one in wanted]
    return [one.result() for one in running]


def shifted(name: str, size: tuple[int, int], repeats: int) -> dict[str, float]:
    """Share of repeats that our verdict calls drift: with the shift, and without it."""
    first, second, _ = (SHIFTS | SUBTLE)[name]
    found = {}
    for key, draw in (("same", first), ("shift", second)):
        rng = np.random.default_rng([len(name), *size])
        hits = 0
        for _ in range(repeats):
            sides = (pa.array(one(rng, rows), from_pandas=True) for one, rows in zip((first, draw), size, strict=True))
            ref, cur, spec = from_rows(*sides)
            hits += compare(ref, cur, spec).verdict is Verdict.DRIFT
        found[key] = hits / repeats
    return found


def peer(tool: str) -> Any:
    """A peer's scores and verdicts, in its own interpreter."""
    command = [python_of(PEERS[tool]), "-m", "benchmarks.peer_verdicts", tool, str(PEER_REPEATS)]
    quiet = {"NML_DISABLE_USAGE_LOGGING": "1", "WHYLOGS_NO_ANALYTICS": "True", "DO_NOT_TRACK": "1"}
    environment = {**os.environ, **quiet}
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=900, env=environment)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return json.loads(done.stdout)


def grid_lines(cells: list[dict[str, Any]]) -> Iterator[str]:
    """One line per kind of value: mean and worst cell, and how many are judged."""
    yield "| same distribution twice | cells | false drift, mean | worst cell | at | fired there | judged, 250 rows |"
    yield "|---|---|---|---|---|---|---|"
    by_source: dict[str, list[dict[str, Any]]] = {}
    for one in cells:
        by_source.setdefault(one["source"], []).append(one)
    for name, found in sorted(by_source.items()):
        yield _grid_line(name, found)
    yield _grid_line("**all**", cells)


def _grid_line(name: str, cells: list[dict[str, Any]]) -> str:
    rates = [_false(one) for one in cells]
    worst = cells[int(np.argmax(rates))]
    large = [one for one in cells if min(one["size"]) >= 250]
    judged = sum(_judged(one) >= 0.95 for one in large)
    why = ", ".join(f"{key} {count}" for key, count in Counter(worst["fired"]).most_common(3))
    at = f"{worst['size'][0]:,} / {worst['size'][1]:,}"
    if len({one["source"] for one in cells}) > 1:
        at = f"{worst['source']}, {at}"
    return (
        f"| {name} | {len(cells)} | {np.mean(rates):.2%} | {max(rates):.1%} | {at} | {why or '-'} "
        f"| {judged} of {len(large)} |"
    )


def _false(one: dict[str, Any]) -> float:
    found: float = one["verdicts"].get(Verdict.DRIFT.value, 0) / sum(one["verdicts"].values())
    return found


def _judged(one: dict[str, Any]) -> float:
    silent: float = sum(one["verdicts"].get(verdict.value, 0) for verdict in UNJUDGED) / sum(one["verdicts"].values())
    return 1 - silent


def power_lines(ours: dict[tuple[str, tuple[int, int]], dict[str, float]], peers: dict[str, Any]) -> Iterator[str]:
    """Power by default, and in brackets at a threshold of the peer's that gives it no more false drift than ours."""
    yield "| shift | rows | " + " | ".join(("Barista", *peers)) + " |"
    yield "|---" * (3 + len(peers)) + "|"
    for (name, size), rate in ours.items():
        cells = [f"{rate['shift']:.1%} ({rate['same']:.1%})"]
        for scores in peers.values():
            cells.append(_peer_power(scores["shifts"].get(f"{name}|{size[0]}|{size[1]}"), rate["same"]))
        yield f"| {name} | {size[0]:,} / {size[1]:,} | " + " | ".join(cells) + " |"


def _peer_power(found: dict[str, Any] | None, allowed: float) -> str:
    if found is None or not found["shift"]["scores"]:
        return "no verdict"
    same, shift = (np.array(found[key]["scores"]) for key in ("same", "shift"))
    limit = np.quantile(same, 1 - allowed, method="higher") if len(same) else -np.inf
    equal = float(np.mean(shift > limit))
    return f"{np.mean(found['shift']['drift']):.0%} ({np.mean(found['same']['drift'] or [0]):.0%}; {equal:.0%})"


def false_lines(ours: dict[str, float], peers: dict[str, Any]) -> Iterator[str]:
    """False drift of everyone on the same cells."""
    yield "| same distribution twice | rows | " + " | ".join(("Barista", *peers)) + " |"
    yield "|---" * (3 + len(peers)) + "|"
    means: dict[str, list[float]] = {tool: [] for tool in peers}
    for key, rate in ours.items():
        name, n, m = key.split("|")
        cells = [f"{rate:.1%}"]
        for tool, scores in peers.items():
            drift = scores["same"].get(key)
            cells.append(f"{np.mean(drift):.0%}" if drift else "no verdict")
            means[tool] += [float(np.mean(drift))] if drift else []
        yield f"| {name} | {int(n):,} / {int(m):,} | " + " | ".join(cells) + " |"
    shown = " | ".join(f"{np.mean(found or [0]):.1%} of {len(found)}" for found in means.values())
    yield f"| **mean where they judge** | | {np.mean(list(ours.values())):.2%} | {shown} |"


def main() -> None:
    began = datetime.now(UTC)
    print(f"## make bench ONLY=verdicts, {began:%Y-%m-%d %H:%M} UTC\n")
    cores = len(os.sched_getaffinity(0))
    print(f"{cores} cores, load before the run {os.getloadavg()[0]:.1f}; {REPEATS} repeats, peers {PEER_REPEATS}")
    print(f"(BARISTA_BENCH_CELLS={STRIDE}).\n")
    with (
        ProcessPoolExecutor(cores, mp_context=get_context("spawn")) as pool,
        ThreadPoolExecutor(1) as waiting,
    ):
        theirs = {tool: waiting.submit(peer, tool) for tool in PEERS}
        wanted = [(name, size) for name, (*_, sizes) in (SHIFTS | SUBTLE).items() for size in sizes]
        power = {one: pool.submit(shifted, *one, REPEATS) for one in wanted}
        cells = grid(pool)
        seen = {one: found.result() for one, found in power.items()}
        peers = {tool: found.result() for tool, found in theirs.items()}
    by_key = {f"{one['source']}|{one['size'][0]}|{one['size'][1]}": _false(one) for one in cells}
    shared = [f"{named(start).name}|{n}|{m}" for start in PEER_SAME for n, m in PEER_SIZES]
    for lines in (
        grid_lines(cells),
        power_lines(seen, peers),
        false_lines({key: by_key[key] for key in shared if key in by_key}, peers),
    ):
        print("\n".join(lines), end="\n\n", flush=True)
    spent = sum(one["seconds"] for one in cells)
    took = (datetime.now(UTC) - began).total_seconds() / 60
    print(f"The run took {took:.0f} minutes; the grid {spent:.0f} CPU-s, peers {_spent(peers)}.")


def _spent(peers: dict[str, Any]) -> str:
    return ", ".join(f"{tool} {found['seconds']:.0f}" for tool, found in peers.items()) + " CPU-s"
