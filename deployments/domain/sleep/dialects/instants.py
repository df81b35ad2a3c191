"""Instants as nanoseconds since 1970 in UTC, and the two ways in which downscalers read them."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final

from deployments.domain.sleep.schedule import zones

SECOND: Final = 1_000_000_000
_EPOCH: Final = date(1970, 1, 1).toordinal()
_EPOCH_AT: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DAYS_400_YEARS: Final = 146_097
_RFC3339: Final = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))", re.ASCII
)
# Go's time.Parse takes an hour of one digit, a fraction that the layout does not have, and +24:60 as an offset.
_GO: Final = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d{1,2}):(\d\d):(\d\d)(?:[.,](\d+))?(?:Z|([+-])(\d\d):(\d\d))", re.ASCII
)
_PYTHON: Final = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)()([+-])(\d\d):(\d\d)", re.ASCII)


class BadInstant(ValueError):
    """The text is not an instant in the wanted form."""


def parse(text: str) -> int:
    """RFC 3339 with an offset, years 1 to 9999 in UTC; raises `BadInstant`."""
    found = _RFC3339.fullmatch(text)
    if found is None or (found[9] and (int(found[9]) > 23 or int(found[10]) > 59)):
        raise BadInstant("the instant is not RFC 3339 with an offset, such as 2026-11-27T20:00:00+01:00")
    at = _build(found)
    if not -62_135_596_800 * SECOND <= at < 253_402_300_800 * SECOND:
        raise BadInstant("the instant is before the year 1 or after 9999")
    return at


def parse_go(text: str) -> int:
    """As Go's `time.Parse(time.RFC3339, ...)` reads it; raises `BadInstant`."""
    found = _GO.fullmatch(text)
    if found is None or (found[9] and (int(found[9]) > 24 or int(found[10]) > 60)):
        raise BadInstant("not an RFC 3339 timestamp")
    return _build(found)


def parse_python(text: str) -> int:
    """As `datetime.fromisoformat` reads the one form that the Python dialect lets through; raises `BadInstant`."""
    found = _PYTHON.fullmatch(text)
    if found is None or int(found[9]) * 60 + int(found[10]) >= 1440 or int(found[1]) == 0:
        raise BadInstant("not an ISO 8601 timestamp")
    return _build(found)


def of(at: datetime) -> int:
    """Nanoseconds of an aware datetime."""
    past = at - _EPOCH_AT
    return (past.days * 86_400 + past.seconds) * SECOND + past.microseconds * 1000


def to_datetime(at: int) -> datetime:
    """The datetime in UTC, cut to microseconds; raises `OverflowError` outside the years 1 to 9999."""
    return _EPOCH_AT + timedelta(microseconds=at // 1000)


def _build(found: re.Match[str]) -> int:
    year, month, day, hour, minute, second = (int(found[number]) for number in range(1, 7))
    if hour > 23 or minute > 59 or second > 59:
        raise BadInstant("hour, minute or second out of range")
    days = _days(year, month, day)
    offset = 0
    if found[8]:
        offset = (int(found[9]) * 60 + int(found[10])) * (60 if found[8] == "+" else -60)
    nanoseconds = int((found[7] or "0")[:9].ljust(9, "0"))
    return (days * 86_400 + hour * 3600 + minute * 60 + second - offset) * SECOND + nanoseconds


def _days(year: int, month: int, day: int) -> int:
    """Days since 1970; the year 0 is a leap year, as 400 is."""
    shift = 0 if year else 1
    try:
        return date(year + 400 * shift, month, day).toordinal() - _EPOCH - _DAYS_400_YEARS * shift
    except ValueError:
        raise BadInstant("no such day") from None


def wall(at: int, offset: int) -> tuple[int, int]:
    """Weekday (Monday = 0) and minute of the day at `offset` seconds from UTC. Any year."""
    days, second = divmod(at // SECOND + offset, 86_400)
    return (days + 3) % 7, second // 60


@lru_cache(maxsize=65_536)
def offset_seconds(zone: str, at_second: int) -> int:
    """Seconds east of UTC in a zone of the pinned set. Past the year 9998 as 400 years before: rules repeat."""
    second = min(max(at_second, -62_135_000_000), 253_402_000_000 + 300_000)
    if second > 253_370_000_000:
        second -= _DAYS_400_YEARS * 86_400
    return int(zones.offset_at(zones.load(zone), _EPOCH_AT + timedelta(seconds=second)).total_seconds())
