"""Planted incidents: what `manage.py replay` says of them, and what peers with their defaults say of the same days."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any, Final

import django
import pyarrow.parquet as pq
from django.core.management import call_command

from benchmarks.incident_data import CLEAN_DAYS, INCIDENTS, KEYS, LEAD, make
from benchmarks.measure import ROOT
from benchmarks.peers import CACHE, python_of
from observability.domain.propose.propose import propose
from observability.domain.specs.spec import Spec

PEERS: Final = {"evidently": "drift", "nannyml": "drift", "whylogs": "whylogs"}
K, N = 2, 3


@dataclass(frozen=True)
class Seen:
    """One incident by one tool: windows until it was flagged, until it lasted (k of n), rank of the guilty feature."""

    moved: int | None
    drift: int | None
    rank: int | None
    by: str = ""


@dataclass(frozen=True)
class Scores:
    """`false` flags of features on all clean days, and of the log itself (findings) beside them."""

    name: str
    seen: dict[str, Seen]
    false: int
    findings: int
    seconds: float
    failed: int = 0
    which: tuple[str, ...] = ()


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "baristaweb.tests.settings")
    django.setup()
    folder = CACHE / "bench-data" / "incidents-3"
    index = make(folder)
    found = [ours(index)]
    for tool, peer in PEERS.items():
        if os.environ.get("BARISTA_BENCH_PEERS", "1") != "0":
            found.append(theirs(tool, python_of(peer), folder))
    say(found)


def ours(index: dict[str, Any]) -> Scores:
    """Replay of every incident's days, and of the clean days, with the default rules."""
    with tempfile.TemporaryDirectory() as held:
        spec = Path(held) / "spec.json"
        first = pq.read_table(index["reference"])
        spec.write_bytes(Spec(tuple(one for one in propose(first) if one.name not in KEYS[:2])).dumps())
        began = time.monotonic()
        clean = _replayed(spec, index["reference"], index["clean"])
        flags = [
            (window["start"][:10], one)
            for window in clean
            for one in window["features"]
            if one["verdict"] in ("moved", "drift")
        ]
        which = [f"{day} {one['name']}: {one['reason']}" for day, one in flags]
        which += [
            f"{window['start'][:10]} {one['name']}: {one['reason']}" for window in clean for one in window["findings"]
        ]
        findings = sum(len(window["findings"]) for window in clean)
        seen = {
            name: _seen(_replayed(spec, index["reference"], paths), name) for name, paths in index["incidents"].items()
        }
    return Scores("Barista", seen, len(flags), findings, time.monotonic() - began, which=tuple(which))


def _replayed(spec: Path, reference: Sequence[str], logs: Sequence[str]) -> list[dict[str, Any]]:
    out = StringIO()
    given = ["--spec", str(spec), "--reference", *reference, "--logs", *logs, "--time", "ts:ms:UTC"]
    call_command("replay", *given, "--window", "day", "--json", stdout=out, stderr=StringIO())
    answer: list[dict[str, Any]] = json.loads(out.getvalue())
    return answer


def _seen(windows: list[dict[str, Any]], incident: str) -> Seen:
    """Of the windows from the first with the incident on. What is of the log itself is seen by its finding."""
    _, guilty, names = INCIDENTS[incident]
    after = windows[LEAD:]
    flagged, drift, rank, by = [], None, None, ""
    for place, window in enumerate(after):
        over = [one for one in window["features"] if one["name"] == guilty and one["verdict"] in ("moved", "drift")]
        said = [
            one
            for one in window["findings"]
            if one["name"] in names and (one["feature"] or "") in (guilty, "prediction_id", "")
        ]
        flagged.append(bool(over or said))
        if (over or said) and rank is None:
            by = over[0]["statistic"] if over else said[0]["name"]
            rank = [one["name"] for one in window["features"]].index(guilty) + 1 if over else 1
        if drift is None and sum(flagged[max(0, place - N + 1) : place + 1]) >= K:
            drift = place + 1
    moved = flagged.index(True) + 1 if True in flagged else None
    return Seen(moved, drift, rank, by)


def theirs(tool: str, python: str, folder: Path) -> Scores:
    command = [python, "-m", "benchmarks.peer_incidents", tool, str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        print(done.stderr[-2_000:], file=sys.stderr)
        return Scores(tool, {}, 0, 0, 0.0, failed=1)
    answer = json.loads(done.stdout)
    false = sum(drifted for day in answer["clean"] if day for _, drifted in day.values())
    seen = {name: _peer_seen(days[LEAD:], INCIDENTS[name][1]) for name, days in answer["incidents"].items()}
    failed = sum(day is None for days in [answer["clean"], *answer["incidents"].values()] for day in days)
    return Scores(tool, seen, false, 0, answer["seconds"], failed)


def _peer_seen(days: list[dict[str, list[Any]] | None], guilty: str) -> Seen:
    """A day that the peer cannot compare, or a log that is wrong as a whole, has no flag by its defaults."""
    flagged, drift, rank = [], None, None
    for place, day in enumerate(days):
        one = (day or {}).get(guilty)
        flagged.append(bool(one and one[1]))
        if flagged[-1] and rank is None and day:
            rank = sorted(day, key=lambda name: (not day[name][1], -day[name][0])).index(guilty) + 1
        if drift is None and sum(flagged[max(0, place - N + 1) : place + 1]) >= K:
            drift = place + 1
    return Seen(flagged.index(True) + 1 if True in flagged else None, drift, rank)


def say(found: Sequence[Scores]) -> None:
    print(
        f"\nPlanted incidents, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC: 3,000 rows a day, 50 features, 7 reference days."
    )
    print("moved / drift: windows until it is flagged, until it is in 2 of 3; rank: of the guilty feature, then.\n")
    print("| incident | " + " | ".join(one.name for one in found) + " |")
    print("|---|" + "---|" * len(found))
    for name in INCIDENTS:
        print(f"| {name} | " + " | ".join(_cell(one.seen.get(name)) for one in found) + " |")
    rows: list[tuple[str, Callable[[Scores], str]]] = [
        ("found", lambda one: f"{sum(seen.moved is not None for seen in one.seen.values())} of {len(INCIDENTS)}"),
        (
            "in the first window, guilty first",
            lambda one: str(sum(seen.moved == 1 and seen.rank == 1 for seen in one.seen.values())),
        ),
        ("false flags, 50 features a clean day", lambda one: f"{one.false} in {CLEAN_DAYS} days"),
        ("false findings", lambda one: str(one.findings) if one.name == "Barista" else "none by default"),
        ("days without a verdict (it failed)", lambda one: str(one.failed)),
        ("seconds", lambda one: f"{one.seconds:.0f}"),
    ]
    for words, value in rows:
        print(f"| **{words}** | " + " | ".join(value(one) for one in found) + " |")
    for said in found[0].which:
        print(f"of a clean day: {said}")


def _cell(seen: Seen | None) -> str:
    if seen is None or seen.moved is None:
        return "not found"
    drift = "no" if seen.drift is None else str(seen.drift)
    return f"{seen.moved} / {drift}, rank {seen.rank}" + (f" ({seen.by})" if seen.by else "")
