"""What decides about one deployment: layers, nearest first, and what people asked for by hand.

Per kind (weekly windows, holidays, exemptions) the nearest layer that says anything decides, so a window of one's own
does not erase the company's holidays. `Broken` stands where something should be said but cannot be read.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from deployments.domain.sleep.schedule.calendars import Holidays
from deployments.domain.sleep.schedule.windows import BadSchedule, Schedule, Span


class Level(StrEnum):
    """Where a layer is, nearest first."""

    DEPLOYMENT = "deployment"
    TEAM = "team"
    ENVIRONMENT = "environment"
    CLUSTER = "cluster"


class Ask(StrEnum):
    """What a person can ask for, for a time that always ends."""

    KEEP_AWAKE = "keep-awake"
    FORCED_SLEEP = "forced-sleep"
    EXEMPTION = "exemption"

    @property
    def label(self) -> str:
        return {"keep-awake": "Keep-awake", "forced-sleep": "Forced sleep", "exemption": "Exemption"}[self.value]


@dataclass(frozen=True, slots=True)
class Broken:
    """Something that cannot be read, and why. It never puts anything to sleep."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """One request of a person. It ends by itself; `ended_early` is in the span already."""

    key: str
    ask: Ask
    span: Span
    owner: str
    reason: str
    target: int = 0

    def __post_init__(self) -> None:
        if self.span.start >= self.span.end:
            raise BadSchedule(f"{self.ask.label} ends before it starts: give a later end.")
        if not self.reason.strip():
            raise BadSchedule("Say why, for the others of the team.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Freeze:
    """Nothing new sleeps on the cluster; waking goes on. `end` None: until somebody ends it."""

    key: str
    start: datetime
    end: datetime | None
    owner: str
    reason: str

    def covers(self, at: datetime) -> bool:
        return self.start <= at and (self.end is None or at < self.end)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """None: the layer says nothing of that kind. `name` is the team's, environment's or cluster's."""

    level: Level
    name: str
    weekly: Schedule | Broken | None = None
    holidays: Holidays | Broken | None = None
    exemptions: tuple[Grant, ...] | Broken = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Production:
    """The environment is production: it sleeps only where a maintainer allowed it, with a reason."""

    allowed: bool = False
    allowed_by: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """All that `decide` looks at besides the instant and an open sleep. `layers` are nearest first."""

    layers: tuple[Layer, ...] = ()
    keep_awake: tuple[Grant, ...] | Broken = ()
    forced_sleep: tuple[Grant, ...] | Broken = ()
    freezes: tuple[Freeze, ...] | Broken = ()
    production: Production | None = None

    def weekly(self) -> tuple[Layer | None, Schedule | Broken | None]:
        """The nearest layer with a weekly schedule, and that."""
        found = next((layer for layer in self.layers if layer.weekly is not None), None)
        return found, found.weekly if found else None

    def holidays(self) -> tuple[Layer | None, Holidays | Broken | None]:
        """The nearest layer that speaks of holidays, and what it says."""
        found = next((layer for layer in self.layers if layer.holidays is not None), None)
        return found, found.holidays if found else None

    def holiday_zone(self) -> str:
        """The zone that days off are read in: the weekly schedule's, else their own; empty: not known."""
        _, weekly = self.weekly()
        if isinstance(weekly, Schedule):
            return weekly.zone
        _, holidays = self.holidays()
        return holidays.zone if isinstance(holidays, Holidays) else ""

    def holiday_target(self) -> int:
        """Replicas on a day off: the weekly schedule's, so that nothing moves where the two join."""
        _, weekly = self.weekly()
        if isinstance(weekly, Schedule):
            return weekly.target
        _, holidays = self.holidays()
        return holidays.target if isinstance(holidays, Holidays) else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenSleep:
    """A sleep that began and has not ended. `due_at` is when its wake is due as known when it began or last renewed."""

    since: datetime
    due_at: datetime | None
    target: int
