"""Who decides: the order of the questions, layers per kind, freezes, and what cannot be read."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from deployments.domain.sleep.schedule import history
from deployments.domain.sleep.schedule.calendars import Calendar, Day, Holidays
from deployments.domain.sleep.schedule.coming import stretches, transitions
from deployments.domain.sleep.schedule.decisions import Decision, Outcome, Step, decide
from deployments.domain.sleep.schedule.history import Stored
from deployments.domain.sleep.schedule.layers import (
    Ask,
    Broken,
    Freeze,
    Grant,
    Inputs,
    Layer,
    Level,
    OpenSleep,
    Production,
)
from deployments.domain.sleep.schedule.windows import BadSchedule, Schedule, Span, Window

NIGHT = datetime(2026, 11, 25, 22, tzinfo=UTC)  # a Wednesday
NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
MORNING = datetime(2026, 11, 26, 7, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
BROKEN = Broken("the rows cannot be read")
ASLEEP = OpenSleep(since=NIGHT - HOUR, due_at=MORNING, target=0)


def weekly(*windows: str, name: str = "Nights", **more: object) -> Schedule:
    made = tuple(Window.parse(text) for text in windows or ("Wed 20:00 -> Thu 07:30",))
    return Schedule(**{"key": name, "version": 2, "name": name, "zone": "UTC", "windows": made, **more})


def off(*days: date, name: str = "Company", **more: object) -> Holidays:
    made = Calendar(key="c", version=1, name=name, days=tuple(Day(day, "Founders' day") for day in days))
    return Holidays(**{"key": "h", "version": 1, "calendars": (made,), **more})


def ask(kind: Ask, start: datetime = NOON - 24 * HOUR, hours: int = 72, **more: object) -> Grant:
    span = Span(start, start + hours * HOUR)
    return Grant(**{"key": kind.value, "ask": kind, "span": span, "owner": "ana", "reason": "demo", **more})


def team(**more: object) -> Layer:
    return Layer(level=Level.TEAM, name="Vision", **more)


FREEZE = Freeze(key="f", start=NOON - HOUR, end=None, owner="ops", reason="incident")
EVERYTHING = Inputs(
    layers=(team(weekly=weekly(), holidays=off(date(2026, 11, 25)), exemptions=(ask(Ask.EXEMPTION),)),),
    keep_awake=(ask(Ask.KEEP_AWAKE),),
    forced_sleep=(ask(Ask.FORCED_SLEEP),),
    freezes=(FREEZE,),
)


def without(inputs: Inputs, *names: str) -> Inputs:
    layer = inputs.layers[0]
    empty: dict[str, object] = {"weekly": None, "holidays": None, "exemptions": ()}
    layer = replace(layer, **{name: empty[name] for name in names if name in empty})
    return replace(inputs, layers=(layer,), **{name: () for name in names if name not in empty})


def test_the_first_question_that_says_anything_decides_in_this_order() -> None:
    order = ["freezes", "keep_awake", "forced_sleep", "exemptions", "holidays", "weekly"]
    found = [decide(without(EVERYTHING, *order[:left]), at=NIGHT) for left in range(len(order) + 1)]
    assert [(one.step.value, one.asleep) for one in found] == [
        ("freeze", False),
        ("keep-awake", False),
        ("forced-sleep", True),
        ("exemption", False),
        ("holiday", True),
        ("weekly", True),
        ("awake", False),
    ]


def test_every_question_is_told_with_its_answer() -> None:
    found = decide(without(EVERYTHING, "freezes", "keep_awake", "forced_sleep", "exemptions", "holidays"), at=NIGHT)
    assert [(check.step.value, check.outcome) for check in found.checks] == [
        ("freeze", Outcome.NOTHING),
        ("keep-awake", Outcome.NOTHING),
        ("production", Outcome.NOTHING),
        ("forced-sleep", Outcome.NOTHING),
        ("exemption", Outcome.NOTHING),
        ("holiday", Outcome.NOTHING),
        ("weekly", Outcome.DECIDED),
        ("awake", Outcome.NOT_ASKED),
    ]
    assert found.words == "Wed 20:00 -> Thu 07:30 of Nights v2, inherited from team Vision"
    assert (found.source.level, found.source.version, found.start, found.end) == ("team", 2, NIGHT - 2 * HOUR, MORNING)


def test_a_window_of_ones_own_does_not_erase_the_holidays_of_the_company() -> None:
    own = Layer(level=Level.DEPLOYMENT, name="", weekly=weekly("Mon 01:00 -> Mon 02:00", name="Own"))
    cluster = Layer(level=Level.CLUSTER, name="main", weekly=weekly(), holidays=off(date(2026, 11, 25)))
    found = decide(Inputs(layers=(own, team(), cluster)), at=NIGHT)
    assert (found.step, found.source.level) == (Step.HOLIDAY, "cluster")


def test_the_nearest_layer_that_says_anything_of_a_kind_decides_it() -> None:
    awake = Layer(
        level=Level.DEPLOYMENT, name="", weekly=weekly(windows=()), holidays=Holidays(key="n", version=1, calendars=())
    )
    below = team(weekly=weekly(), holidays=off(date(2026, 11, 25)))
    assert decide(Inputs(layers=(awake, below)), at=NIGHT).step is Step.AWAKE
    assert decide(Inputs(layers=(below, awake)), at=NIGHT).asleep


def test_days_off_without_a_weekly_schedule_need_a_zone_of_their_own() -> None:
    unknown = decide(Inputs(layers=(team(holidays=off(date(2026, 11, 25))),)), at=NIGHT)
    known = decide(Inputs(layers=(team(holidays=off(date(2026, 11, 25), zone="UTC", target=1)),)), at=NIGHT)
    assert not unknown.asleep
    assert (known.asleep, known.target) == (True, 1)


def test_a_day_off_sleeps_at_the_replicas_of_the_weekly_schedule() -> None:
    made = Inputs(layers=(team(weekly=weekly(target=2), holidays=off(date(2026, 11, 25))),))
    assert [(one.asleep, one.target) for one in transitions(made, at=NOON - 24 * HOUR, count=3)] == [
        (True, 2),
        (False, None),
        (True, 2),
    ]


def test_an_exemption_or_keep_awake_ends_by_itself() -> None:
    made = Inputs(layers=(team(weekly=weekly()),), keep_awake=(ask(Ask.KEEP_AWAKE, NOON, hours=12),))
    found = transitions(made, at=NOON, count=1)
    assert [(one.at, one.hours) for one in found] == [(NOON + 12 * HOUR, 7.5)]


@pytest.mark.parametrize("more", [{"span": Span(NOON, NOON)}, {"reason": "  "}])
def test_a_request_needs_an_end_and_a_reason(more: dict[str, object]) -> None:
    with pytest.raises(BadSchedule):
        ask(Ask.EXEMPTION, **more)


def test_production_sleeps_only_where_it_is_allowed() -> None:
    made = replace(EVERYTHING, freezes=(), keep_awake=(), production=Production())
    allowed = replace(made, production=Production(allowed=True, allowed_by="max", reason="batch only"))
    assert decide(made, at=NIGHT).step is Step.PRODUCTION
    assert not decide(made, at=NIGHT, sleeping=ASLEEP).asleep
    assert decide(allowed, at=NIGHT).asleep


def test_a_freeze_lets_nothing_new_sleep_and_waking_goes_on() -> None:
    made = Inputs(layers=(team(weekly=weekly()),), freezes=(FREEZE,))
    assert not decide(made, at=NIGHT).asleep
    assert decide(made, at=NIGHT, sleeping=ASLEEP).asleep
    assert not decide(made, at=MORNING, sleeping=ASLEEP).asleep
    told = stretches(made, NIGHT, NIGHT + 8 * 24 * HOUR, sleeping=ASLEEP)
    assert [one.span for one in told if one.decision.asleep] == [Span(NIGHT, MORNING)]
    assert told[-1].decision.step is Step.FREEZE


@pytest.mark.parametrize(
    ("more", "step"),
    [
        ({"keep_awake": BROKEN}, Step.MISSING),
        ({"freezes": BROKEN}, Step.FREEZE),
        ({"layers": (team(exemptions=BROKEN), team(weekly=weekly()))}, Step.MISSING),
        ({"layers": (team(weekly=BROKEN), team(weekly=weekly()))}, Step.AWAKE),
        ({"layers": (team(holidays=off(date(2026, 11, 25)), weekly=BROKEN),)}, Step.AWAKE),
        ({"layers": (team(holidays=BROKEN),)}, Step.AWAKE),
        ({"forced_sleep": BROKEN, "layers": ()}, Step.AWAKE),
    ],
)
def test_what_cannot_be_read_puts_nothing_to_sleep(more: dict[str, object], step: Step) -> None:
    made = replace(Inputs(layers=(team(weekly=weekly()),)), **more)
    assert (decide(made, at=NIGHT).asleep, decide(made, at=NIGHT).step) == (False, step)
    kept, due = decide(made, at=NIGHT, sleeping=ASLEEP), decide(made, at=MORNING, sleeping=ASLEEP)
    assert (kept.asleep, due.asleep) == (True, False)


def test_a_calendar_that_cannot_be_read_leaves_the_weekly_windows_alone() -> None:
    made = Inputs(layers=(team(holidays=BROKEN, weekly=weekly()),))
    assert decide(made, at=NIGHT).step is Step.WEEKLY
    assert not decide(made, at=NOON).asleep


def test_keep_awake_wakes_even_when_the_schedule_cannot_be_read() -> None:
    made = Inputs(layers=(team(weekly=BROKEN),), keep_awake=(ask(Ask.KEEP_AWAKE),))
    assert decide(made, at=NIGHT, sleeping=ASLEEP).step is Step.KEEP_AWAKE


def test_a_stored_decision_comes_back_equal_from_json() -> None:
    for left in range(6):
        order = ["freezes", "keep_awake", "forced_sleep", "exemptions", "holidays", "weekly"]
        found = decide(without(EVERYTHING, *order[:left]), at=NIGHT)
        assert history.from_json(json.loads(json.dumps(history.to_json(found)))) == found


def test_why_at_any_instant_is_the_last_decision_stored_before_it() -> None:
    made = Inputs(layers=(team(weekly=weekly()),))
    stored: list[Stored] = []
    last: Decision | None = None
    for passed in range(0, 48 * 60, 7):
        now = decide(made, at=NOON + timedelta(minutes=passed))
        if history.must_store(last, now):
            stored.append(Stored(at=NOON + timedelta(minutes=passed), decision=now))
            last = now
    assert [one.decision.asleep for one in stored] == [False, True, False]
    assert history.why(stored, NOON - HOUR) is None
    assert history.why(stored, NIGHT).decision.words.startswith("Wed 20:00 -> Thu 07:30")
    assert not history.why(stored, MORNING + HOUR).decision.asleep
