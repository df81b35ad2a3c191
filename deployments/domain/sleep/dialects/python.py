"""The dialect of py-kube-downscaler, as it answers: checked item by item, only up to the first that matches."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from deployments.domain.sleep.dialects import instants
from deployments.domain.sleep.dialects.spans import DAYS, Absolute, Constant, Defaults, Item, Recurring, SpecError
from deployments.domain.sleep.schedule import zones

# Digits of any script are digits here, and `$` stands before a last line feed too: both as Python's `re` has it.
_CLOCKS: Final = r"(\d\d):(\d\d)-(\d\d):(\d\d)"
_FULL: Final = re.compile(rf"([a-zA-Z]{{3}})-([a-zA-Z]{{3}}) {_CLOCKS} ([a-zA-Z/_]+)$")
_NO_DAYS: Final = re.compile(rf"{_CLOCKS} [a-zA-Z/_]+$")
_STAMP: Final = r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[-+]\d\d:\d\d)"
_ABSOLUTE: Final = re.compile(rf"{_STAMP}-{_STAMP}$")
# What pytz can hold: transitions in 32 bits, of which the last year written is 2037; before them, local mean time.
_PYTZ_FIRST: Final = -(2**31)
_PYTZ_LAST: Final = 2_145_916_800 - 3600
_LONG_AGO: Final = -62_000_000_000


def matches(spec: str, at: int, defaults: Defaults) -> bool:
    """Whether the program would say that `at` (nanoseconds) is in `spec`; raises `SpecError` where it raises."""
    now = instants.to_datetime(at)
    at = instants.of(now)
    return any(_covers(item, at) for item in items(spec, defaults))


def items(spec: str, defaults: Defaults) -> Iterator[Item]:
    """Items from left to right, each read when asked for: the program never looks behind the first match."""
    keyword = spec.lower()
    if keyword in ("always", "never"):
        yield Constant(keyword == "always")
        return
    for part in spec.split(","):
        yield _item(_completed(part.strip(), defaults))


def _completed(text: str, defaults: Defaults) -> str:
    """Two digits at the end lack a zone; clocks in front lack the days."""
    if _ends_in_digits(text) and not _ABSOLUTE.match(text):
        if not defaults.zone:
            raise SpecError("no zone, and no default time zone is set")
        text = f"{text} {defaults.zone}"
    if _NO_DAYS.match(text):
        if not defaults.weekframe:
            raise SpecError("no days, and no default week frame is set")
        text = f"{defaults.weekframe} {text}"
    return text


def _ends_in_digits(text: str) -> bool:
    """The program looks for two digits at the end of the first line, so text with a line feed inside never has them."""
    return "\n" not in text and len(text) >= 2 and text[-1].isdecimal() and text[-2].isdecimal()


def _item(text: str) -> Item:
    if found := _FULL.match(text):
        zone = pytz_zone(found[7])
        hours = [int(found[number]) for number in range(3, 7)]
        return Recurring(
            days=(_day(found[1]), _day(found[2])),
            minutes=(hours[0] * 60 + hours[1], hours[2] * 60 + hours[3]),
            zone=zone,
            wraps=False,
        )
    if found := _ABSOLUTE.match(text):
        try:
            start, end = instants.parse_python(found[1]), instants.parse_python(found[2])
        except instants.BadInstant as error:
            raise SpecError(f"{text[:80]!a}: {error}") from None
        return Absolute(start=start, end=end, end_included=True)
    raise SpecError(f"{text[:80]!a} is neither DAY-DAY HH:MM-HH:MM ZONE nor two timestamps")


def _day(name: str) -> int:
    if name.lower() not in DAYS:
        raise SpecError(f"{name!a} is not a day")
    return DAYS.index(name.lower())


def _covers(item: Item, at: int) -> bool:
    match item:
        case Constant(value):
            return value
        case Absolute():
            return item.covers(at)
        case Recurring():
            offset = pytz_offset(item.zone or "UTC", at // instants.SECOND)
            local = instants.to_datetime(at + offset * instants.SECOND)
            return item.covers(local.weekday(), local.hour * 60 + local.minute, item.days or (0, 6))


@lru_cache(maxsize=1)
def _pytz_names() -> dict[str, str]:
    return {name.lower(): name for name in zones.every_name() if name != "Factory"}


def pytz_zone(text: str) -> str:
    """The zone that pytz finds: case does not matter, `_plus_` and `_minus_` stand for the signs."""
    found = _pytz_names().get(text.replace("_plus_", "+").replace("_minus_", "-").lower())
    if found is None:
        raise SpecError(f"{text[:60]!a} is an unknown time zone")
    return found


def pytz_offset(zone: str, at_second: int) -> int:
    """Seconds east of UTC as pytz knows them: whole minutes, and after 2037 as at the end of 2037."""
    second = _LONG_AGO if at_second < _PYTZ_FIRST else min(at_second, _PYTZ_LAST)
    return (instants.offset_seconds(zone, second) + 30) // 60 * 60
