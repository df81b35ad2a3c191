"""A downscaler's recurring spans as minutes of one local week, and minutes of a week as windows of ours."""

from __future__ import annotations

from typing import Final

from deployments.domain.sleep.dialects.spans import Recurring, day_in, minute_in
from deployments.domain.sleep.schedule.windows import DAY, DAY_NAMES, WEEK, Window, clock_text

ALL: Final = frozenset(range(WEEK))


def minutes_of(span: Recurring, days: tuple[int, int]) -> frozenset[int]:
    """Minutes after Monday 00:00 that match, on the wall."""
    return frozenset(
        day * DAY + minute
        for day in range(7)
        if day_in(days, day)
        for minute in range(DAY)
        if minute_in(span.minutes, minute, wraps=span.wraps)
    )


def windows_of(minutes: frozenset[int]) -> tuple[Window, ...]:
    """The fewest windows that are those minutes, each from where it begins, over midnight and the weekend."""
    if len(minutes) == WEEK:
        return (Window(start_day=0, start_minute=0, end_day=6, end_minute=DAY),)
    found = []
    for start in sorted(minute for minute in minutes if (minute - 1) % WEEK not in minutes):
        end = start
        while end % WEEK in minutes:
            end += 1
        day, minute = divmod(end % WEEK, DAY)
        found.append(Window(start_day=start // DAY, start_minute=start % DAY, end_day=day, end_minute=minute))
    return tuple(found)


def safe_items(minutes: frozenset[int], zone: str) -> tuple[str, ...]:
    """Minutes of a week as spans that both dialects read alike: nothing over midnight, 24:00 as the end of a day."""
    pieces: list[tuple[int, int, int]] = []
    for day in range(7):
        of_day = [minute for minute in range(DAY) if day * DAY + minute in minutes]
        starts = [minute for minute in of_day if minute == 0 or day * DAY + minute - 1 not in minutes]
        for start in starts:
            end = start
            while end < DAY and day * DAY + end in minutes:
                end += 1
            pieces.append((day, start, end))
    return tuple(
        f"{DAY_NAMES[first]}-{DAY_NAMES[last]} {clock_text(start)}-{clock_text(end)} {zone}"
        for first, last, start, end in _joined(pieces)
    )


def _joined(pieces: list[tuple[int, int, int]]) -> list[tuple[int, int, int, int]]:
    """Days next to each other with the same hours become one span of days."""
    found: list[tuple[int, int, int, int]] = []
    for day, start, end in pieces:
        before = next((one for one in found if one[1] == day - 1 and one[2:] == (start, end)), None)
        if before is None:
            found.append((day, day, start, end))
        else:
            found[found.index(before)] = (before[0], day, start, end)
    return found
