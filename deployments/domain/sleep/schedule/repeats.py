"""Days on which an event of a calendar repeats: the part of RFC 5545's rules that days off are written in.

Written here because the usual library goes on to the year 9999 for a rule that never comes true, such as 30 February.
"""

from __future__ import annotations

from calendar import isleap, monthrange
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

WEEKDAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
FREQUENCIES: Final = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
_READ: Final = frozenset({"FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYMONTH", "BYMONTHDAY", "BYYEARDAY", "BYDAY"})


class NotRead(ValueError):
    """The rule is malformed or of a kind that is not read; the message says which."""


@dataclass(slots=True)
class Budget:
    """How many days may still be looked at, shared by all rules of a file."""

    days: int

    def spend(self, days: int = 1) -> None:
        self.days -= days
        if self.days < 0:
            raise NotRead("the file repeats too much: list the days instead")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule; `by_day` holds (place in the period or 0 for each, weekday)."""

    frequency: str
    interval: int = 1
    count: int | None = None
    until: date | None = None
    week_start: int = 0
    by_month: frozenset[int] = frozenset()
    by_month_day: frozenset[int] = frozenset()
    by_year_day: frozenset[int] = frozenset()
    by_day: frozenset[tuple[int, int]] = frozenset()

    @classmethod
    def of(cls, parts: Mapping[str, Sequence[object]]) -> Rule:
        """Of the parts of an RRULE by their names in capitals, without UNTIL; raises `NotRead`."""
        unread = sorted(parts.keys() - _READ)
        frequency = _one(parts, "FREQ").upper()
        if unread or frequency not in FREQUENCIES:
            raise NotRead(f"it repeats in a way that is not read: {', '.join(unread) or frequency[:20] or 'no FREQ'}")
        days = frozenset(_weekday(str(part).upper()) for part in parts.get("BYDAY", ()))
        if frequency in ("DAILY", "WEEKLY") and any(place for place, _ in days):
            raise NotRead("it repeats in a way that is not read: BYDAY with a number, by week")
        start = _one(parts, "WKST").upper() or "MO"
        return cls(
            frequency=frequency,
            interval=_number(_one(parts, "INTERVAL") or "1", 1, 10_000),
            count=_number(_one(parts, "COUNT"), 1, 1_000_000) if "COUNT" in parts else None,
            week_start=_weekday(start)[1],
            by_month=frozenset(_number(str(part), 1, 12) for part in parts.get("BYMONTH", ())),
            by_month_day=frozenset(_number(str(part), -31, 31) for part in parts.get("BYMONTHDAY", ())),
            by_year_day=frozenset(_number(str(part), -366, 366) for part in parts.get("BYYEARDAY", ())),
            by_day=days,
        )


def _one(parts: Mapping[str, Sequence[object]], name: str) -> str:
    found = parts.get(name, ())
    return str(found[0]) if found else ""


def _number(text: str, least: int, most: int) -> int:
    try:
        found = int(text)
    except ValueError:
        raise NotRead(f"its rule has {text[:20]!r} where a number should be") from None
    if not least <= found <= most or found == 0:
        raise NotRead(f"its rule has {found}, which is out of range")
    return found


def _weekday(text: str) -> tuple[int, int]:
    place, name = text[:-2], text[-2:]
    if name not in WEEKDAYS:
        raise NotRead(f"its rule has {text[:20]!r} where a weekday should be")
    return (_number(place, -53, 53) if place else 0), WEEKDAYS.index(name)


def days(rule: Rule, start: date, last: date, budget: Budget, *, first: date | None = None) -> Iterator[date]:
    """Days from `start` to `last` on which the rule comes true, in order; `start` itself only where it does.

    Days before `first` are of no use: they are passed over where nothing has to be counted.
    """
    end = min(last, rule.until) if rule.until else last
    left = rule.count
    begin = start if first is None or left is not None else max(start, first)
    for day in _candidates(rule, start, begin, end, budget):
        if start <= day <= end and _is_due(rule, start, day):
            yield day
            if left is not None:
                left -= 1
                if left == 0:
                    return


def _candidates(rule: Rule, start: date, begin: date, end: date, budget: Budget) -> Iterator[date]:
    """Days worth a look: without any other part, a yearly rule has one a year."""
    if rule.frequency == "YEARLY" and not (rule.by_month or rule.by_month_day or rule.by_year_day or rule.by_day):
        for year in range(begin.year, end.year + 1):
            budget.spend()
            if start.day <= monthrange(year, start.month)[1]:
                yield date(year, start.month, start.day)
        return
    month = date(begin.year, begin.month, 1)
    while month <= end:
        length = monthrange(month.year, month.month)[1]
        if not rule.by_month or month.month in rule.by_month:
            budget.spend(length)
            yield from (month.replace(day=number) for number in range(1, length + 1))
        else:
            budget.spend()
        month += timedelta(days=length)


def _is_due(rule: Rule, start: date, day: date) -> bool:
    if not _in_turn(rule, start, day) or (rule.by_month and day.month not in rule.by_month):
        return False
    if rule.by_month_day:
        length = monthrange(day.year, day.month)[1]
        if day.day not in rule.by_month_day and day.day - length - 1 not in rule.by_month_day:
            return False
    if rule.by_year_day:
        number, whole = _place_in_year(day)
        if number not in rule.by_year_day and number - whole - 1 not in rule.by_year_day:
            return False
    if rule.by_day:
        in_year = rule.frequency == "YEARLY" and not rule.by_month
        number, whole = _place_in_year(day) if in_year else (day.day, monthrange(day.year, day.month)[1])
        places = (0, (number - 1) // 7 + 1, -((whole - number) // 7 + 1))
        return any((place, day.weekday()) in rule.by_day for place in places)
    return _as_at_the_start(rule, start, day)


def _place_in_year(day: date) -> tuple[int, int]:
    return day.timetuple().tm_yday, 366 if isleap(day.year) else 365


def _as_at_the_start(rule: Rule, start: date, day: date) -> bool:
    """What a rule leaves open is as on its first day."""
    if rule.by_month_day or rule.by_year_day or rule.frequency == "DAILY":
        return True
    if rule.frequency == "WEEKLY":
        return day.weekday() == start.weekday()
    same_month = rule.frequency == "MONTHLY" or bool(rule.by_month) or day.month == start.month
    return same_month and day.day == start.day


def _in_turn(rule: Rule, start: date, day: date) -> bool:
    """Whether the period that `day` is in is one of every `interval`."""
    match rule.frequency:
        case "DAILY":
            passed = (day - start).days
        case "WEEKLY":
            back = timedelta(days=(start.weekday() - rule.week_start) % 7)
            passed = (day - (start - back)).days // 7
        case "MONTHLY":
            passed = (day.year - start.year) * 12 + day.month - start.month
        case _:
            passed = day.year - start.year
    return passed % rule.interval == 0
