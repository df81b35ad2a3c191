"""The schedule engine against the minute-by-minute evaluation of `brute`: every change of clocks, and random weeks."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

import numpy as np
import pytest
from numpy.typing import NDArray

from deployments.domain.sleep.schedule import zones
from deployments.domain.sleep.schedule.calendars import Calendar, Day, Holidays
from deployments.domain.sleep.schedule.coming import stretches
from deployments.domain.sleep.schedule.decisions import decide
from deployments.domain.sleep.schedule.layers import Ask, Freeze, Grant, Inputs, Layer, Level, Production
from deployments.domain.sleep.schedule.windows import Schedule, Span, Window, occurrences
from deployments.tests.domain.sleep.brute import Changes, in_windows, on_days, painted, walls, zones_by_behaviour

MINUTE = timedelta(minutes=1)
AROUND = timedelta(hours=48)
YEARS = (2024, 2035)


@lru_cache(maxsize=1)
def behaviours() -> dict[Changes, str]:
    return zones_by_behaviour(*YEARS)


def window(start: int, length: int) -> Window:
    """From a minute of the week, `length` minutes long."""
    end = (start + length) % 10080
    return Window(start_day=start // 1440, start_minute=start % 1440, end_day=end // 1440, end_minute=end % 1440)


def schedule(zone: str, windows: list[Window], target: int = 0) -> Schedule:
    return Schedule(key="s", version=1, name="S", zone=zone, windows=tuple(windows), target=target)


def near(chance: random.Random, middle: int) -> list[Window]:
    """Windows with edges within three hours of a minute of the week, and one over a weekend; they overlap."""
    found = []
    for _ in range(4):
        start = (middle + chance.randrange(-180, 180)) % 10080
        found.append(window(start, chance.choice([1, 15, 30, 59, 60, 61, 90, 600, 1440, 4000])))
    start = (middle - chance.randrange(1, 3000)) % 10080
    return [*found, window(start, chance.randrange(1, 10080))]


def test_every_zone_of_the_set_is_covered() -> None:
    assert len(zones.every_name()) == 598
    assert len(behaviours()) > 60
    assert sum(len(changes) - 1 for changes in behaviours()) > 600


def test_windows_around_every_change_of_clocks() -> None:
    chance = random.Random(15)
    minutes = 2 * int(AROUND / MINUTE)
    for changes, zone in behaviours().items():
        for changed_at, _ in changes[1:]:
            start = changed_at - AROUND
            local = changed_at.astimezone(zones.load(zone))
            made = schedule(zone, near(chance, local.weekday() * 1440 + local.hour * 60 + local.minute))
            spans = [(one.span.start, one.span.end) for one in occurrences(made, start, start + 2 * AROUND)]
            expected = in_windows(walls(zone, start, minutes), made.windows)
            assert np.array_equal(painted(spans, start, minutes), expected), (zone, changed_at, made.windows)


def test_days_off_around_every_change_of_clocks() -> None:
    minutes = 2 * 1440
    for changes, zone in behaviours().items():
        for changed_at, _ in changes[1:]:
            start = changed_at - timedelta(hours=24)
            day = changed_at.astimezone(zones.load(zone)).date()
            off = frozenset({day, day + timedelta(days=1)})
            inputs = Inputs(layers=(layer(schedule(zone, []), off),))
            expected = on_days(walls(zone, start, minutes), off.__contains__)
            assert np.array_equal(asleep(inputs, start, minutes), expected), (zone, changed_at)


def layer(weekly: Schedule, off: frozenset[date]) -> Layer:
    days = tuple(Day(day, "Off") for day in sorted(off))
    said = Holidays(key="h", version=1, calendars=(Calendar(key="c", version=1, name="C", days=days),))
    return Layer(level=Level.TEAM, name="Team", weekly=weekly, holidays=said)


def asleep(inputs: Inputs, start: datetime, minutes: int) -> NDArray[np.bool_]:
    found = stretches(inputs, start, start + minutes * MINUTE)
    return painted([(one.span.start, one.span.end) for one in found if one.decision.asleep], start, minutes)


def grants(chance: random.Random, ask: Ask, start: datetime) -> tuple[Grant, ...]:
    found = []
    for number in range(chance.choice([0, 0, 1, 2])):
        left = start + chance.randrange(-2000, 10080) * MINUTE
        span = Span(left, left + chance.randrange(1, 3000) * MINUTE)
        found.append(Grant(key=f"{ask}{number}", ask=ask, span=span, owner="ana", reason="test"))
    return tuple(found)


def drawn(chance: random.Random, zone: str, start: datetime) -> tuple[Inputs, frozenset[date]]:
    made = [window(chance.randrange(10080), chance.randrange(1, 6000)) for _ in range(chance.randrange(0, 6))]
    first = zones.local_day(zone, start)
    off = frozenset(first + timedelta(days=chance.randrange(-1, 9)) for _ in range(chance.choice([0, 1, 3])))
    freezes = []
    if chance.random() < 0.4:
        left = start + chance.randrange(0, 9000) * MINUTE
        end = left + chance.randrange(1, 3000) * MINUTE if chance.random() < 0.8 else None
        freezes.append(Freeze(key="f", start=left, end=end, owner="ops", reason="incident"))
    production = Production(allowed=chance.random() < 0.5, reason="ok") if chance.random() < 0.2 else None
    inputs = Inputs(
        layers=(
            Layer(level=Level.DEPLOYMENT, name="", exemptions=grants(chance, Ask.EXEMPTION, start)),
            layer(schedule(zone, made), off),
        ),
        keep_awake=grants(chance, Ask.KEEP_AWAKE, start),
        forced_sleep=grants(chance, Ask.FORCED_SLEEP, start),
        freezes=tuple(freezes),
        production=production,
    )
    return inputs, off


def expected_of(inputs: Inputs, off: frozenset[date], zone: str, start: datetime, minutes: int) -> NDArray[np.bool_]:
    """The order of the questions applied from the last to the first, then freezes walked through in time."""

    def marks(found: tuple[Grant, ...]) -> NDArray[np.bool_]:
        return painted([(one.span.start, one.span.end) for one in found], start, minutes)

    weekly = inputs.layers[1].weekly
    assert isinstance(weekly, Schedule)
    wall = walls(zone, start, minutes)
    state = in_windows(wall, weekly.windows) | on_days(wall, off.__contains__)
    state &= ~marks(inputs.layers[0].exemptions)
    state |= marks(inputs.forced_sleep)
    if inputs.production is not None and not inputs.production.allowed:
        state[:] = False
    state &= ~marks(inputs.keep_awake)
    for freeze in inputs.freezes:
        frozen = painted([(freeze.start, freeze.end or start + minutes * MINUTE)], start, minutes)
        before = False
        for minute in range(minutes):
            state[minute] &= before or not frozen[minute]
            before = bool(state[minute])
    return state


@pytest.mark.parametrize("seed", range(8))
def test_random_weeks_with_everything_at_once(seed: int) -> None:
    """25 weeks a seed, 200 in all: overlaps, month ends, leap days, days off, what people asked for, freezes."""
    chance = random.Random(seed)
    names = zones.offered()
    days = [date(2028, 2, 27), date(2024, 2, 28), date(2026, 12, 29), date(2027, 1, 29), date(2026, 3, 27)]
    for _ in range(25):
        zone, day = chance.choice(names), chance.choice([*days, date(2026, 1, 1) + timedelta(chance.randrange(3000))])
        start = datetime(day.year, day.month, day.day, tzinfo=UTC) + chance.randrange(96) * 15 * MINUTE
        inputs, off = drawn(chance, zone, start)
        minutes = 7 * 1440
        expected = expected_of(inputs, off, zone, start, minutes)
        assert np.array_equal(asleep(inputs, start, minutes), expected), (seed, zone, start, inputs)
        if not inputs.freezes:
            for minute in chance.sample(range(minutes), 20):
                assert decide(inputs, at=start + minute * MINUTE).asleep == expected[minute]
