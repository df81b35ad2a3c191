"""Which windows of its own first days a first version is not compared with."""

from __future__ import annotations

import pytest

from observability.domain.results.baselines import DAY, lasting

HOUR = 3_600
BEGAN = 1_759_708_800


def hours(*days: int) -> list[int]:
    return [BEGAN + day * DAY + hour * HOUR for day in days for hour in range(24)]


def nights(*days: int) -> list[int]:
    return [start for start in hours(*days) if (start - BEGAN) // HOUR % 24 < 8]


@pytest.mark.parametrize(
    ("over", "left_out"),
    [
        ([], []),
        (hours(5, 6), hours(5, 6)),  # it has not come back
        (hours(2, 3), []),  # a weekend
        (hours(2, 3, 4), hours(2, 3, 4)),  # it came back after three days
        (nights(1, 2, 3, 4, 5, 6), []),
        (hours(1)[14:] + hours(2, 3, 4, 5, 6), hours(1)[14:] + hours(2, 3, 4, 5, 6)),  # it began in the afternoon
    ],
)
def test_what_moved_and_stayed_is_left_out(over: list[int], left_out: list[int]) -> None:
    assert sorted(lasting(hours(1, 2, 3, 4, 5, 6), set(over), BEGAN)) == left_out


def test_without_a_judged_window_nothing_is_left_out() -> None:
    assert lasting([], set(), BEGAN) == set()
