"""What the database holds of a source, against a count by hand and one clean pass."""

from __future__ import annotations

import time
from pathlib import Path

from django.db.models import Q

from baristaweb.lib.clock import now
from observability.domain.profile.states import CategoryState, NumericState
from observability.domain.profile.stored import dump_states
from observability.engines.base import Options
from observability.engines.local import profile_sources
from observability.ingest.access import keys_of
from observability.models import LogSource, SourceObject, SourceState, StoredWindow
from observability.queries.windows import WindowStates, states_of
from observability.store.files import open_source
from observability.tests.trial.files import Files, Tally


def settle(source: LogSource, *, seconds: float = 600.0) -> bool:
    """Wait until everything that is there was listed and counted, and nothing waits any more."""
    since, until = now(), time.monotonic() + seconds
    while time.monotonic() < until:
        listed = SourceState.objects.filter(source=source, polled_at__gt=since).exists()
        waiting = SourceObject.objects.filter(source=source).filter(
            Q(due_at__isnull=False) | Q(claimed_until__gt=now())
        )
        open_again = StoredWindow.objects.filter(source=source, state=StoredWindow.State.REOPENED)
        if listed and not waiting.exists() and not open_again.exists():
            return True
        time.sleep(0.1)
    return False


def differences(source: LogSource, files: Files) -> list[str]:
    """Every way in which the windows are not those of one clean pass; empty when they are."""
    stored = {
        (one.row.version, one.cell.window or 0): one for one in states_of(StoredWindow.objects.filter(source=source))
    }
    counted = files.tallies()
    found = [f"window {key} is missing" for key in counted.keys() - stored.keys()]
    found += [f"window {key} has no rows in any file" for key in stored.keys() - counted.keys()]
    for key in counted.keys() & stored.keys():
        found += [f"{key}: {said}" for said in _compare(stored[key], counted[key])]
    return found or _against_a_pass(source, files, stored)


def _compare(stored: WindowStates, tally: Tally) -> list[str]:
    score, country = stored.states["score"], stored.states["country"]
    assert isinstance(score, NumericState)
    assert isinstance(country, CategoryState)
    table = dict(zip(country.table.values, country.table.counts.tolist(), strict=True))
    pairs = {
        "rows": (stored.rows, tally.rows),
        "rows of score": (score.rows, tally.rows),
        "missing scores": (score.nulls, tally.nulls),
        "smallest score": (score.minimum, tally.low),
        "largest score": (score.maximum, tally.high),
        "missing countries": (country.nulls, tally.nowhere),
        "countries": (table, dict(tally.countries)),
    }
    return [f"{name} {ours}, by hand {theirs}" for name, (ours, theirs) in pairs.items() if ours != theirs]


def _against_a_pass(source: LogSource, files: Files, stored: dict[tuple[str, int], WindowStates]) -> list[str]:
    """The same bytes as the kernel gives for all files at once."""
    if source.spec is None or not files.rows:
        return []
    spec = source.spec.to_spec()
    paths = [str(Path(files.folder) / name) for name in sorted(files.rows)]
    options = Options(keys=keys_of(source.spec))
    made = profile_sources([open_source(path) for path in paths], spec, options)
    clean = {(cell.version, cell.window or 0): dump_states(spec, states)[0] for cell, states in made.states.items()}
    return [
        f"{key}: other bytes than one clean pass gives"
        for key, one in stored.items()
        if dump_states(spec, one.states)[0] != clean.get(key)
    ]


def wrong_while_growing(source: LogSource, files: Files) -> list[str]:
    """Counts of growing files that are not of the size that they are said to be of."""
    found = []
    rows = SourceObject.objects.filter(source=source, uri__endswith=".jsonl", folded_size__isnull=False)
    for uri, size, counted, bad in rows.values_list("uri", "folded_size", "rows", "bad_rows"):
        by_hand = files.sizes.get((uri.rpartition("/")[2], size or 0))
        if by_hand is not None and (counted, bad) != (by_hand, 0):
            found.append(f"{uri} of {size} bytes: {counted} rows and {bad} bad ones, by hand {by_hand}")
    return found
