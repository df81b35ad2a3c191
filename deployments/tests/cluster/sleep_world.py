"""A world that sleeps: deployments on the real control plane, an injected clock that jumps from event to event and
stands while the plane settles, and people and machines that interfere. It knows by its own arithmetic what should be.
"""

from __future__ import annotations

import heapq
import random
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import F, Sum

from baristaweb.lib import clock
from deployments import reconcile
from deployments.actions import awake, sleep, sleep_layers, sleep_ledger, sleep_schedules
from deployments.actions.errors import Refused
from deployments.audit import Actor
from deployments.domain.sleep.plan.cases import Do
from deployments.domain.spec.parts import Fixed
from deployments.domain.status.states import ClusterView
from deployments.models import Deployment, Namespace, SleepEntry, SleepGrant, SleepSchedule, User
from deployments.observe import rows
from deployments.queries import sleep as queries
from deployments.tests import factories
from deployments.tests.cluster.conftest import Eyes, wait_until

BY = Actor.system("proof")
WEEK, MINUTE, SETTLES = 7 * 1440, timedelta(minutes=1), timedelta(seconds=11)
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
LEAD = 10
ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kolkata", "UTC")
NIGHTS = (
    "Mon 20:00 -> Tue 07:30\nTue 20:00 -> Wed 07:30\nThu 20:00 -> Fri 07:30\nFri 20:00 -> Mon 07:30",
    "Mon 22:00 -> Tue 06:00\nWed 22:00 -> Thu 06:00\nFri 19:00 -> Mon 08:00",
    "Tue 18:00 -> Tue 23:00\nSat 00:00 -> Sun 24:00",
)
# What ends the time in which a sleep counts as released.
_ENDS = frozenset({Do.START_WAKE, Do.HOLD, Do.FLIP, Do.CONFLICT, Do.SLEEP_ON, Do.RELEASE_HOLD, Do.CLOSE_RECORD})


