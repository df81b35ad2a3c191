"""Counting what sleep releases, and what keep-awakes and exemptions give up, as entries of the ledger.

An entry is made again from rows as long as what it is of goes on, and replaces itself; what has ended stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Q

from deployments.domain.sleep.plan import ledger, slots
from deployments.domain.sleep.plan.ledger import Entry, Sleep, Slots
from deployments.domain.sleep.schedule.decisions import Step
from deployments.domain.sleep.schedule.given_up import GivenUp, given_up
from deployments.domain.sleep.schedule.layers import Ask
from deployments.domain.sleep.schedule.windows import Span
from deployments.models import (
    ClusterHealth,
    Deployment,
    KeepAwake,
    OpenPod,
    PodInterval,
    SleepDecision,
    SleepEntry,
    SleepGrant,
    SleepRecord,
)
from deployments.queries import sleep as queries
from deployments.queries.sleep_layers import said
from deployments.queries.sleep_prices import SlotPrices, revision_at, slot_prices

KINDS: Final = SleepEntry.Kind
HEARD_WITHIN: Final = timedelta(minutes=2)


def end(row: Deployment, record: SleepRecord, *, at: datetime) -> None:
    """Enter what the sleep released until now: from here on its pods run, or somebody else has a say."""
    if record.reached_at is not None and record.hold_since is None and record.wake_started_at is None:
        _enter(row, record, record.reached_at, at, is_open=False)


def accrue(*, at: datetime) -> int:
    """Enter what sleeps that go on have released so far, and what keeping awake gave up; how many were looked at."""
    going = SleepRecord.objects.filter(
        closed_at=None, wake_started_at=None, hold_since=None, reached_at__isnull=False, reached_at__lt=at
    )
    count = 0
    for record in going.select_related("deployment__namespace"):
        if record.reached_at is not None:
            _enter(record.deployment, record, record.reached_at, at, is_open=True)
            count += 1
    for row in _kept_awake():
        _enter_given_up(row, at)
        count += 1
    return count


@transaction.atomic
def _enter(row: Deployment, record: SleepRecord, start: datetime, upto: datetime, *, is_open: bool) -> None:
    count = slots.of_sleep(record.saved_replicas, record.saved_minimum)
    of = f"record-{record.pk}-{int(start.timestamp())}"
    span = Span(start, upto)
    revision = revision_at(row, record.opened_at)
    if revision is None or upto <= start:
        return
    prices = slot_prices(row, revision, start, upto)
    entries = ledger.split(
        within=span,
        slots=[Slots(start, count)],
        sleeps=[Sleep(key=of, span=span, keep=min(record.target, count))],
        prices=prices.prices,
        pods=_pods(row, span),
    )
    decision = SleepDecision.objects.filter(deployment=row, at__lte=record.opened_at).order_by("-at").first()
    enter(row, entries, prices, of=of, kind=KINDS.RELEASED, is_open=is_open, words=record.words, record=record)
    if decision is not None:
        SleepEntry.objects.filter(of=of).update(decision=decision)


def _pods(row: Deployment, span: Span) -> list[Span] | None:
    """When its pods were there, as the watch measured it; None where it did not: then the ledger estimates.

    It did where it was heard up to the end, and had measured the deployment before it slept.
    """
    told = ClusterHealth.objects.filter(cluster=row.namespace.cluster_id).values_list("measured_at", flat=True).first()
    if told is None or told < span.end - HEARD_WITHIN:
        return None
    closed = PodInterval.objects.filter(deployment=row, start__lt=span.end)
    if not closed.filter(start__lt=span.start).exists():
        return None
    found = [Span(*times) for times in closed.filter(end__gt=span.start).values_list("start", "end")]
    running = OpenPod.objects.filter(deployment=row, start__lt=span.end).values_list("start", flat=True)
    return [*found, *(Span(start, span.end) for start in running)]


def enter(
    row: Deployment,
    entries: Sequence[Entry],
    prices: SlotPrices,
    *,
    of: str,
    kind: str,
    words: str,
    is_open: bool = False,
    record: SleepRecord | None = None,
) -> None:
    """Write `entries` in the place of those that are `of` the same."""
    SleepEntry.objects.filter(of=of).delete()
    SleepEntry.objects.bulk_create(
        SleepEntry(
            kind=kind,
            deployment=row,
            team_id=row.namespace.team_id,
            record=record,
            of=of,
            start=entry.span.start,
            end=entry.span.end,
            is_open=is_open,
            released_seconds=entry.released_seconds,
            slots=entry.slots,
            cpu_m=_times(prices.cpu_m, entry.slots),
            memory=_times(prices.memory, entry.slots),
            gpus=_times(prices.gpus, entry.slots),
            basis=entry.basis.value,
            price=entry.price,
            price_version=entry.price_version[:120],
            currency=prices.currencies.get(entry.price_version, ""),
            amount=entry.amount,
            unpriced="" if entry.price is not None else prices.unpriced.get(entry.price_version, "")[:300],
            words=words[:300],
        )
        for entry in entries
    )


def _times(of_one: int | None, count: int) -> int | None:
    return None if of_one is None else of_one * count


def _kept_awake() -> Iterable[Deployment]:
    """Deployments with a keep-awake or exemption that is not counted to its end."""
    kept = Q(pk__in=KeepAwake.objects.filter(counted_at=None).values("deployment"))
    grants = SleepGrant.objects.filter(ask=Ask.EXEMPTION, counted_at=None)
    exempt = (
        Q(pk__in=grants.exclude(deployment=None).values("deployment"))
        | Q(namespace__team__in=grants.exclude(team=None).values("team"))
        | Q(namespace__cluster__in=grants.exclude(cluster=None).values("cluster"))
        | Q(namespace__environment__in=grants.exclude(environment="").values("environment"))
    )
    rows = Deployment.objects.filter(kept | exempt, retired_at=None, current__isnull=False)
    return rows.select_related("namespace__team", "namespace__cluster", "current")


@transaction.atomic
def _enter_given_up(row: Deployment, at: datetime) -> None:
    """By the schedules of now: nobody knows what they would have been."""
    kept = list(KeepAwake.objects.filter(deployment=row, counted_at=None))
    first = min((one.since for one in kept), default=None)
    grants = queries.exemptions_of(row, counted=False)
    first = min((one.since for one in grants if first is None or one.since < first), default=first)
    if first is None or first >= at or row.current is None:
        return
    inputs = queries.inputs_of(row, said(at=first), kept)
    prices = slot_prices(row, row.current, first, at)
    spec = row.current.to_spec()
    found: dict[str, list[GivenUp]] = {}
    for one in given_up(inputs, first, at):
        name = "keep" if one.step is Step.KEEP_AWAKE else f"exempt-{row.pk}"
        found.setdefault(f"{name}-{one.key}", []).append(one)
    ends = {f"keep-{one.pk}": min(one.until, one.ended_at or one.until) for one in kept}
    ends |= {f"exempt-{row.pk}-{one.pk}": one.ends_at for one in grants}
    for of, pieces in found.items():
        entries: list[Entry] = []
        for piece in pieces:
            sleeps = [Sleep(key=of, span=piece.span, keep=min(piece.target, spec.min_replicas))]
            wanted = [Slots(piece.span.start, spec.min_replicas)]
            entries += ledger.split(within=piece.span, slots=wanted, sleeps=sleeps, prices=prices.prices)
        is_open = ends.get(of, at) > at
        enter(row, entries, prices, of=of, kind=KINDS.GIVEN_UP, is_open=is_open, words=pieces[0].words)


@transaction.atomic
def close_counted(*, at: datetime) -> None:
    """Keep-awakes and exemptions that have ended, and were counted to their end just now, are not looked at again."""
    over = Q(until__lte=at) | Q(ended_at__lte=at)
    KeepAwake.objects.filter(over, counted_at=None).update(counted_at=at)
    SleepGrant.objects.filter(over, counted_at=None).update(counted_at=at)
