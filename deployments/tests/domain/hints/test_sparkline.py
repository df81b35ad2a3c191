"""Path data of the small charts."""

import re
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.domain.hints.sparkline import Point, Sparkline, shared_top, sparkline
from deployments.tests.domain.cluster import NOW

STEP = timedelta(minutes=5)


def draw(*points: Point, minutes: int = 20, top: int = 100) -> Sparkline:
    end = NOW + timedelta(minutes=minutes)
    return sparkline(points, start=NOW, end=end, step=STEP, top=top, width=200, height=50)


def at(minutes: float, used: int, reserved: int = 0) -> Point:
    return Point(NOW + timedelta(minutes=minutes), used, reserved)


def test_points_are_joined_on_the_scale_given() -> None:
    found = draw(at(0, 0), at(5, 50), at(10, 100))
    assert found.line == "M0 50L50 25L100 0"
    assert found.area == "M0 50L50 25L100 0V50H0Z"
    assert found.request == ""


def test_a_gap_breaks_the_line_and_a_lone_point_is_a_dot() -> None:
    found = draw(at(0, 10), at(5, 10), at(20, 20))
    assert found.line == "M0 45L50 45 M200 40h.1"
    assert found.area == "M0 45L50 45V50H0Z"


def test_the_request_changes_in_steps() -> None:
    found = draw(at(0, 1, 20), at(5, 1, 20), at(10, 1, 40))
    assert found.request == "M0 40H50V40H100V30"


def test_where_the_request_is_unknown_it_is_not_drawn() -> None:
    assert draw(at(0, 1), at(5, 1, 20), at(10, 1)).request == "M50 40h.1"


def test_what_is_outside_is_left_out_and_what_is_above_is_cut() -> None:
    assert draw(at(-5, 50), at(0, 300), at(25, 50)).line == "M0 0h.1"


def test_nothing_draws_nothing() -> None:
    found = draw()
    assert (found.line, found.area, found.request) == ("", "", "")


@pytest.mark.parametrize(
    ("series", "top"),
    [([], 1), ([[at(0, 0)]], 1), ([[at(0, 10, 100)], [at(0, 40, 60)]], 150), ([[at(0, 500, 100)]], 500)],
)
def test_charts_of_one_kind_share_a_scale(series: list[list[Point]], top: int) -> None:
    assert shared_top(series) == top


@given(st.lists(st.tuples(st.integers(0, 288), st.integers(0, 10**13), st.integers(0, 10**13)), max_size=60))
def test_every_number_is_inside_the_box(values: list[tuple[int, int, int]]) -> None:
    points = [at(5 * slot, used, reserved) for slot, used, reserved in sorted(values)]
    found = draw(*points, minutes=1440, top=shared_top([points]))
    for path in (found.line, found.area, found.request):
        assert re.fullmatch(r"[MLHVZh0-9. ]*", path)
        assert all(0 <= float(value) <= 200 for value in re.findall(r"[0-9.]+", path))
