"""What windows are compared with: chosen once, resolved for each model version."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

DAY: Final = 86_400
SPAN: Final = 14 * DAY  # of a version that served before
FIRST: Final = 7 * DAY  # of a first version, which has nothing before it


LASTS: Final = 3  # days
OWN: Final = "its own first days"  # how the words of a first version's baseline begin


class How(StrEnum):
    """Where a baseline is taken from."""

    PREVIOUS = "previous"
    RANGE = "range"
    TRAILING = "trailing"
    PROFILE = "profile"

    @property
    def label(self) -> str:
        return {
            How.PREVIOUS: "what served before each version",
            How.RANGE: "a fixed time",
            How.TRAILING: "the days before",
            How.PROFILE: "a profile",
        }[self]


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A person's choice; times are seconds since 1970."""

    how: How = How.PREVIOUS
    since: int | None = None
    until: int | None = None
    days: int = 14
    version: str = ""


@dataclass(frozen=True, kw_only=True)
class Resolved:
    """Rows of [since, until) of `version` (None: of all). `words` say so on pages; `is_own` when a first version is
    compared with its own first days."""

    since: int
    until: int
    version: str | None
    words: str
    is_own: bool = False

    @property
    def key(self) -> str:
        return f"{self.since}-{self.until}-{self.version if self.version is not None else '*'}"


def first_served(starts: Mapping[str, Sequence[int]]) -> dict[str, int]:
    """The first window of each version; `starts` are ascending."""
    return {version: found[0] for version, found in starts.items() if found}


def resolve(choice: Choice, version: str, at: int, starts: Mapping[str, Sequence[int]]) -> Resolved | None:
    """For a window of `version` that starts at `at`. None when there is nothing to compare with yet.

    `starts` are the windows by version. With How.PREVIOUS it is what served most rows' windows before the version
    first did, at most 14 days of it; a version that was there from the beginning is compared with its own first days,
    of which a week is gathered.
    """
    if choice.how is How.RANGE and choice.since is not None and choice.until is not None:
        wanted = choice.version or None
        words = f"version {wanted}" if wanted else "all versions"
        return Resolved(since=choice.since, until=choice.until, version=wanted, words=words)
    if choice.how is How.TRAILING:
        day = at - at % DAY
        wanted = choice.version or None
        words = f"the {choice.days} days before"
        found = Resolved(since=day - choice.days * DAY, until=day, version=wanted, words=words)
        return found if _has(starts, found) else None
    if choice.how is How.PREVIOUS:
        return _previous(version, at, starts)
    return None


def _previous(version: str, at: int, starts: Mapping[str, Sequence[int]]) -> Resolved | None:
    first = first_served(starts)
    if version not in first:
        return None
    began = first[version]
    earlier = {other: [at for at in found if began - SPAN <= at < began] for other, found in starts.items()}
    earlier.pop(version)
    best = max(earlier, key=lambda other: (len(earlier[other]), other), default=None)
    if best is not None and earlier[best]:
        return Resolved(
            since=earlier[best][0],
            until=began,
            version=best,
            words=f"version {best or '(unnamed)'} before {version or '(unnamed)'} served",
        )
    return Resolved(
        since=began,
        until=own_border(began, at),
        version=version,
        words=f"{OWN}, as nothing served before {version or 'it'}",
        is_own=True,
    )


def own_border(began: int, at: int) -> int:
    """Where a first version's own baseline ends for a window at `at`: full days before it, at least one and at most 7.

    Windows never judge themselves: what breaks on the third day would else be part of what it is compared with.
    """
    days = min(max((at - began) // DAY, 1), FIRST // DAY)
    return began + days * DAY


def lasting(judged: Sequence[int], over: Collection[int], began: int) -> set[int]:
    """Windows that a first version's own baseline leaves out for one feature: it had moved, and did not come back.

    `judged` are starts of windows, ascending, `over` those in which the feature had moved, `began` is the first window.
    Counted by days, since a night or a weekend that is unlike what came before it belongs into a baseline: a day is
    moved when half of its windows are, and a run of such days counts when it lasts three, or until the newest day.
    """
    days: dict[int, list[int]] = {}
    for start in judged:
        days.setdefault((start - began) // DAY, []).append(start)
    moved = {day: 2 * sum(start in over for start in starts) >= len(starts) for day, starts in days.items()}
    found: set[int] = set()
    run: list[int] = []
    ordered = sorted(days)
    for day in ordered:
        run = [*run, day] if moved[day] else []
        if run and (len(run) >= LASTS or day == ordered[-1]):
            gone = [*run, run[0] - 1]  # the day before: it began in its course
            found |= {start for one in gone for start in days.get(one, ()) if start in over}
    return found


def _has(starts: Mapping[str, Sequence[int]], found: Resolved) -> bool:
    versions = starts if found.version is None else {found.version: starts.get(found.version, ())}
    return any(found.since <= at < found.until for some in versions.values() for at in some)
