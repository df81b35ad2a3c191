"""Sizes that pods were seen to ask for, as changes of a cost that the audit log does not tell of."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from deployments.models.ledger import Source
from deployments.queries.seen_sizes import SeenSize, news

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
AT = datetime(2026, 11, 2, tzinfo=UTC)
ONE, TWO, FOUR = (1000, 2 << 30), (2000, 2 << 30), (2000, 4 << 30)


def found(*days: tuple[datetime, tuple[int, int]], told: tuple[datetime, ...] = ()) -> list[SeenSize]:
    return news([(at, size, Source.WATCH.value) for at, size in days], told)


def test_a_new_size_is_a_change_at_its_first_pod() -> None:
    (one,) = found((AT, ONE), (AT + DAY, ONE), (AT + DAY + HOUR, TWO), (AT + 2 * DAY, TWO))
    assert (one.at, one.before, one.after, one.name) == (AT + DAY + HOUR, ONE, TWO, "2 cores a pod")
    assert one.words == "pods were seen asking for 2 cores and 2 GiB instead of 1 core and 2 GiB"


def test_the_first_size_and_the_same_size_are_none() -> None:
    assert found((AT, ONE), (AT + DAY, ONE)) == []


def test_two_sizes_side_by_side_are_one_change() -> None:
    days = [(AT + DAY * day + HOUR * hour, size) for day in range(9) for hour, size in ((0, ONE), (8, TWO))]
    assert len(found(*days)) == 1


def test_a_size_that_comes_back_after_a_while_is_a_change_again() -> None:
    days = [*((AT + DAY * day, ONE) for day in range(2)), *((AT + DAY * day, FOUR) for day in range(2, 12))]
    assert [one.after for one in found(*days, (AT + 12 * DAY, ONE))] == [FOUR, ONE]
    assert found(*days)[0].name == "2 cores a pod"


def test_what_the_audit_log_tells_is_not_told_twice() -> None:
    days = [(AT, ONE), (AT + DAY, TWO), (AT + 3 * DAY, FOUR)]
    assert [one.after for one in found(*days, told=(AT + DAY - HOUR,))] == [FOUR]
