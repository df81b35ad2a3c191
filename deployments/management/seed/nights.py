"""Nights of the demo: schedules in two zones, a holiday, thirty days of ledger, a keep-awake and a wake that failed.

The ledger is made by the product's own engine on an injected clock. Its rows say that they are a demo, and refer to
decisions as they would have been stored, never to events of the audit log.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from baristaweb.lib.clock import now
from deployments import audit
from deployments.actions import awake, sleep_layers, sleep_ledger, sleep_records, sleep_schedules
from deployments.actions.deployments import change_intent, lock
from deployments.domain.sleep.plan import ledger
from deployments.domain.sleep.plan.cases import Record
from deployments.domain.sleep.plan.ledger import Sleep, Slots
from deployments.domain.sleep.schedule import coming, history
from deployments.domain.sleep.schedule.given_up import given_up
from deployments.domain.sleep.schedule.layers import Ask, Grant, Inputs
from deployments.domain.sleep.schedule.windows import Span
from deployments.management.seed import making
from deployments.models import (
    Cluster,
    Deployment,
    HolidayCalendar,
    KeepAwake,
    SleepDecision,
    SleepEntry,
    SleepGrant,
    SleepHolidays,
    SleepSchedule,
    Team,
)
from deployments.queries import sleep as queries
from deployments.queries.sleep_layers import said
from deployments.queries.sleep_prices import slot_prices

DAYS: Final = 30
NIGHTS: Final = (("Mon", "Tue"), ("Tue", "Wed"), ("Wed", "Thu"), ("Thu", "Fri"), ("Fri", "Mon"))
WEEK: Final = "\n".join(f"{day} {{start}} -> {after} {{end}}" for day, after in NIGHTS)
ZONES: Final = (
    ("recommendations", "Europe/Berlin", "20:00", "08:00"),
    ("search", "America/New_York", "20:00", "07:30"),
)
WHY: Final = "Nobody uses it at night"


def begin(demo: Cluster) -> None:
    """What holds from the start; each once."""
    by = making.actor("platform")
    if not HolidayCalendar.objects.exists():
        days = f"{_next_thursday():%Y-%m-%d} Office closed"
        calendar = HolidayCalendar(key="us-office", name="US office", country="US", days=days)
        sleep_layers.save_calendar(row=calendar, by=by, note="Public holidays and days of the company")
        for environment in ("dev", "staging"):
            layer = SleepHolidays(environment=environment, calendars="us-office", zone="America/New_York")
            sleep_layers.save_holidays(row=layer, by=by, note="Nobody works then")
    for slug, zone, start, end in ZONES:
        team = Team.objects.get(slug=slug)
        if not SleepSchedule.objects.filter(team=team).exists():
            windows = WEEK.format(start=start, end=end)
            sleep_schedules.save(row=SleepSchedule(team=team, zone=zone, windows=windows), by=by, note=WHY)
    crashing = Deployment.objects.filter(namespace__cluster=demo, slug="demo.recs-staging.home-feed-ranker").first()
    if crashing is not None and not SleepGrant.objects.exists():
        grant = SleepGrant(ask=Ask.EXEMPTION.value, deployment=crashing, until=now() + timedelta(days=5))
        sleep_layers.grant(row=grant, by=making.actor("editor"), note="Debugging the release candidate all week")
    if not SleepEntry.objects.exists():
        for row in _sleepers(demo):
            _past(row, at=now())


def _next_thursday() -> datetime:
    at = now() + timedelta(days=1)
    return at + timedelta(days=(3 - at.weekday()) % 7)


def _sleepers(demo: Cluster) -> list[Deployment]:
    teams = [row[0] for row in ZONES]
    rows = Deployment.objects.related().filter(namespace__cluster=demo, namespace__team__slug__in=teams)
    return list(rows.exclude(namespace__environment="prod").filter(current__isnull=False))


@transaction.atomic
def _past(row: Deployment, *, at: datetime) -> None:
    """The last thirty days of one deployment, as its schedule would have had them."""
    start = (at - timedelta(days=DAYS)).replace(minute=0, second=0, microsecond=0)
    layers = queries.inputs_of(row, said(at=at), ()).layers
    plain = tuple(replace(layer, exemptions=()) for layer in layers)
    inputs = Inputs(layers=plain, keep_awake=_kept_once(row, start))
    for one in coming.stretches(inputs, start, at):
        decision = one.decision
        stored = SleepDecision.objects.create(deployment=row, at=one.span.start, decision=history.to_json(decision))
        if decision.asleep:
            # A minute until its pods are gone, and ten for the early start.
            span = Span(one.span.start + timedelta(minutes=1), one.span.end - timedelta(minutes=10))
            _enter(row, span, SleepEntry.Kind.RELEASED, decision.words, decision=stored)
    for lost in given_up(inputs, start, at):
        _enter(row, lost.span, SleepEntry.Kind.GIVEN_UP, lost.words)


def _kept_once(row: Deployment, start: datetime) -> tuple[Grant, ...]:
    """One evening of load tests in the month, on every third deployment."""
    if row.pk % 3:
        return ()
    evening = (start + timedelta(days=9)).replace(hour=18)
    span = Span(evening, evening + timedelta(hours=16))
    return (Grant(key="demo", ask=Ask.KEEP_AWAKE, span=span, owner="Eli Novak", reason="load test over night"),)


def _enter(row: Deployment, span: Span, kind: str, words: str, *, decision: SleepDecision | None = None) -> None:
    if row.current is None or span.start >= span.end:
        return
    count = row.current.to_spec().min_replicas
    # The first list of the demo is younger than the nights that are counted by it.
    prices = slot_prices(row, row.current, now(), now() + timedelta(seconds=1))
    since = [replace(price, start=span.start) for price in prices.prices[:1]]
    of = f"demo-{row.pk}-{int(span.start.timestamp())}"
    sleeps, slots = [Sleep(key=of, span=span)], [Slots(span.start, count)]
    entries = ledger.split(within=span, slots=slots, sleeps=sleeps, prices=since)
    sleep_ledger.enter(row, entries, prices, of=of, kind=kind, words=words)
    SleepEntry.objects.filter(of=of).update(is_demo=True, decision=decision)


def finish(demo: Cluster) -> None:
    """What needs the cluster: somebody keeps one awake for a little while, and one did not wake; each once."""
    kept = Deployment.objects.filter(namespace__cluster=demo, slug="demo.recs-dev.gift-finder").first()
    if kept is not None and not KeepAwake.objects.exists():
        until = now() + timedelta(minutes=40)
        awake.keep_awake(deployment=kept, by=making.actor("editor"), until=until, note="Showing it to the gifts team")
    stuck = Deployment.objects.filter(namespace__cluster=demo, slug="demo.vision-dev.visual-search").first()
    if stuck is not None and stuck.sleep_id is None and not stuck.is_retired:
        _did_not_wake(stuck)


@transaction.atomic
def _did_not_wake(deployment: Deployment) -> None:
    """It fell asleep last night and should be ready since half an hour, but no node has the GPU that it asks for."""
    row, at = lock(deployment), now()
    if row.current is None or row.is_paused:
        return
    count = row.current.to_spec().min_replicas
    opened, due = at - timedelta(hours=11), at - timedelta(minutes=35)
    record = Record(
        opened_at=opened,
        due_at=due,
        target=0,
        saved_replicas=count,
        saved_minimum=None,
        spec_replicas=count,
    )
    sleep_records.fall_asleep(row, record, words="Put to sleep for the night by the demo")
    if row.sleep is None:
        return
    row.sleep.reached_at = None
    started = due - timedelta(minutes=10)
    words = "its sleep ends"
    sleep_records.start_wake(row, row.sleep, at=started, due_at=due, words=words)
    change_intent(row, by=sleep_records.RELAY, what="wake", fields=())
    facts = sleep_records.facts_of(row.sleep)
    audit.record("deployment.woken", row, by=sleep_records.RELAY, note=words, facts=facts)
