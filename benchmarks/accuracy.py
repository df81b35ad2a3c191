"""How close statistics out of counts come to the real packages on raw values: 44 pairs, 20,000 rows and more a side."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.measure import ROOT
from benchmarks.peers import CACHE, python_of
from observability.domain.compare.compare import compare
from observability.domain.fold.feature import FeatureAccumulator
from observability.domain.loops.grouping import single
from observability.domain.profile.states import State
from observability.domain.propose.propose import propose_feature
from observability.domain.specs.spec import FeatureSpec
from observability.domain.tools.choose import Mode, compare_as

ROWS = 20_000
SHIFTS = (0.0, 0.05, 0.3)


def pairs(rows: int = ROWS) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Distributions features have, each unchanged, slightly and clearly moved; then discrete ones and words."""
    rng = np.random.default_rng(2026)
    smooth = {
        "normal": lambda d: rng.normal(d, 1 + d / 4, rows),
        "lognormal": lambda d: rng.lognormal(3 + d, 1, rows),
        "beta score": lambda d: rng.beta(2 + d, 20, rows),
        "uniform": lambda d: rng.uniform(0, 1 + d / 2, rows),
        "exponential": lambda d: rng.exponential(1 + d, rows),
        "gamma": lambda d: rng.gamma(2 + d, 3, rows),
        "longitude": lambda d: rng.normal(-73.98 + d / 50, 0.02, rows),
        "near-constant": lambda d: 1000 + rng.uniform(-0.1, 0.1 + d / 10, rows),
        "two modes": lambda d: np.where(
            rng.random(rows) < 0.5 + d / 4, rng.normal(-3, 1, rows), rng.normal(3, 1, rows)
        ),
        "student t5": lambda d: rng.standard_t(5, rows) + d,
        "90 % zeros": lambda d: np.where(rng.random(rows) < 0.9 - d / 4, 0.0, rng.lognormal(0, 1, rows)),
    }
    discrete = {
        "ratings": lambda d: rng.choice(5, rows, p=np.array([0.1, 0.2, 0.3, 0.3 - d / 4, 0.1 + d / 4])) + 1.0,
        "counts": lambda d: rng.poisson(4 + d, rows).astype(float),
    }
    draws: dict[str, Callable[[float], np.ndarray]] = {**smooth, **discrete}
    for name, draw in draws.items():
        for shift in SHIFTS:
            yield f"{name} {shift}", draw(0.0), draw(shift)
    for shift in SHIFTS:
        share = np.array([0.4, 0.3, 0.2, 0.1])
        moved = share + np.array([-shift / 4, 0, 0, shift / 4])
        yield f"words {shift}", rng.choice(list("abcd"), rows, p=share), rng.choice(list("abcd"), rows, p=moved)
    yield "new word", rng.choice(list("abc"), rows), rng.choice(list("abcd"), rows, p=[0.33, 0.33, 0.32, 0.02])
    yield "one outlier", rng.normal(100, 10, rows), np.append(rng.normal(100, 10, rows - 1), 1e6)


def state(spec: FeatureSpec, values: np.ndarray) -> State:
    accumulator = FeatureAccumulator(spec)
    accumulator.fold(pa.array(values.tolist()), single(len(values)))
    return accumulator.state(0)


