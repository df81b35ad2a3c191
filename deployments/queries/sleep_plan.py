"""Tonight and this morning: who sleeps, who is kept awake and why, what that releases, and how the last wakes went."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from django.db.models import Q

from deployments.domain.catalogue import Environment
from deployments.domain.cost.amounts import Amount, Total, total
from deployments.domain.sleep.plan import slots
from deployments.domain.sleep.schedule import coming
from deployments.domain.sleep.schedule.coming import Stretch
from deployments.domain.sleep.schedule.decisions import Step
from deployments.domain.sleep.schedule.given_up import given_up
from deployments.domain.sleep.schedule.layers import Inputs, OpenSleep
from deployments.domain.sleep.schedule.windows import Span
from deployments.models import Deployment, KeepAwake, SleepRecord, User
from deployments.queries import fleet_costs
from deployments.queries import sleep as sleeps
from deployments.queries.sleep_layers import Said, said

BEFORE: Final = timedelta(hours=2)
AHEAD: Final = timedelta(hours=16)
MORNING: Final = timedelta(hours=16)


class Fate(StrEnum):
    """What the night brings for one deployment."""

    ASLEEP = "asleep"
    SLEEPS = "sleeps"
    KEPT = "kept awake"
    EXEMPT = "exempt"
    FROZEN = "frozen"
    HELD = "held"
    AWAKE = "awake"

    @property
    def is_asleep(self) -> bool:
        return self in (Fate.ASLEEP, Fate.SLEEPS)


# What was worked out for one deployment holds for all with the same inputs.
Memo = dict[tuple[Inputs, OpenSleep | None], tuple[Stretch, ...]]


@dataclass(frozen=True, kw_only=True)
class Night:
    """One row of the plan. `amount`: what `span` releases, or would without what keeps it awake; an estimate."""

    deployment: Deployment
    fate: Fate
    words: str
    span: Span | None
    stretches: tuple[Stretch, ...]
    slots: int
    amount: Amount

    @property
    def hours(self) -> float | None:
        return self.span.hours if self.span else None


@dataclass(frozen=True, kw_only=True)
class Morning:
    """One wake of the last hours. `took_seconds` None: it is not ready yet."""

    record: SleepRecord
    deployment: Deployment

    @property
    def took_seconds(self) -> float | None:
        started, closed = self.record.wake_started_at, self.record.closed_at
        return (closed - started).total_seconds() if started and closed else None

    @property
    def late_seconds(self) -> float | None:
        """After the due time; negative: early. None: not ready yet."""
        due, closed = self.record.wake_due_at, self.record.closed_at
        return (closed - due).total_seconds() if due and closed else None

    @property
    def is_late(self) -> bool:
        return self.record.wake_failed_at is not None or (self.late_seconds or 0) > 60


@dataclass(frozen=True, kw_only=True)
class Tonight:
    """The whole of it for those whom a person sees."""

    span: Span
    nights: tuple[Night, ...]
    mornings: tuple[Morning, ...]
    zone: str
    zones: int

    def of(self, *fates: Fate) -> list[Night]:
        return [night for night in self.nights if night.fate in fates]

    @property
    def asleep(self) -> list[Night]:
        return self.of(Fate.ASLEEP, Fate.SLEEPS)

    @property
    def released(self) -> Total:
        return total(night.amount for night in self.asleep)

    @property
    def not_released(self) -> Total:
        return total(night.amount for night in self.of(Fate.KEPT, Fate.EXEMPT, Fate.FROZEN, Fate.HELD))

    @property
    def late(self) -> list[Morning]:
        return [one for one in self.mornings if one.is_late]


def covered_for(user: User, known: Said, *, team: str = "") -> list[Deployment]:
    """Live deployments that the user sees, that some layer has a say about and that may sleep."""
    rows = sleeps.covered_by(known).filter(retired_at=None).select_related("model")
    if not user.sees_everything:
        rows = rows.filter(namespace__team_id__in=list(user.roles))
    if team:
        rows = rows.filter(namespace__team__slug=team)
    return [row for row in rows.order_by("name", "slug") if _may_sleep(row, known)]


def _may_sleep(row: Deployment, known: Said) -> bool:
    """Production that nobody allowed to sleep is no news of any night."""
    own = known.own(row)
    return row.environment is not Environment.PROD or bool(own and own.allowed_by) or row.open_sleep is not None


def tonight(user: User, *, at: datetime, team: str = "") -> Tonight:
    """From two hours ago to sixteen ahead. Deployments with the same layers share what is worked out for one."""
    known = said(at=at)
    rows = covered_for(user, known, team=team)
    span = Span(_on_the_hour(at - BEFORE), _on_the_hour(at + AHEAD))
    awake = sleeps.keep_awakes_of([row.pk for row in rows], at=at)
    hours = fleet_costs.hours_of([fleet_costs.Size.of(row) for row in rows], at=at)
    memo: Memo = {}
    zones: Counter[str] = Counter()
    nights = []
    for row in rows:
        inputs = sleeps.inputs_of(row, known, awake.get(row.pk, ()))
        zones[sleeps.zone_in(inputs)] += 1
        nights.append(_night(row, inputs, span, at, hours[row.pk], memo))
    order = list(Fate)
    nights.sort(
        key=lambda night: (order.index(night.fate), night.span.start if night.span else at, night.deployment.name)
    )
    zone = zones.most_common(1)[0][0] if zones else "UTC"
    return Tonight(
        span=span,
        nights=tuple(nights),
        mornings=tuple(mornings_of(rows, at=at)),
        zone=zone,
        zones=len(zones),
    )


def _on_the_hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


def _night(
    row: Deployment,
    inputs: Inputs,
    span: Span,
    at: datetime,
    hour: Amount,
    memo: Memo,
) -> Night:
    record = row.open_sleep
    # When it fell asleep, to the second, changes nothing of what comes.
    sleeping = OpenSleep(since=span.start, due_at=record.due_at, target=record.target) if record else None
    key = (inputs, sleeping)
    if key not in memo:
        memo[key] = coming.stretches(inputs, at, span.end, sleeping=sleeping)
    ahead = memo[key]
    count = _slots(row, record)
    asleep = next((one for one in ahead if one.decision.asleep), None)
    if record is not None and record.hold_since is not None and not record.is_waking:
        words = f"scaled to {record.hold_replicas} by {record.hold_writer or 'somebody'}; held until its next window"
        until = asleep.span.end if asleep else span.end
        return _made(row, Fate.HELD, words, Span(record.hold_since, until), ahead, count, hour, keep=record.target)
    if record is not None and not record.is_waking and asleep is not None:
        whole = Span(record.opened_at, _until(ahead, asleep))
        return _made(row, Fate.ASLEEP, asleep.decision.words, whole, ahead, count, hour, keep=record.target)
    lost = given_up(inputs, at, span.end) if inputs.keep_awake or _exempted(inputs) else ()
    if lost and (asleep is None or lost[0].span.start <= asleep.span.start):
        fate = Fate.KEPT if lost[0].step is Step.KEEP_AWAKE else Fate.EXEMPT
        return _made(row, fate, lost[0].words, lost[0].span, ahead, count, hour, keep=lost[0].target)
    if ahead and ahead[0].decision.step is Step.FREEZE:
        return _made(row, Fate.FROZEN, f"frozen: {ahead[0].decision.words}", None, ahead, count, hour)
    if asleep is not None:
        whole = Span(max(asleep.span.start, at), _until(ahead, asleep))
        target = asleep.decision.target or 0
        return _made(row, Fate.SLEEPS, asleep.decision.words, whole, ahead, count, hour, keep=target)
    words = ahead[0].decision.words if ahead else ""
    return _made(row, Fate.AWAKE, words, None, ahead, count, hour)


def _until(ahead: Sequence[Stretch], first: Stretch) -> datetime:
    """The end of the sleep that begins with `first`, windows and holidays that join it included."""
    until = first.decision.end or first.span.end
    for one in ahead:
        if one.decision.asleep and first.span.start < one.span.start <= until:
            until = max(until, one.decision.end or one.span.end)
    return until


def _exempted(inputs: Inputs) -> bool:
    return any(layer.exemptions for layer in inputs.layers)


def _made(
    row: Deployment,
    fate: Fate,
    words: str,
    span: Span | None,
    stretches: Sequence[Stretch],
    count: int,
    hour: Amount,
    *,
    keep: int = 0,
) -> Night:
    released = max(0, count - keep)
    hours = 0 if span is None else max(0, span.seconds)
    amount = hour.times(released).times(hours) if hour.value is not None else hour
    if amount.value is not None:
        amount = Amount.known(amount.value / 3600, amount.currency)
    return Night(
        deployment=row, fate=fate, words=words, span=span, stretches=tuple(stretches), slots=count, amount=amount
    )


def _slots(row: Deployment, record: SleepRecord | None) -> int:
    if record is not None:
        return slots.of_sleep(record.saved_replicas, record.saved_minimum)
    replicas = row.current.spec.get("replicas") if row.current else None
    if not isinstance(replicas, dict):
        return 0
    # Without reading whole specs: there may be thousands.
    return int(replicas.get("count") or replicas.get("min") or 0)


def mornings_of(rows: Iterable[Deployment], *, at: datetime) -> list[Morning]:
    """Wakes that began in the last sixteen hours, the latest and the late ones first."""
    by_key: Mapping[int, Deployment] = {row.pk: row for row in rows}
    found = SleepRecord.objects.filter(
        Q(wake_started_at__gt=at - MORNING) | Q(closed_at=None, wake_failed_at__isnull=False),
        deployment__in=list(by_key),
        wake_started_at__isnull=False,
    )
    made = [Morning(record=record, deployment=by_key[record.deployment_id]) for record in found]

    def rank(one: Morning) -> tuple[bool, float, str]:
        return not one.is_late, -(one.late_seconds or 0), one.deployment.name

    return sorted(made, key=rank)


def kept_by(rows: Iterable[Deployment], awake: Mapping[int, list[KeepAwake]]) -> list[KeepAwake]:
    """Who keeps what awake, the one that ends first on top."""
    return sorted((one for row in rows for one in awake.get(row.pk, ())), key=lambda one: one.until)
