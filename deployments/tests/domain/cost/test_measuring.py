"""Sightings one by one: each second of a pod is charged once, whatever is repeated, late or missing."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from deployments.domain.cost.measuring import Open, Piece, begin, ended, lost, seen

T0 = datetime(2026, 11, 1, 12, tzinfo=UTC)
MIDNIGHT = datetime(2026, 11, 2, tzinfo=UTC)


def minute(count: float) -> datetime:
    return T0 + timedelta(minutes=count)


def span(pieces: Sequence[Piece[str]]) -> list[tuple[datetime, datetime, str]]:
    return [(piece.start, piece.end, piece.facts) for piece in pieces]


def test_time_begins_where_the_pod_was_scheduled_and_not_where_it_was_first_seen() -> None:
    assert begin("a", at=minute(5), since=minute(2)) == Open(start=minute(2), facts="a")
    assert begin("a", at=minute(5), since=None) == Open(start=minute(5), facts="a", is_start_exact=False)


def test_what_was_charged_before_is_not_charged_again() -> None:
    assert begin("a", at=minute(9), since=minute(2), charged_to=minute(7)).start == minute(7)
    assert begin("a", at=minute(9), since=minute(8), charged_to=minute(7)).start == minute(8)


def test_other_facts_close_a_piece() -> None:
    pieces, after = seen(Open(start=T0, facts="a"), "b", at=minute(5))
    assert span(pieces) == [(T0, minute(5), "a")]
    assert after == Open(start=minute(5), facts="b")


def test_midnight_closes_pieces_so_that_none_is_of_two_days() -> None:
    pieces, after = seen(Open(start=T0, facts="a"), "a", at=MIDNIGHT + timedelta(days=1, hours=3))
    assert span(pieces) == [(T0, MIDNIGHT, "a"), (MIDNIGHT, MIDNIGHT + timedelta(days=1), "a")]
    assert after.start == MIDNIGHT + timedelta(days=1)
    assert all(piece.is_exact for piece in pieces)


def test_a_late_sighting_changes_nothing() -> None:
    open_ = Open(start=minute(5), facts="a")
    assert seen(open_, "b", at=minute(5)) == ([], open_)
    assert seen(open_, "b", at=minute(3)) == ([], open_)


def test_an_end_that_was_not_seen_is_charged_as_far_as_it_was_and_flagged() -> None:
    (piece,) = lost(Open(start=T0, facts="a"), last_seen=minute(7), missing_at=minute(20))
    assert (piece.end, piece.is_end_exact, piece.end_by) == (minute(7), False, minute(20))
    assert lost(Open(start=minute(9), facts="a"), last_seen=minute(7), missing_at=minute(20)) == []


def test_only_the_first_piece_has_an_unseen_start_and_only_the_last_an_unseen_end() -> None:
    open_ = begin("a", at=T0, since=None)
    pieces = lost(open_, last_seen=MIDNIGHT + timedelta(days=1, hours=1), missing_at=MIDNIGHT + timedelta(days=2))
    assert [(piece.is_start_exact, piece.is_end_exact) for piece in pieces] == [
        (False, True),
        (True, True),
        (True, False),
    ]


@given(
    st.lists(st.tuples(st.integers(0, 4000), st.sampled_from("ab")), max_size=12),
    st.integers(1, 4000),
    st.integers(0, 3),
)
def test_a_pods_time_is_charged_once_whatever_comes_late_or_twice(
    sightings: list[tuple[int, str]], end: int, watches: int
) -> None:
    """`watches` others see the same after us, in another order, and go on from the rows as they are."""
    open_ = begin("a", at=T0, since=T0)
    pieces: list[Piece[str]] = []
    order = sightings
    for _ in range(watches + 1):
        for at, facts in order:
            if at <= end:
                more, open_ = seen(open_, facts, at=minute(at))
                pieces += more
        order = [*reversed(sightings), *sightings]
    pieces += ended(open_, at=minute(end))
    assert sum((piece.end - piece.start for piece in pieces), timedelta()) == minute(end) - T0
    assert all(one.end == two.start for one, two in itertools.pairwise(pieces))
    assert all(piece.end - timedelta(microseconds=1) < piece.start.replace(hour=0, minute=0) + timedelta(days=1)
               for piece in pieces)  # fmt: skip
