"""Geometry of charts over time: breaks, extremes, marks, ticks."""

from __future__ import annotations

import re

import numpy as np
import pytest

from observability.domain.charts.frame import Because, Frame, Stretch
from observability.domain.charts.panels import quantile_panel, share_panel, statistic_panel, volume_panel
from observability.domain.charts.paths import MOST_POINTS, Point, band, line, thinned
from observability.domain.charts.rail import Change, rail
from observability.domain.charts.scales import Linear, Log, Times, number, points, round_values, share
from observability.domain.charts.sparks import spark

HOUR, DAY = 3_600, 86_400
START = 1_759_708_800


def hours(values: list[float | None], start: int = START) -> list[Point]:
    return [Point(start + at * HOUR, start + (at + 1) * HOUR, value) for at, value in enumerate(values)]


def numbers_in(d: str) -> list[float]:
    return [float(text) for text in re.findall(r"-?\d+(?:\.\d+)?", d)]


def test_a_line_is_broken_where_a_window_has_no_value() -> None:
    found = line(hours([1.0, 2.0, None, 3.0, 4.0]), lambda at: at - START, lambda value: value)
    assert found.count("M") == 2


def test_a_line_is_broken_where_windows_lie_apart() -> None:
    two = [*hours([1.0, 2.0]), *hours([3.0, 4.0], START + 9 * HOUR)]
    assert line(two, lambda at: at - START, float, gap=HOUR).count("M") == 2
    assert line(two, lambda at: at - START, float).count("M") == 1


def test_a_single_window_between_breaks_can_be_seen() -> None:
    assert line(hours([None, 1.0, None]), lambda at: at - START, float).endswith("h2")


def test_a_band_is_broken_where_either_side_has_no_value() -> None:
    low, high = hours([0.0, 0.0, None, 0.0]), hours([1.0, 1.0, 1.0, 1.0])
    assert band(low, high, lambda at: at - START, float).count("Z") == 2


def test_thinning_keeps_the_extremes_of_three_thousand_windows() -> None:
    values: list[float | None] = [0.01] * 3_000
    values[1_234], values[2_345] = 0.9, -0.5
    kept = [point.value for point in thinned(hours(values))]
    assert len(kept) <= MOST_POINTS + 2
    assert 0.9 in kept
    assert -0.5 in kept


def test_thinning_keeps_a_gap() -> None:
    values: list[float | None] = [0.01] * 3_000
    values[1_000:1_400] = [None] * 400
    assert any(point.value is None for point in thinned(hours(values)))


def test_a_statistic_that_stays_below_shows_its_threshold() -> None:
    frame = Frame(Times(START, START + 10 * HOUR))
    made = statistic_panel(frame, name="PSI", values=hours([0.01] * 10), floors=hours([0.02] * 10), threshold=0.1)
    assert 0 < made.levels[0].y < made.height
    assert made.over == made.levels[0].y


def test_no_value_at_all_draws_no_line() -> None:
    frame = Frame(Times(START, START + 3 * HOUR))
    made = statistic_panel(frame, name="PSI", values=hours([None] * 3), floors=hours([None] * 3), threshold=None)
    assert [shape.d for shape in made.shapes] == ["", ""]


def test_quantiles_that_spread_over_decades_get_a_logarithmic_axis() -> None:
    series = [hours([value] * 4) for value in (0.1, 1.0, 10.0, 100.0, 1_000.0)]
    made = quantile_panel(Frame(Times(START, START + 4 * HOUR)), name="x", series=series)
    heights = [tick.at for tick in made.y_ticks]
    assert max(np.diff(heights)) - min(np.diff(heights)) < 1


def test_shares_reach_from_the_floor_to_the_top() -> None:
    values = [("a", hours([0.5, 0.5])), ("b", hours([0.5, 0.5]))]
    made = share_panel(Frame(Times(START, START + 2 * HOUR)), name="city", values=values)
    drawn = [number for shape in made.shapes for number in numbers_in(shape.d)[1::2]]
    assert min(drawn) == 6.0
    assert max(drawn) == made.height


