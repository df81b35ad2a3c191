"""Days of a prediction log with 50 features and planted incidents. Imports nothing of ours: peers read it, too.

All clean rows are drawn at once and dealt to days in random order, so that nothing real moves between clean days.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

ROWS, REFERENCE_DAYS, CLEAN_DAYS, LEAD, LENGTH = 3_000, 7, 20, 4, 3
DAY, HOUR = 86_400_000, 3_600_000
START = 1_759_708_800_000  # Monday 2025-10-06, UTC
KEYS = ("ts", "version", "prediction_id")


def rows_of(count: int, rng: np.random.Generator) -> dict[str, Any]:
    """50 features: 30 numbers of ten laws, 10 integers and booleans, 9 categories, a score; in no order of time."""
    laws = (
        lambda: rng.normal(0, 1, count),
        lambda: rng.lognormal(3, 1, count),
        lambda: rng.beta(2, 20, count),
        lambda: rng.exponential(40, count),
        lambda: np.where(rng.random(count) < 0.9, 0.0, rng.gamma(2, 3, count)),
        lambda: 1e9 + rng.normal(0, 50, count),
        lambda: rng.standard_t(3, count),
        lambda: np.where(rng.random(count) < 0.5, rng.normal(-4, 1, count), rng.normal(4, 1, count)),
        lambda: rng.uniform(-74.1, -73.9, count),
        lambda: rng.pareto(1.5, count),
    )
    found = {f"n{place:02}": laws[place % len(laws)]() for place in range(30)}
    for place in range(8):
        found[f"i{place:02}"] = rng.poisson(1 + 3 * place, count)
    for place in range(2):
        found[f"b{place:02}"] = rng.random(count) < 0.1 + 0.3 * place
    for place, values in enumerate((3, 5, 8, 12, 20, 50, 100, 200, 400)):
        weights = 1 / np.arange(1, values + 1)
        words = np.array([f"v{code}" for code in range(values)])
        found[f"c{place:02}"] = words[rng.choice(values, count, p=weights / weights.sum())]
    found["score"] = rng.beta(2, 20, count)
    found["version"] = np.where(rng.random(count) < 0.5, "v1", "v2")
    found["prediction_id"] = rng.integers(10**14, 10**15, count)
    return found


def dealt(count: int, rng: np.random.Generator) -> list[dict[str, Any]]:
    """So many days of rows, shuffled."""
    every = rows_of(count * ROWS, rng)
    order = rng.permutation(count * ROWS)
    every = {name: values[order] for name, values in every.items()}
    days = []
    for day in range(count):
        part = {name: values[day * ROWS : (day + 1) * ROWS] for name, values in every.items()}
        part["ts"] = np.sort(START + day * DAY + rng.integers(0, DAY, ROWS))
        days.append(part)
    return days


def masked(found: dict[str, Any], name: str, share: float, rng: np.random.Generator) -> dict[str, Any]:
    return found | {name: pa.array(found[name], mask=rng.random(len(found["ts"])) < share)}


def hour_of(found: dict[str, Any]) -> Any:
    return found["ts"] // HOUR % 24


def only(found: dict[str, Any], kept: Any) -> dict[str, Any]:
    return {name: values[kept] for name, values in found.items()}


# Name: the change, the guilty feature (empty: the log itself), the findings that say so.
INCIDENTS: dict[str, tuple[Any, str, tuple[str, ...]]] = {
    "unit change": (lambda f, r: f | {"n01": f["n01"] / 1_000}, "n01", ()),
    "shift of half a deviation": (lambda f, r: f | {"n00": f["n00"] + 0.5}, "n00", ()),
    "scale times 1.5": (lambda f, r: f | {"n03": f["n03"] * 1.5}, "n03", ()),
    "null burst": (lambda f, r: masked(f, "i03", 0.3, r), "i03", ("missing",)),
    "category renamed": (lambda f, r: f | {"c02": np.where(f["c02"] == "v0", "V_0", f["c02"])}, "c02", ("unseen",)),
    "stale feature": (lambda f, r: f | {"n12": np.full(len(f["n12"]), float(f["n12"][0]))}, "n12", ("constant",)),
    "one version logs 0": (lambda f, r: f | {"i05": np.where(f["version"] == "v2", 0, f["i05"])}, "i05", ()),
    "retyped column": (
        lambda f, r: f | {"n20": np.array([f"{x:.3f} USD" for x in f["n20"]])},
        "n20",
        ("retyped_column", "type_errors"),
    ),
    "column missing": (lambda f, r: {name: x for name, x in f.items() if name != "n25"}, "n25", ("missing_column",)),
    "duplicate delivery": (lambda f, r: {name: np.concatenate([x, x]) for name, x in f.items()}, "", ("duplicates",)),
    "late hour": (lambda f, r: f | {"ts": np.where(hour_of(f) == 14, f["ts"] + HOUR, f["ts"])}, "", ("late",)),
    "lost hour": (lambda f, r: only(f, hour_of(f) != 14), "", ("missing_hour",)),
    "a third of the volume": (lambda f, r: only(f, r.random(len(f["ts"])) < 0.3), "", ("volume",)),
}


def make(folder: str | Path, seed: int = 0) -> dict[str, Any]:
    """Writes the days; gives {"reference": [...], "clean": [...], "incidents": {name: [...]}} of paths."""
    folder = Path(folder)
    index = folder / "index.json"
    if index.exists():
        known: dict[str, Any] = json.loads(index.read_text())
        return known
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    days = dealt(REFERENCE_DAYS + CLEAN_DAYS, rng)
    paths = [write(folder / f"day{place:02}.parquet", day) for place, day in enumerate(days)]
    found: dict[str, Any] = {"reference": paths[:REFERENCE_DAYS], "clean": paths[REFERENCE_DAYS:], "incidents": {}}
    for name, (change, _, _) in INCIDENTS.items():
        stem = name.replace(" ", "-")
        after = REFERENCE_DAYS + LEAD
        changed = [
            write(folder / f"{stem}-{place}.parquet", change(days[after + place], rng)) for place in range(LENGTH)
        ]
        found["incidents"][name] = [*paths[REFERENCE_DAYS:after], *changed]
    index.write_text(json.dumps(found))
    return found


def write(path: Path, day: dict[str, Any]) -> str:
    pq.write_table(pa.table(dict(day)), path)
    return str(path)
