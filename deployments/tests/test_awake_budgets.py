"""Keep-awakes, schedules and exemptions held against budgets, and what keeping awake costs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine

from baristaweb.lib.clock import now
from deployments.actions import awake, sleep_layers, sleep_schedules
from deployments.actions.errors import OverBudget
from deployments.audit import Actor
from deployments.models import (
    AuditEvent,
    Deployment,
    HolidayCalendar,
    KeepAwake,
    SleepFreeze,
    SleepGrant,
    SleepHolidays,
    SleepSchedule,
    User,
)
from deployments.queries import awake_price
from deployments.queries import budgets as queries
from deployments.queries.sleep_layers import said
from deployments.tests import factories
from deployments.tests.fixtures import People, Places

pytestmark = pytest.mark.django_db
HOUR = Decimal("0.025")  # one pod of cpu-small at the test prices
MIDDLE = datetime(2026, 11, 16, 12, tzinfo=UTC)  # a Monday; 348 h of November are left, 164 of them at night
NIGHTS = "\n".join(f"{day} 20:00 -> {day} 24:00" for day in ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"))


@pytest.fixture(autouse=True)
def middle() -> Any:
    with time_machine.travel(MIDDLE, tick=False) as traveller:
        yield traveller


@pytest.fixture
def deployment(people: People, places: Places) -> Deployment:
    """One pod, which sleeps four hours each evening by the schedule of its team."""
    factories.make_price_list(places.dev.cluster, effective_at=MIDDLE - timedelta(days=400))
    row = factories.make_deployment(author=people.editor, namespace=places.dev, name="ranker")
    sleep_schedules.save(row=SleepSchedule(team=people.team, zone="UTC", windows=NIGHTS), by=factories.BY)
    return Deployment.objects.related().get(pk=row.pk)


def keep(deployment: Deployment, by: User, *, hours: float = 24, note: str = "load test") -> KeepAwake:
    until = now() + timedelta(hours=hours)
    return awake.keep_awake(deployment=deployment, by=Actor.as_user(by), until=until, note=note)


def price_of(deployment: Deployment, hours: float) -> awake_price.AwakePrice:
    hour = awake_price.hour_of(deployment, at=now())
    until = now() + timedelta(hours=hours)
    return awake_price.price(deployment, said(at=now()), hour, at=now(), until=until)


def heading(**scope: Any) -> Decimal:
    found = queries.headings(queries.Budget.objects.filter(**scope), at=now())
    ((_, forecast),) = found.values()
    return forecast.value


def test_a_keep_awake_costs_the_sleep_that_it_gives_up(deployment: Deployment) -> None:
    found = price_of(deployment, 24 + 9)
    assert (found.hours, found.amount.value) == (Decimal(5), 5 * HOUR)
    assert found.words == "about 0.12 USD for 5.0 h that it would sleep (estimate)"


def test_hours_in_which_it_would_not_sleep_cost_nothing(deployment: Deployment) -> None:
    assert price_of(deployment, 2).words == "nothing: it would not sleep in that time"


def test_a_keep_awake_raises_the_forecast_by_its_price(people: People, deployment: Deployment) -> None:
    factories.make_budget(team=people.team, soft=1)
    before = heading(team=people.team)
    keep(deployment, people.editor)
    assert heading(team=people.team) - before == price_of(deployment, 24).amount.value == 4 * HOUR


def test_an_editor_cannot_keep_awake_over_a_hard_limit(people: People, deployment: Deployment) -> None:
    budget = factories.make_budget(team=people.team, soft=0, hard=10_000)
    budget.hard = heading(team=people.team)
    budget.save()
    keep(deployment, people.editor, hours=2)
    with pytest.raises(OverBudget, match="A maintainer has to give the reason"):
        keep(deployment, people.editor)
    assert KeepAwake.objects.count() == 1
    keep(deployment, people.maintainer, note="Black Friday")
    crossed, kept = list(AuditEvent.objects.order_by("-seq")[:2])[::-1]
    assert (crossed.kind, crossed.note, crossed.facts["deployment"]) == ("budget.crossed", "Black Friday", "ranker")
    assert (kept.kind, kept.facts["cost"]) == ("deployment.kept_awake", price_of(deployment, 24).words)
    assert kept.facts["budgets"][0]["reason"] == "Black Friday"


def test_an_unknown_price_needs_the_same_reason(people: People, places: Places, deployment: Deployment) -> None:
    factories.make_profile("gpu", gpu_count=1, gpu_type="nvidia-l4")
    spec = factories.make_spec(profile="gpu")
    row = factories.make_deployment(author=people.editor, namespace=places.dev, name="vision", spec=spec)
    factories.make_budget(team=people.team, hard=10_000)
    row = Deployment.objects.related().get(pk=row.pk)
    with pytest.raises(OverBudget):
        keep(row, people.editor)
    keep(row, people.editor, hours=2)
    keep(row, people.maintainer)
    assert AuditEvent.objects.filter(kind="budget.crossed").count() == 1


def test_waking_by_hand_takes_a_maintainers_own_words(people: People, deployment: Deployment, middle: Any) -> None:
    middle.move_to(MIDDLE.replace(hour=21))
    factories.put_to_sleep(deployment, due_at=MIDDLE.replace(hour=0) + timedelta(days=1))
    factories.make_budget(team=people.team, hard=0)
    by = Actor.as_user(people.maintainer)
    with pytest.raises(OverBudget, match="Say why"):
        awake.wake_now(deployment=deployment, by=by, note="woken by a client")
    awake.wake_now(deployment=deployment, by=by, note="", over_budget="the demo is tonight")
    assert AuditEvent.objects.get(kind="budget.crossed").note == "the demo is tonight"


def test_sleeping_less_by_a_schedule_is_held_to_the_budget(people: People, deployment: Deployment) -> None:
    row = SleepSchedule.objects.get(team=people.team)
    budget = factories.make_budget(team=people.team, hard=10_000)
    budget.hard = heading(team=people.team)
    budget.save()
    by = Actor.as_user(people.maintainer)
    with pytest.raises(OverBudget, match="Say why"):
        sleep_schedules.remove(row=row, by=by)
    assert SleepSchedule.objects.filter(pk=row.pk).exists()
    row.windows = NIGHTS.replace("20:00", "22:00")
    with pytest.raises(OverBudget):
        sleep_schedules.save(row=row, by=by)
    row.windows = NIGHTS.replace("20:00", "18:00")
    sleep_schedules.save(row=row, by=by)
    sleep_schedules.remove(row=row, by=by, note="a launch")
    crossed = AuditEvent.objects.get(kind="budget.crossed")
    assert crossed.facts["deployment"].startswith("the sleep of team")


def test_an_exemption_is_held_to_the_budget(people: People, deployment: Deployment) -> None:
    factories.make_budget(team=people.team, hard=0)
    row = SleepGrant(ask="exemption", team=people.team, since=now(), until=now() + timedelta(days=3), reason="a launch")
    with pytest.raises(OverBudget, match="A maintainer"):
        sleep_layers.grant(row=row, by=Actor.as_user(people.editor))
    before = heading(team=people.team)
    sleep_layers.grant(row=row, by=Actor.as_user(people.maintainer))
    assert heading(team=people.team) - before == 3 * 4 * HOUR


def test_a_forced_sleep_lowers_the_forecast(people: People, deployment: Deployment) -> None:
    factories.make_budget(team=people.team, hard=0)
    before = heading(team=people.team)
    row = SleepGrant(ask="forced-sleep", deployment=deployment, since=now(), until=now() + timedelta(hours=6))
    sleep_layers.grant(row=row, by=Actor.as_user(people.maintainer), note="nobody uses it")
    assert before - heading(team=people.team) == 6 * HOUR


def test_a_freeze_is_never_refused_for_money_and_is_counted(people: People, deployment: Deployment) -> None:
    factories.make_budget(team=people.team, hard=0)
    before = heading(team=people.team)
    row = SleepFreeze(
        cluster=deployment.namespace.cluster, since=now(), until=now() + timedelta(days=2), reason="an incident"
    )
    sleep_layers.freeze(row=row, by=Actor.as_user(people.maintainer))
    assert heading(team=people.team) - before == 2 * 4 * HOUR
    assert not AuditEvent.objects.filter(kind="budget.crossed").exists()


def test_days_off_that_go_are_counted_and_not_refused(people: People, deployment: Deployment) -> None:
    sleep_layers.save_calendar(row=HolidayCalendar(key="office", name="Office", days="2026-11-18"), by=factories.BY)
    kept = SleepHolidays(team=people.team, calendars="office", zone="UTC")
    sleep_layers.save_holidays(row=kept, by=factories.BY)
    factories.make_budget(team=people.team, hard=0)
    before = heading(team=people.team)
    kept.calendars = ""
    sleep_layers.save_holidays(row=kept, by=factories.BY)
    assert heading(team=people.team) - before == 20 * HOUR, "the day without its four hours of night"
