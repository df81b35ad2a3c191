"""Import of `downscaler/*` annotations: how each is understood, and what cannot be.

The result is a proposal for a person to look at. Nothing is guessed: what has no counterpart is named with the reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from deployments.domain.sleep.dialects import golang, instants, python, weeks
from deployments.domain.sleep.dialects.spans import Absolute, Constant, Defaults, Dialect, Item, Recurring, SpecError
from deployments.domain.sleep.schedule.calendars import Range
from deployments.domain.sleep.schedule.windows import Span, Window

PREFIX: Final = "downscaler/"
REPLICAS_KEY: Final = {Dialect.PY: "downscaler/downtime-replicas", Dialect.GO: "downscaler/downscale-replicas"}
_PY_UNTIL: Final = ("%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%d")
_GO_DURATION: Final = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?", re.ASCII)
_MICROSECOND: Final = 1_000


@dataclass(frozen=True, slots=True)
class Understood:
    """One annotation: `words` say how it is read, or why it is not used."""

    key: str
    value: str
    is_used: bool
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What the annotations of one object amount to. `windows` None: they say nothing of a weekly schedule."""

    read: tuple[Understood, ...]
    zone: str = ""
    windows: tuple[Window, ...] | None = None
    ranges: tuple[Range, ...] = ()
    target: int | None = None
    awake_until: datetime | None = None
    saved_replicas: int | None = None
    grace_seconds: int | None = None

    @property
    def is_complete(self) -> bool:
        return all(one.is_used for one in self.read)


class _Not(Exception):
    """The annotation has no counterpart; the message says why."""


@dataclass(frozen=True, slots=True)
class _Asleep:
    """When a specification of one key is true."""

    zone: str
    minutes: frozenset[int]
    ranges: tuple[tuple[int | None, int | None], ...]


def understand(annotations: Mapping[str, Any], dialect: Dialect, defaults: Defaults, *, at: datetime) -> Proposal:
    """What `dialect` makes of the annotations of one object at the instant `at`, as a proposal of ours.

    Values that are no text (a file where 19:30 became 1170) are named, never read.
    """
    found: dict[str, Any] = {}
    read: list[Understood] = []
    ours = {key: value for key, value in annotations.items() if key.startswith(PREFIX)}
    specs: dict[str, _Asleep] = {}
    for key, value in sorted(ours.items()):
        try:
            words = _read(key, value, dialect, defaults, at, found, specs, ours)
            read.append(Understood(key, str(value)[:200], True, words))
        except _Not as reason:
            read.append(Understood(key, str(value)[:200], False, str(reason)))
    if specs:
        try:
            found |= _combined(specs, dialect)
        except _Not as reason:
            read = [_unused(one, str(reason)) if one.key in specs else one for one in read]
    return Proposal(read=tuple(read), **found)


def _unused(one: Understood, reason: str) -> Understood:
    return Understood(one.key, one.value, False, reason)


def _read(
    key: str,
    value: object,
    dialect: Dialect,
    defaults: Defaults,
    at: datetime,
    found: dict[str, Any],
    specs: dict[str, _Asleep],
    ours: Mapping[str, Any],
) -> str:
    """How the annotation is read; puts what it gives into `found` or `specs`. Raises `_Not`."""
    if not isinstance(value, str):
        raise _Not(f"the value is {type(value).__name__}, not text: quote it in the file, as in '19:30'")
    match key.removeprefix(PREFIX):
        case "uptime" | "downtime" as name:
            specs[key] = _spec(value, dialect, defaults)
            return "awake in it, asleep outside" if name == "uptime" else "asleep in it"
        case "downtime-replicas" | "downscale-replicas":
            if key != REPLICAS_KEY[dialect]:
                raise _Not(f"{dialect.label} does not read this key; it reads {REPLICAS_KEY[dialect]}")
            found["target"] = _whole(value)
            return f"sleeps at {found['target']} replicas"
        case "original-replicas":
            found["saved_replicas"] = _whole(value)
            return f"asleep now; had {found['saved_replicas']} replicas before, to which it wakes"
        case "exclude-until":
            found["awake_until"] = _until(value, dialect)
            is_over = found["awake_until"] <= at
            return f"kept awake until {found['awake_until']:%Y-%m-%d %H:%M} UTC" + (
                ", which is over" if is_over else ""
            )
        case "grace-period":
            found["grace_seconds"] = _seconds(value, dialect)
            return f"does not sleep for {found['grace_seconds']} s after it was deployed"
        case name:
            raise _Not(_why_not(name, value, dialect))


