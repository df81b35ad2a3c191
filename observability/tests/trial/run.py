"""Kill workers and their readers at random while files change; then the counts must be exact."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from deployments.models import Deployment
from observability.domain.specs.spec import FeatureSpec, Kind, Spec
from observability.models import LogSource, SourceObject, SourceState
from observability.tests.sources import make_source, make_spec_row
from observability.tests.trial.check import differences, settle, wrong_while_growing
from observability.tests.trial.files import Files
from observability.tests.trial.pool import Pool, kill, reader_of

LEASE: Final = {"BARISTA_IMPORT_LEASE_S": "4", "LOG_LEVEL": "CRITICAL"}
SPEC: Final = Spec(
    (
        FeatureSpec(name="score", kind=Kind.NUMERIC, unit_exponent=-6),
        FeatureSpec(name="country", kind=Kind.CATEGORY, vocabulary=("de", "fr", "nl")),
    )
)
Say = Callable[[str], None]


@dataclass(eq=False)
class Outcome:
    """How it went: what was wrong (nothing, it is hoped), and how often who was killed."""

    wrong: list[str]
    workers_killed: int = 0
    readers_killed: int = 0
    folds: int = 0
    seconds: float = 0.0
    faults: list[str] = field(default_factory=list)

    @property
    def kills(self) -> int:
        return self.workers_killed + self.readers_killed


def begin(deployment: Deployment, folder: Path, seed: int) -> tuple[LogSource, Files]:
    """A source of an empty folder, without lateness, so that windows close at once and are compacted."""
    folder.mkdir(parents=True)
    source = make_source(
        deployment, folder, location=f"file://{folder}/*", spec=make_spec_row(SPEC), poll_s=1, lateness_s=0,
        vanished=LogSource.Vanished.REMOVE,
    )  # fmt: skip
    return source, Files(folder, random.Random(seed), int(time.time()))


def kill_at_random(
    source: LogSource, files: Files, *, kills: int, environ: Mapping[str, str], say: Say = lambda text: None
) -> Outcome:
    """Two workers at work, `kills` kills, then quiet; what is wrong at the end, or was seen on the way."""
    began, outcome = time.monotonic(), Outcome([])
    pool = Pool(source.pk, {**LEASE, **environ})
    try:
        for _ in range(2):
            pool.fork()
        while outcome.kills < kills:
            for _ in range(files.random.randint(2, 8)):
                files.step()
            _wait_for_work(source)
            time.sleep(files.random.uniform(0.0, 0.4))
            outcome.faults += wrong_while_growing(source, files)
            _kill_one(pool, files.random, outcome)
            say(f"{outcome.kills} killed, {len(files.rows)} files")
        if not settle(source):
            waiting = SourceObject.objects.filter(source=source, due_at__isnull=False)
            outcome.wrong.append(f"not settled: {list(waiting.values_list('uri', 'state', 'starts', 'reason')[:5])}")
    finally:
        pool.close()
    outcome.wrong += differences(source, files) + outcome.faults
    outcome.folds = sum(SourceObject.objects.filter(source=source).values_list("folds", flat=True))
    outcome.seconds = time.monotonic() - began
    return outcome


def _wait_for_work(source: LogSource, *, seconds: float = 6.0) -> None:
    """Until something was counted, so that whoever is killed is killed at work; not for ever: nobody may be left."""
    before, until = _landed(source), time.monotonic() + seconds
    while _landed(source) == before and time.monotonic() < until:
        time.sleep(0.01)


def _landed(source: LogSource) -> datetime | None:
    return SourceState.objects.filter(source=source).values_list("landed_at", flat=True).first()


def _kill_one(pool: Pool, chance: random.Random, outcome: Outcome) -> None:
    victim = chance.choice(pool.pids)
    reader = reader_of(victim)
    if reader is not None and chance.random() < 0.5:
        outcome.readers_killed += kill(reader)
        return
    pool.kill_worker(victim)
    outcome.workers_killed += 1
    pool.fork()


def read_twice(source: LogSource, files: Files, *, environ: Mapping[str, str], objects: int = 40) -> Outcome:
    """Two workers on the same objects, nobody killed: each content is counted once."""
    for number in range(objects):
        files.write(f"part-{number:04d}.parquet", files.some_rows(50))
    # Old enough for no second look at files that changed a moment ago.
    _age(files)
    began, pool = time.monotonic(), Pool(source.pk, {**LEASE, "BARISTA_IMPORT_LEASE_S": "30", **environ})
    try:
        for _ in range(3):
            pool.fork()
        wrong = [] if settle(source) else ["not settled"]
    finally:
        pool.close()
    rows = SourceObject.objects.filter(source=source)
    folds = sum(rows.values_list("folds", flat=True))
    if folds != objects:
        wrong.append(f"{objects} objects were counted {folds} times")
    return Outcome(wrong + differences(source, files), folds=folds, seconds=time.monotonic() - began)


def _age(files: Files) -> None:
    for name in files.rows:
        os.utime(files.folder / name, (time.time() - 60, time.time() - 60))


def grow_while_read(source: LogSource, files: Files, *, environ: Mapping[str, str], seconds: float = 12.0) -> Outcome:
    """A file that grows all the time: what is said of it is always of one of its sizes."""
    files.write("log-0001.jsonl", files.some_rows(5_000))
    began, pool, faults = time.monotonic(), Pool(source.pk, {**LEASE, **environ}), []
    try:
        pool.fork()
        while time.monotonic() - began < seconds:
            files.grow("log-0001.jsonl")
            faults += wrong_while_growing(source, files)
            time.sleep(0.005)
        wrong = [] if settle(source) else ["not settled"]
    finally:
        pool.close()
    return Outcome(wrong + differences(source, files) + faults, seconds=time.monotonic() - began)