def test_rows_of_two_versions_stand_on_each_other() -> None:
    two = [("1", hours([10.0])), ("2", hours([10.0]))]
    made = volume_panel(Frame(Times(START, START + HOUR)), name="rows", versions=two)
    first, second = (numbers_in(shape.d) for shape in made.shapes)
    assert min(first[1:3]) == pytest.approx(max(second[1:3]), abs=0.2)


def test_hours_without_logs_are_shaded_with_their_reason() -> None:
    frame = Frame(Times(START, START + 10 * HOUR), [Stretch(START + HOUR, START + 3 * HOUR, Because.ASLEEP, "asleep")])
    shade = frame.shades()[0]
    assert (shade.x, shade.width, shade.kind, shade.words) == (10.0, 20.0, "asleep", "asleep")


def test_what_lies_outside_of_the_chart_is_not_shaded() -> None:
    frame = Frame(Times(START, START + HOUR), [Stretch(START - 5 * HOUR, START - HOUR, Because.GAP)])
    assert frame.shades() == []


def test_changes_that_would_cover_each_other_are_counted() -> None:
    many = [Change(at=START + at * 60, label=f"rev {at}", title=f"rev {at}") for at in range(30)]
    pills, marks = rail(many, Times(START, START + 30 * DAY), many_url="/all")
    assert [(pill.label, pill.url) for pill in pills] == [("30 changes", "/all")]
    assert len(marks) == 1


def test_changes_outside_of_the_chart_are_left_out() -> None:
    pills, marks = rail([Change(at=START - 1, label="x", title="x")], Times(START, START + DAY))
    assert not pills
    assert not marks


def test_a_day_is_a_day_where_clocks_change() -> None:
    changes = 1_761_429_600  # 2025-10-26 00:00 in Amsterdam, a day of 25 hours
    ticks = Times(changes, changes + 3 * DAY, "Europe/Amsterdam").ticks()
    assert [tick.label for tick in ticks] == ["Sun 26", "Mon 27", "Tue 28"]
    assert ticks[1].at == pytest.approx(25 / 72 * 100, abs=0.1)


@pytest.mark.parametrize("span", [60, HOUR, DAY, 30 * DAY, 125 * DAY, 3_000 * DAY])
def test_an_axis_has_a_few_ticks_whatever_its_span(span: int) -> None:
    assert len(Times(START + 17, START + 17 + span).ticks()) <= 10


@pytest.mark.parametrize(
    ("low", "high"), [(0.0, 0.0), (1e300, 1e308), (-5.0, 5.0), (0.1, 0.10001), (1e-300, 2e-300), (-1e308, 1e308)]
)
def test_round_values_lie_in_the_range(low: float, high: float) -> None:
    found = round_values(low, high, 4)
    assert 1 <= len(found) <= 60
    assert all(low - abs(low) * 1e-9 <= value <= high + abs(high) * 1e-9 for value in found)


@pytest.mark.parametrize("value", [-1e309, 0.0, 5e-324, 1.7e308])
def test_scales_take_what_numbers_there_are(value: float) -> None:
    assert 0 <= Linear(0.0, 1.0, 72.0).y(value) <= 72
    assert 0 <= Log(1e-3, 1e3, 72.0).y(value) <= 72


def test_a_sparkline_ends_at_its_last_window_and_is_cut_at_twice_its_threshold() -> None:
    made = spark(hours([0.1, 0.2, 50.0]), (START, START + 3 * HOUR))
    assert made is not None
    assert made.is_over
    assert made.end_y == 1.0
    assert spark(hours([None]), (START, START + HOUR)) is None


def test_small_shares_are_never_called_nothing() -> None:
    assert share(0.0001) == "<0.1%"
    assert share(0.0) == "0%"
    assert points(-0.0812) == "\u22128.1 pt"
    assert number(1_234_567) == "1.23M"
    assert number(12_345) == "12.3k"
