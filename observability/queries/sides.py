"""The two sides of a comparison: which windows, how many rows, and one feature's state over them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from observability.domain.profile.states import State
from observability.models import JudgedWindow
from observability.queries import observed, shelves
from observability.queries.observed import Scope

UNNAMED = "~"  # how an address says: rows that name no model version


@dataclass(frozen=True, eq=False)
class Side:
    """`state` None: no row of these windows has the feature."""

    words: str
    state: State | None
    rows: int
    windows: int
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, eq=False)
class Sides:
    """`is_chosen`: somebody picked the ranges; else it is the newest day against the baseline."""

    current: Side
    against: Side
    is_chosen: bool = False


def sides_of(scope: Scope, place: int, chosen: dict[str, Any]) -> Sides:
    """`chosen` is the cleaned data of forms.compare; empty values are the newest day and the baseline."""
    version = _version(chosen.get("version"))
    newest = observed.newest_of(scope, version)
    since, until = chosen.get("since"), chosen.get("until")
    if since is None and newest is not None:
        until = newest.end
        since = min(newest.start, until - timedelta(days=1))
    current = _range(scope, place, since, until, version)
    if chosen.get("against_since") is not None:
        against = _range(
            scope, place, chosen["against_since"], chosen["against_until"], _version(chosen.get("against_version"))
        )
    elif chosen.get("against_version"):
        against = _range(scope, place, since, until, _version(chosen["against_version"]))
    else:
        against = baseline(scope, place, newest)
    is_chosen = any(chosen.get(name) for name in ("since", "against_since", "against_version", "version"))
    return Sides(current, against, is_chosen)


def _version(text: str | None) -> str | None:
    if not text:
        return None
    return "" if text == UNNAMED else text


def baseline(scope: Scope, place: int, newest: JudgedWindow | None) -> Side:
    """What the newest window was judged by."""
    row = newest.reference if newest is not None else None
    if row is None:
        return Side("no baseline yet", None, 0, 0)
    state = shelves.of_reference(row.pk, place)
    return Side(f"baseline: {row.words}", state, row.rows, row.windows, row.since, row.until)


def _range(scope: Scope, place: int, since: datetime | None, until: datetime | None, version: str | None) -> Side:
    if since is None or until is None:
        return Side("no window yet", None, 0, 0)
    found = observed.stored_in(scope, since, until, version)
    state = shelves.merged([key for key, _ in found], place)
    named = "" if version is None else f"version {version or '(unnamed)'}, "
    words = f"{named}{since:%a %d %b %H:%M} to {until:%a %d %b %H:%M}"
    return Side(words, state, sum(rows for _, rows in found), len(found), since, until)