class Clock:
    """Stands in for `datetime` where the product asks what time it is."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self, zone: Any = UTC) -> datetime:
        return self.at.astimezone(zone)


@contextmanager
def injected(at: datetime) -> Iterator[Clock]:
    made, real = Clock(at), clock.datetime
    clock.datetime = made  # type: ignore[assignment, misc]
    try:
        yield made
    finally:
        clock.datetime = real  # type: ignore[misc]


def in_windows(text: str, zone: str, at: datetime) -> bool:
    """By the minutes of a week on the wall: shares nothing with the engine."""
    local = at.astimezone(ZoneInfo(zone))
    minute = local.weekday() * 1440 + local.hour * 60 + local.minute
    for line in text.splitlines():
        start, end = (_minute(edge) for edge in line.split(" -> "))
        length = (end - start) % WEEK or WEEK
        if (minute - start) % WEEK < length:
            return True
    return False


def _minute(edge: str) -> int:
    day, time = edge.split()
    hour, minute = time.split(":")
    return DAYS.index(day) * 1440 + int(hour) * 60 + int(minute)


def _is_settled(live: dict[str, Any], wanted: int | None) -> bool:
    spec, status = live["spec"]["replicas"], live.get("status", {})
    is_seen = live["metadata"]["generation"] == status.get("observedGeneration")
    counts = (status.get("replicas", 0), status.get("readyReplicas", 0), status.get("updatedReplicas", 0))
    return bool(is_seen and counts == (spec, spec, spec) and (wanted is None or spec == wanted))


def _entered() -> dict[int, int]:
    """Slot seconds of the ledger by deployment."""
    rows_of = SleepEntry.objects.filter(kind="released").order_by().values_list("deployment")
    return {pk: int(seconds) for pk, seconds in rows_of.annotate(seconds=Sum("released_seconds"))}


@dataclass
class Known:
    """What the world knows of one deployment: all it was told, and what it saw it do."""

    row: Deployment
    is_prod: bool
    schedules: list[tuple[datetime, str, str]] = field(default_factory=list)
    kept: list[tuple[datetime, datetime]] = field(default_factory=list)
    forced: list[tuple[datetime, datetime]] = field(default_factory=list)
    running: int = 1
    asleep_since: tuple[datetime, int] | None = None
    released: int = 0
    ready_at: datetime | None = None
    held: bool = False

    def should_sleep(self, at: datetime) -> bool:
        """Keep-awake before forced sleep before the weekly windows; production never."""
        if any(since <= at < until for since, until in self.kept) or self.is_prod:
            return False
        if any(since <= at < until for since, until in self.forced):
            return True
        told = [(windows, zone) for since, windows, zone in self.schedules if since <= at]
        return bool(told) and in_windows(*told[-1], at)


class World:
    """`run` returns what was wrong, line by line; nothing when all held. It ends with the first event after which
    anything is wrong: what comes then is only more of it."""

    def __init__(
        self, *, eyes: dict[str, Eyes], places: list[Namespace], author: User, seed: int, count_of: int
    ) -> None:
        self.random = random.Random(seed)
        self.eyes, self.places, self.author, self.count = eyes, places, author, count_of
        self.known: dict[int, Known] = {}
        self.wrong: list[str] = []
        self.done: dict[str, int] = defaultdict(int)
        self._events: list[tuple[datetime, int, Callable[[], None]]] = []
        self._order = count()

    def run(self, *, start: datetime, days: int) -> list[str]:
        with injected(start) as self.clock:
            self._make()
            end = start + timedelta(days=days)
            self._plan(start, end)
            while self._events and self._events[0][0] < end:
                at = self._events[0][0]
                self.clock.at = max(at, self.clock.at)
                while self._events and self._events[0][0] <= self.clock.at:
                    heapq.heappop(self._events)[2]()
                self._settle()
                self._check()
                if self.wrong:
                    return self.wrong
            self.clock.at = end
            self._close()
        return self.wrong

    # Making

    def _make(self) -> None:
        for number in range(self.count):
            place = self.places[1] if number % 5 == 4 else self.places[0]
            spec = factories.make_spec(replicas=Fixed(1 + number % 2))
            row = factories.make_deployment(author=self.author, namespace=place, spec=spec, name=f"model-{number}")
            known = Known(row=row, is_prod=place.environment == "prod", running=1 + number % 2)
            self.known[row.pk] = known
            if not known.is_prod:
                self._schedule(row.pk, self.random.choice(NIGHTS), self.random.choice(ZONES))
        prod = SleepSchedule(environment="prod", zone="UTC", windows="Mon 00:00 -> Sun 24:00")
        sleep_schedules.save(row=prod, by=BY)
        self._apply_all()
        # What was just applied may not be what is seen yet: nothing falls asleep before.
        self.clock.at += SETTLES

    def _schedule(self, pk: int, windows: str, zone: str) -> None:
        row = SleepSchedule.objects.filter(deployment=pk).first() or SleepSchedule(deployment=self.known[pk].row)
        row.windows, row.zone, row.lead_minutes = windows, zone, LEAD
        sleep_schedules.save(row=row, by=BY)
        self.known[pk].schedules.append((self.clock.at, windows, zone))

    # Events

    def _at(self, at: datetime, event: Callable[[], None]) -> None:
        heapq.heappush(self._events, (at, next(self._order), event))

    def _plan(self, start: datetime, end: datetime) -> None:
        """Every edge of every schedule in every zone, an early start before each, and a few events a day."""
        self._at(start, lambda: None)
        at = start.replace(minute=0, second=0, microsecond=0)
        while at < end:
            at += timedelta(minutes=30)
            for windows in NIGHTS:
                for zone in ZONES:
                    if in_windows(windows, zone, at) != in_windows(windows, zone, at - MINUTE):
                        self._at(at, lambda: None)
                        self._at(at - timedelta(minutes=LEAD), lambda: None)
        for _ in range(max(1, (end - start).days) * max(2, self.count // 5)):
            moment = start + timedelta(seconds=self.random.randrange(int((end - start).total_seconds())))
            kinds = (self._keep_awake, self._force, self._edit, self._scale, self._reschedule, self._wake_now)
            self._at(moment, self._on_one(self.random.choice(kinds)))

    def _on_one(self, event: Callable[[int], None]) -> Callable[[], None]:
        def happen() -> None:
            pk = self.random.choice([pk for pk, known in self.known.items() if not known.is_prod])
            try:
                event(pk)
                self.done[event.__name__.strip("_")] += 1
            except Refused:
                self.done["refused"] += 1

        return happen

    def _keep_awake(self, pk: int) -> None:
        until = self.clock.at + timedelta(minutes=self.random.randrange(30, 600))
        kept = awake.keep_awake(deployment=self.known[pk].row, by=BY, until=until, note="proof")
        self._woken(pk)
        self.known[pk].kept.append((kept.since, kept.until))
        self._at(until, lambda: None)

    def _wake_now(self, pk: int) -> None:
        kept = awake.wake_now(deployment=self.known[pk].row, by=BY, note="proof")
        self._woken(pk)
        self.known[pk].kept.append((kept.since, kept.until))
        self._at(kept.until, lambda: None)

    def _force(self, pk: int) -> None:
        until = self.clock.at + timedelta(minutes=self.random.randrange(60, 400))
        row = SleepGrant(ask="forced-sleep", deployment=self.known[pk].row, since=self.clock.at, until=until)
        sleep_layers.grant(row=row, by=BY, note="proof")
        self.known[pk].forced.append((row.since, until))
        for at in (until - timedelta(minutes=LEAD), until):
            self._at(at, lambda: None)

    def _edit(self, pk: int) -> None:
        replicas = self.random.choice((1, 2))
        spec = factories.make_spec(replicas=Fixed(replicas), model_version=str(self.random.randrange(1000)))
        factories.apply(factories.edit(self.known[pk].row, author=self.author, spec=spec), by=self.author)

    def _scale(self, pk: int) -> None:
        """Somebody with kubectl, while it sleeps."""
        row = Deployment.objects.related().get(pk=pk)
        if row.open_sleep is None or row.open_sleep.reached_at is None or row.open_sleep.is_waking:
            raise Refused("only while it sleeps")
        self.eyes[row.namespace.name].scale(row.name, 1)
        self.known[pk].held = True
        self._look([pk], wanted=1)
        reconcile.one(pk)

    def _reschedule(self, pk: int) -> None:
        self._schedule(pk, self.random.choice(NIGHTS), self.random.choice(ZONES))

    def _woken(self, pk: int) -> None:
        self._end_of_sleep(pk, self.clock.at)

    # The plane

    def _settle(self) -> None:
        for _ in range(12):
            done = sleep.step_all(at=self.clock.at)
            for pk, did in done:
                self._noted(pk, did)
            if not self._apply_all() and not done:
                break
            self.clock.at += SETTLES
        ready = [
            pk for pk, known in self.known.items() if known.ready_at is not None and known.ready_at <= self.clock.at
        ]
        for pk in ready:
            self.known[pk].ready_at = None
        self._look(ready)

    def _noted(self, pk: int, did: Do) -> None:
        known = self.known[pk]
        self.done[did.value] += 1
        if did is Do.OPEN_RECORD:
            known.running = Deployment.objects.get(pk=pk).sleep.saved_replicas  # type: ignore[union-attr]
        if did is Do.REACHED and known.asleep_since is None:
            known.asleep_since = (self.clock.at, known.running)
        if did in _ENDS:
            self._end_of_sleep(pk, self.clock.at)
        if did is Do.START_WAKE:
            known.held = False
            # How long its model takes to load.
            known.ready_at = self.clock.at + timedelta(seconds=self.random.randrange(5, 500))
            self._at(known.ready_at, lambda: None)

    def _end_of_sleep(self, pk: int, at: datetime) -> None:
        known = self.known[pk]
        if known.asleep_since is not None:
            since, slots = known.asleep_since
            known.released += slots * (int(at.timestamp()) - int(since.timestamp()))
            known.asleep_since = None

    def _apply_all(self) -> bool:
        """Workers do what is not done; one in twenty dies, and its row is found again."""
        behind = Deployment.objects.exclude(state__observed_generation=F("generation")).values_list("pk", flat=True)
        touched = [pk for pk in behind if pk in self.known]
        ran = []
        for pk in touched:
            if self.random.random() < 0.05:
                # Before it had done anything: the row is due all the same.
                self.done["worker killed"] += 1
                continue
            reconcile.one(pk)
            ran.append(pk)
        self._look([pk for pk in ran if self.known[pk].ready_at is None])
        return bool(touched)

    def _live(self) -> dict[tuple[str, str], dict[str, Any]]:
        """All Deployments there are, by namespace and name: one list of each namespace."""
        return {
            (name, live["metadata"]["name"]): live
            for name, eyes in self.eyes.items()
            for live in eyes.list("Deployment")
        }

    def _look(self, pks: Collection[int], *, wanted: int | None = None) -> None:
        """What the watch would write once the plane has settled; all of them are waited for together."""
        places = {pk: (self.known[pk].row.namespace.name, self.known[pk].row.name) for pk in pks}
        seen: dict[tuple[str, str], dict[str, Any]] = {}

        def settled() -> bool:
            seen.update(self._live())
            return all(place in seen and _is_settled(seen[place], wanted) for place in places.values())

        if places:
            wait_until(settled, seconds=60, what=f"{sorted(name for _, name in places.values())} to settle")
            views = [(pk, ClusterView(deployment=seen[place])) for pk, place in places.items()]
            rows.write([rows.Seen(pk, view, self.clock.at) for pk, view in views])

    # Checking

    def _check(self) -> None:
        at, live = self.clock.at, self._live()
        rows_now = Deployment.objects.related().in_bulk(list(self.known))
        decisions, entered = queries.last_decisions_of(self.known), _entered()
        for pk, known in self.known.items():
            row = rows_now[pk]
            found = live.get((row.namespace.name, row.name))
            self._check_one(row, known, found["spec"]["replicas"] if found else None, at)
            told, wants = decisions.get(pk), known.should_sleep(at)
            if known.schedules and (told is None or told.asleep != wants):
                self.wrong.append(f"{at}: {row.name} is explained as {told.words if told else 'nothing'!r}: wrong")
            if known.asleep_since is None and entered.get(pk, 0) != known.released:
                self.wrong.append(
                    f"{at}: {row.name}: {entered.get(pk, 0)} slot seconds are entered, {known.released} were released"
                )

    def _check_one(self, row: Deployment, known: Known, replicas: int | None, at: datetime) -> None:
        record, wants = row.open_sleep, known.should_sleep(at)
        if known.is_prod and record is not None:
            self.wrong.append(f"{at}: production {row.name} sleeps")
        if not wants and record is not None and not record.is_waking:
            self.wrong.append(f"{at}: {row.name} missed its wake")
        if not wants and record is None and not replicas:
            self.wrong.append(f"{at}: {row.name} is awake and has {replicas} replicas")
        is_soon = wants and not known.should_sleep(at + timedelta(minutes=LEAD + 2))
        if wants and record is None and not is_soon and not self._just_woken(row, at):
            self.wrong.append(f"{at}: {row.name} should sleep and does not")
        if wants and record is not None and not record.is_waking and not known.held and replicas:
            self.wrong.append(f"{at}: {row.name} sleeps with {replicas} replicas")

    def _just_woken(self, row: Deployment, at: datetime) -> bool:
        """It woke early for a time that has come, or is not settled yet."""
        return row.sleep is not None and row.sleep.closed_at is not None and at - row.sleep.closed_at < 15 * MINUTE

    def _close(self) -> None:
        """Schedules go; what is stored must explain every instant, and every second must be counted once."""
        end = self.clock.at
        for schedule in SleepSchedule.objects.exclude(deployment=None):
            sleep_schedules.remove(row=schedule, by=BY)
        sleep_ledger.accrue(at=end)
        entered = _entered()
        for pk, known in self.known.items():
            self._end_of_sleep(pk, end)
            if entered.get(pk, 0) != known.released:
                self.wrong.append(
                    f"{known.row.name}: {entered.get(pk, 0)} slot seconds are entered, {known.released} were released"
                )
            for _ in range(50):
                self._explained(pk, known)

    def _explained(self, pk: int, known: Known) -> None:
        first = known.schedules[0][0] if known.schedules else None
        if first is None:
            return
        seconds = int((self.clock.at - first).total_seconds())
        at = first + timedelta(seconds=self.random.randrange(120, max(121, seconds)))
        if known.should_sleep(at) != known.should_sleep(at - 2 * MINUTE):
            return
        found = queries.decided_at(known.row, at)
        if found is None:
            self.wrong.append(f"{at}: nothing says why {known.row.name} slept or not")
        elif found.to_decision().asleep != known.should_sleep(at):
            self.wrong.append(f"{at}: {known.row.name} is explained as {found.to_decision().words!r}, which is wrong")