def against_packages() -> list[str]:
    """Worst and median deviation per tool and statistic, and every value beyond max(2 %, its printed uncertainty)."""
    made = list(pairs())
    path = CACHE / "bench-data" / "pairs.npz"
    path.parent.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, Any] = {
        f"{name}__{side}": values for name, *both in made for side, values in zip("ab", both, strict=True)
    }
    np.savez(path, **arrays)
    command = [python_of("drift"), "-m", "benchmarks.peer_accuracy", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=900)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    real = json.loads(done.stdout)
    gaps: dict[tuple[str, str], list[tuple[float, bool]]] = {}
    misses = []
    for name, ref, cur in made:
        spec = propose_feature(name, pa.array(ref.tolist()))
        sides = state(spec, ref), state(spec, cur)
        for tool, statistics in real[name].items():
            found = compare_as(Mode(tool), *sides, spec).statistics
            for key, true in statistics.items():
                ours = found[key]
                if ours.value is None:
                    misses.append(f"{tool} {key} on {name}: {ours.reason}")
                    continue
                off = abs(ours.value - true)
                is_inside = off <= max(0.02 * abs(true), ours.uncertainty) + 1e-9
                gaps.setdefault((tool, key), []).append((off / max(abs(true), 1e-3), is_inside))
                if not is_inside:
                    misses.append(
                        f"{tool} {key} on {name}: {ours.value:.6f} +- {ours.uncertainty:.6f}, real {true:.6f}"
                    )
    lines = ["| tool | statistic | pairs | median off | worst off | within max(2 %, +-) |", "|---|---|---|---|---|---|"]
    for (tool, key), seen in gaps.items():
        off = sorted(value for value, _ in seen)
        inside = sum(is_inside for _, is_inside in seen)
        lines.append(
            f"| {tool} | {key} | {len(seen)} | {off[len(off) // 2]:.2%} | {off[-1]:.2%} | {inside} of {len(seen)} |"
        )
    return [*lines, "", *(f"- {miss}" for miss in misses)]


def against_exact(rows: int = 200_000) -> list[str]:
    """Kolmogorov-Smirnov D on raw values against D out of counts, for what defeats naive histograms."""
    rng = np.random.default_rng(1)
    cases = {
        "lognormal x1.05": (rng.lognormal(0, 1, rows), rng.lognormal(0, 1, rows) * 1.05),
        "model score Beta(2,20)": (rng.beta(2, 20, rows), rng.beta(2.2, 20, rows)),
        "unix time +1 day of 30": (
            1.7e9 + rng.uniform(0, 2.592e6, rows),
            1.7e9 + 86_400 + rng.uniform(0, 2.592e6, rows),
        ),
        "longitude +0.01 degree": (rng.normal(-73.98, 0.02, rows), rng.normal(-73.97, 0.02, rows)),
        "near-constant 1000 +- 0.1": (rng.normal(1000, 0.1, rows), rng.normal(1000.1, 0.1, rows)),
        "year 2015-24 to 2016-25": (rng.integers(2015, 2025, rows) * 1.0, rng.integers(2016, 2026, rows) * 1.0),
        "90 % zeros": tuple(np.where(rng.random(rows) < p, 0.0, rng.lognormal(0, 1, rows)) for p in (0.9, 0.88)),
        "Cauchy": (rng.standard_cauchy(rows), rng.standard_cauchy(rows) * 1.05),
        "Pareto 0.8": (rng.pareto(0.8, rows), rng.pareto(0.8, rows) * 1.1),
        "two modes, eight decades apart": tuple(
            np.where(rng.random(rows) < 0.5, rng.normal(0.01, s, rows), rng.normal(1e6, 1e5, rows))
            for s in (1e-3, 1.5e-3)
        ),
    }
    lines = ["| feature | exact D | D from counts | +- printed | buckets | largest off |", "|---|---|---|---|---|---|"]
    for name, (ref, cur) in cases.items():
        spec = propose_feature("x", pa.array(ref))
        sides = state(spec, ref), state(spec, cur)
        found = compare(*sides, spec).statistics.get("ks")
        both = np.sort(np.concatenate([ref, cur]))
        f, g = (np.searchsorted(np.sort(side), both, side="right") / rows for side in (ref, cur))
        exact = float(np.abs(f - g).max())
        if found is None or found.value is None:
            lines.append(f"| {name} | {exact:.4f} | - | - | - | {spec.kind.label} |")
            continue
        buckets = len(sides[0].histogram.keys) if hasattr(sides[0], "histogram") else 0
        lines.append(
            f"| {name} | {exact:.4f} | {found.value:.4f} | {found.uncertainty:.4f} | {buckets} "
            f"| {abs(found.value - exact):.4f} |"
        )
    return lines


def main() -> None:
    print("## make bench ONLY=accuracy\n", file=sys.stdout)
    print("\n".join(against_packages()), end="\n\n")
    print("\n".join(against_exact()), end="\n\n")
