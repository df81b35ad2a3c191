"""The dialect of GoKubeDownscaler, as it answers: every item is read first, then asked from left to right."""

from __future__ import annotations

import re
from typing import Final

from deployments.domain.sleep.dialects import instants
from deployments.domain.sleep.dialects.spans import DAYS, Absolute, Constant, Defaults, Item, Recurring, SpecError
from deployments.domain.sleep.schedule import zones

_DAY: Final = r"(?:mon|tue|wed|thu|fri|sat|sun)"
# Go's \s is these five, its \d the ten of ASCII, its $ the very end.
_RELATIVE: Final = re.compile(
    rf"(?:({_DAY})-({_DAY})[\t\n\f\r ]+)?(\d\d):(\d\d)-(\d\d):(\d\d)(?:[\t\n\f\r ]+([A-Za-z0-9/_+-]+))?",
    re.ASCII | re.IGNORECASE,
)
_OFFSET: Final = re.compile(r"[+-]\d\d:\d\d", re.ASCII)
_OFFSET_SIZE: Final = 6
# What Go calls white space: Python's `str.strip` takes U+001C to U+001F as well.
_SPACE: Final = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
_KEYWORDS: Final = {"always": True, "true": True, "never": False, "false": False}


def matches(spec: str, at: int, defaults: Defaults) -> bool:
    """Whether the program would say that `at` (nanoseconds) is in `spec`; raises `SpecError` where it answers an error.

    A default that the program refuses at its start is an error for every specification.
    """
    zone = None if defaults.zone is None else location(defaults.zone)
    days = None if defaults.weekframe is None else weekframe(defaults.weekframe)
    return any(_covers(item, at, zone, days) for item in items(spec))


def items(spec: str) -> tuple[Item, ...]:
    """All items, or `SpecError`: one that cannot be read spoils the list."""
    return tuple(_item(part.strip(_SPACE)) for part in spec.split(","))


def location(name: str) -> str:
    """The zone that Go loads from the set built into the program; a machine without a zone of its own is in UTC."""
    if name in ("", "Local"):
        return "UTC"
    if name not in zones.every_name():
        raise SpecError(f"{name[:60]!a} is an unknown time zone")
    return name


def weekframe(text: str) -> tuple[int, int]:
    """DAY-DAY without any blank, in any case."""
    parts = _lower(text).split("-")
    if len(parts) != 2 or parts[0] not in DAYS or parts[1] not in DAYS:
        raise SpecError(f"{text[:60]!a} is not a week frame such as Mon-Fri")
    return DAYS.index(parts[0]), DAYS.index(parts[1])


def _item(text: str) -> Item:
    if (value := _KEYWORDS.get(_lower(text))) is not None:
        return Constant(value)
    if found := _absolute(text):
        return found
    if text.startswith(("from", "until")):
        return _directional(text)
    return _relative(text)


def _absolute(text: str) -> Absolute | None:
    """Two stamps with a dash between, as the program's pattern finds them: each `.+Z` or `.+` and an offset.

    From dash to dash: the pattern itself takes quadratic time on texts that are made for it.
    """
    if "\n" in text:
        return None
    dashes = [at for at, character in enumerate(text) if character == "-"]
    for size in (1, _OFFSET_SIZE):
        for at in reversed(dashes):
            left, right = at, at + 1
            while left and text[left - 1] == " ":
                left -= 1
            while right < len(text) and text[right] == " ":
                right += 1
            if right > at + 1 and _stamp_size(text, len(text)) == len(text) - right:
                right -= 1  # the last blank is the one character that has to stand before the end
            if left > size == _stamp_size(text, left) and len(text) - right > _stamp_size(text, len(text)) > 0:
                start, end = (_timestamp(part.strip(_SPACE)) for part in (text[:left], text[right:]))
                return Absolute(start=start, end=end, end_included=False)
    return None


def _stamp_size(text: str, end: int) -> int:
    """Characters of the Z or offset that ends at `end`; 0 where neither does."""
    if text[end - 1 : end] == "Z":
        return 1
    return _OFFSET_SIZE if end >= _OFFSET_SIZE and _OFFSET.fullmatch(text, end - _OFFSET_SIZE, end) else 0


def _directional(text: str) -> Absolute:
    word = "from" if text.startswith("from") else "until"
    rest = text[len(word) :].strip(_SPACE)
    at = _timestamp(rest[1:].strip(_SPACE) if rest.startswith("-") else rest)
    if word == "from":
        return Absolute(start=at, end=None, end_included=False)
    return Absolute(start=None, end=at, end_included=False)


def _relative(text: str) -> Recurring:
    found = _RELATIVE.fullmatch(text)
    if found is None:
        raise SpecError(f"{text[:80]!a} is not [DAY-DAY] HH:MM-HH:MM [ZONE]")
    days = None
    if found[1]:
        days = (DAYS.index(found[1].lower()), DAYS.index(found[2].lower()))
    return Recurring(
        days=days,
        minutes=(_minute(found[3], found[4]), _minute(found[5], found[6])),
        zone=location(found[7]) if found[7] else None,
        wraps=True,
    )


def _minute(hour: str, minute: str) -> int:
    """24:59 is a time of day here: hours go to 24 and minutes to 59, each on its own."""
    if int(hour) > 24 or int(minute) > 59:
        raise SpecError(f"{hour}:{minute} is not a time of day")
    return int(hour) * 60 + int(minute)


def _timestamp(text: str) -> int:
    try:
        return instants.parse_go(text)
    except instants.BadInstant as error:
        raise SpecError(f"{text[:80]!a}: {error}") from None


def _lower(text: str) -> str:
    """Lower case of letters that matter; Python's own turns some single letters into two."""
    return "".join(char.lower() if char.isascii() else char for char in text)


def _covers(item: Item, at: int, zone: str | None, days: tuple[int, int] | None) -> bool:
    match item:
        case Constant(value):
            return value
        case Absolute():
            return item.covers(at)
        case Recurring():
            name, frame = item.zone or zone, item.days or days
            if name is None:
                raise SpecError("no zone, and no default time zone is set")
            if frame is None:
                raise SpecError("no days, and no default week frame is set")
            return item.covers(*instants.wall(at, instants.offset_seconds(name, at // instants.SECOND)), frame)