def _why_not(name: str, value: str, dialect: Dialect) -> str:
    match name:
        case "exclude":
            if value.lower() == "false":
                return "false excludes nothing: there is nothing to import"
            return "excludes it for ever; an exemption here has an owner, a reason and an end: ask for one"
        case "force-uptime" | "force-downtime":
            return "is without an end; ask for a keep-awake or a forced sleep with one"
        case "upscale-period" | "downscale-period":
            return "acts at the edges only and leaves replicas alone between; a schedule here decides every minute"
        case "scale-children" | "upscale-excluded":
            return (
                "is about other kinds of objects than deployments" if name == "scale-children" else "is always so here"
            )
    return f"{dialect.label} does not know this key"


def _spec(value: str, dialect: Dialect, defaults: Defaults) -> _Asleep:
    try:
        items = tuple(python.items(value, defaults)) if dialect is Dialect.PY else golang.items(value)
        return _of_items(items, dialect, defaults)
    except SpecError as error:
        raise _Not(f"{dialect.label} fails on it: {error}") from None


def _of_items(items: Iterable[Item], dialect: Dialect, defaults: Defaults) -> _Asleep:
    zones: set[str] = set()
    minutes: frozenset[int] = frozenset()
    ranges: list[tuple[int | None, int | None]] = []
    for item in items:
        match item:
            case Constant(value):
                minutes |= weeks.ALL if value else frozenset()
            case Absolute():
                end = item.end + _MICROSECOND if item.end is not None and item.end_included else item.end
                ranges.append((item.start, end))
            case Recurring():
                zones.add(item.zone or _default_zone(defaults))
                minutes |= weeks.minutes_of(item, item.days or _default_days(defaults))
                if item.minutes[0] == item.minutes[1] or (item.minutes[0] > item.minutes[1] and not item.wraps):
                    raise _Not(
                        f"never matches in {dialect.label}: its start is not before its end. Enter what is meant"
                    )
    if len(zones) > 1:
        raise _Not(f"has the zones {', '.join(sorted(zones))}; a schedule here has one")
    return _Asleep(next(iter(zones), ""), minutes, tuple(ranges))


def _default_zone(defaults: Defaults) -> str:
    if defaults.zone is None:
        raise SpecError("no zone, and no default time zone is set")
    return golang.location(defaults.zone)


def _default_days(defaults: Defaults) -> tuple[int, int]:
    if defaults.weekframe is None:
        raise SpecError("no days, and no default week frame is set")
    return golang.weekframe(defaults.weekframe)


def _combined(specs: Mapping[str, _Asleep], dialect: Dialect) -> dict[str, Any]:
    """Asleep outside the uptime or in the downtime; only Python takes both."""
    up, down = specs.get(f"{PREFIX}uptime"), specs.get(f"{PREFIX}downtime")
    if up and down and dialect is Dialect.GO:
        raise _Not("GoKubeDownscaler refuses uptime and downtime on one object")
    zones = {one.zone for one in (up, down) if one and one.zone}
    if len(zones) > 1:
        raise _Not(f"uptime and downtime have different zones: {', '.join(sorted(zones))}")
    if up and up.ranges:
        raise _Not("an uptime between two instants is asleep at all other times; a schedule here repeats weekly")
    minutes = (weeks.ALL - up.minutes if up else frozenset()) | (down.minutes if down else frozenset())
    ranges = [_range(start, end) for start, end in (down.ranges if down else ())]
    return {"zone": next(iter(zones), "UTC"), "windows": weeks.windows_of(minutes), "ranges": tuple(ranges)}


def _range(start: int | None, end: int | None) -> Range:
    if start is None or end is None:
        raise _Not("is without a beginning or an end; ask for a forced sleep with both")
    try:
        span = Span(instants.to_datetime(start), instants.to_datetime(end))
    except OverflowError:
        raise _Not("is outside the years 1 to 9999") from None
    if span.start >= span.end:
        raise _Not("ends before it starts, so it never matches")
    return Range(span, "imported downtime")


def _whole(value: str) -> int:
    if not value.isascii() or not value.isdigit() or int(value[:9]) > 1000 or len(value) > 9:
        raise _Not("is not a number of replicas from 0 to 1000")
    return int(value)


def _until(value: str, dialect: Dialect) -> datetime:
    if dialect is Dialect.GO:
        try:
            return instants.to_datetime(instants.parse_go(value))
        except (instants.BadInstant, OverflowError):
            raise _Not("GoKubeDownscaler reads RFC 3339 only, and ignores the object's annotations otherwise") from None
    for form in _PY_UNTIL:
        try:
            return datetime.strptime(value, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    raise _Not("py-kube-downscaler does not read it and goes on to scale down: write UTC, as 2026-11-30T06:30:00Z")


def _seconds(value: str, dialect: Dialect) -> int:
    if value.isascii() and value.isdigit() and len(value) < 9:
        return int(value)
    found = _GO_DURATION.fullmatch(value) if dialect is Dialect.GO and value else None
    if found is None:
        raise _Not("is not a number of seconds" + (" or a duration such as 15m" if dialect is Dialect.GO else ""))
    hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return hours * 3600 + minutes * 60 + seconds
