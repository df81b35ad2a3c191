"""From measured time to days with prices. The relay does it a little at a time; doing a day again gives the same rows.

A day that is due is priced whole: its rows are replaced. The mark is taken away only if nobody has marked the day anew
meanwhile, so that an interval which came during the work is not forgotten. Days of a closed month are never replaced:
what they differ by from what was booked becomes an adjustment of today.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time
from decimal import Decimal
from typing import Any, Final, NamedTuple

import structlog
from django.db import connection, transaction
from django.db.models import Q

from baristaweb.lib.clock import now
from deployments.actions import due as due_days
from deployments.domain.cost.days import DayRow, Listed, NodeSpan, NodeSum, PodSpan, price_day, price_node
from deployments.domain.cost.ledger import HOUR_US, Asked, Interval
from deployments.domain.cost.placed import price_classes
from deployments.domain.cost.rules import Component
from deployments.models import (
    ClosedMonth,
    ClusterHealth,
    CostDay,
    CostDue,
    NodeDay,
    NodeInterval,
    OpenNode,
    OpenPod,
    PodInterval,
    PriceVersion,
)
from deployments.models.ledger import NodeTime, Source

log = structlog.get_logger(__name__)

LOCK: Final = (7_301, 14)  # one of us at a time: two would write the same day twice
BATCH: Final = 200
BUDGET_S: Final = 1.5  # of one call, for the relay has other work
RUNNING_EVERY: Final = timedelta(minutes=10)
NODES_EVERY: Final = timedelta(hours=1)
CLOSES_AFTER: Final = timedelta(days=3)  # of the next month: what a watch that was away brings in is still its month's
STEP: Final = Decimal("1e-12")
HOURS_STEP: Final = Decimal("1e-9")
FORGET: Final = """
DELETE FROM deployments_costday AS booked USING unnest(%s::bigint[], %s::date[]) AS due (deployment_id, day)
WHERE booked.deployment_id = due.deployment_id AND booked.day = due.day AND booked.adjusts IS NULL
"""


class Accruer:
    """The relay's chore: prices what is due, has what runs priced again now and then, and closes months."""

    def __init__(self) -> None:
        self._running_at: datetime | None = None
        self._nodes_at: datetime | None = None

    def __call__(self) -> None:
        at = now()
        if self._running_at is None or at - self._running_at >= RUNNING_EVERY:
            nodes = self._nodes_at is None or at - self._nodes_at >= NODES_EVERY
            due_days.mark_running(at, nodes=nodes)
            self._running_at, self._nodes_at = at, at if nodes else self._nodes_at
            close_months(at=at)
        run(at=at, budget_s=BUDGET_S)


def run(*, at: datetime, budget_s: float | None = None) -> int:
    """Price what is due, the oldest first, for about so many seconds; how many days that were."""
    began, done = time.monotonic(), 0
    while budget_s is None or time.monotonic() - began < budget_s:
        count = _batch(at)
        done += count
        if not count:
            break
    if done:
        log.info("priced", days=done)
    return done


@transaction.atomic
def _batch(at: datetime) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", LOCK)
        if not cursor.fetchone()[0]:
            return 0
    rows = list(CostDue.objects.order_by("since", "pk")[:BATCH])
    by_cluster: dict[int, list[CostDue]] = defaultdict(list)
    for row in rows:
        by_cluster[row.cluster_id].append(row)
    for cluster_id, some in by_cluster.items():
        lists = price_lists(cluster_id)
        until = _measured_until(cluster_id, at)
        _price_deployments(cluster_id, [row for row in some if row.deployment_id is not None], lists, until, at)
        for row in some:
            if row.deployment_id is None:
                _price_nodes(cluster_id, row.day, lists, until)
    by_instant: dict[datetime, list[int]] = defaultdict(list)
    for row in rows:
        by_instant[row.since].append(row.pk)
    for since, keys in by_instant.items():
        # One that was marked again meanwhile stays due.
        CostDue.objects.filter(pk__in=keys, since=since).delete()
    return len(rows)


def price_lists(cluster_id: int) -> list[Listed]:
    """All versions of a cluster, as they came into force; of two with the same instant the later row."""
    found = PriceVersion.objects.filter(cluster=cluster_id).order_by("effective_at", "pk")
    by_instant = {version.effective_at: Listed(key=version.pk, prices=version.to_domain()) for version in found}
    return list(by_instant.values())


def _measured_until(cluster_id: int, at: datetime) -> datetime:
    """What is open is charged so far; nothing where the watch has told nothing yet."""
    told = ClusterHealth.objects.filter(cluster_id=cluster_id).values_list("measured_at", flat=True).first()
    return min(told, at) if told else datetime.min.replace(tzinfo=UTC)


def bounds(day: date) -> tuple[datetime, datetime]:
    start = datetime.combine(day, clock_time(), UTC)
    return start, start + timedelta(days=1)


def _price_deployments(
    cluster_id: int, due: Sequence[CostDue], lists: Sequence[Listed], until: datetime, at: datetime
) -> None:
    if not due:
        return
    owners, days = {row.deployment_id for row in due}, {row.day for row in due}
    times: dict[tuple[int, date], list[PodSpan]] = defaultdict(list)
    demo: set[tuple[int, date]] = set()
    measured = PodInterval.objects.filter(deployment__in=list(owners), day__in=list(days), cluster=cluster_id)
    for day, end, is_end_exact, source, *facts in measured.values_list("day", "end", "is_end_exact", "source", *_READ):
        row = _Time(*facts)
        times[row.deployment, day].append(_span(row, row.start, end, is_end_exact))
        if source == Source.DEMO:
            demo.add((row.deployment, day))
    running = OpenPod.objects.filter(deployment__in=list(owners), cluster=cluster_id, start__lt=until)
    for still in (_Time(*facts) for facts in running.values_list(*_READ)):
        for day in days:
            start, end = bounds(day)
            if still.start < end and until > start:
                span = _span(still, max(still.start, start), min(until, end), True)
                times[still.deployment, day].append(span)
    months = set(ClosedMonth.objects.values_list("month", flat=True))
    replaced: list[tuple[int, date]] = []
    fresh: list[CostDay] = []
    for mark in due:
        owner, day = key = (mark.deployment_id or 0, mark.day)
        priced = price_day(times.get(key, ()), lists, *bounds(day))
        source = Source.DEMO if key in demo else Source.WATCH
        made = [_cost_day(owner, day, item, at, source) for item in priced]
        if day.replace(day=1) in months:
            fresh += _adjustments(owner, day, made, at)
        else:
            replaced.append(key)
            fresh += made
    with connection.cursor() as cursor:
        cursor.execute(FORGET, [[owner for owner, _ in replaced], [day for _, day in replaced]])
    CostDay.objects.bulk_create(fresh)


class _Time(NamedTuple):
    """What a price asks of a PodTime: of the hundreds of thousands there are, without their models."""

    deployment: int
    team: int
    uid: str
    node: str
    machine: str
    pool: str
    is_spot: bool
    price_class: str
    millicores: int
    memory: int
    gpus: list[tuple[str, int]]
    start: datetime
    is_start_exact: bool


_READ: Final = _Time._fields


def _span(row: _Time, start: datetime, end: datetime, is_end_exact: bool) -> PodSpan:
    asked = Asked(row.millicores, row.memory, tuple((str(label), int(count)) for label, count in row.gpus))
    return PodSpan(
        deployment=row.deployment,
        team=row.team,
        interval=Interval(pod=row.uid, node=row.node, start=start, end=end, asked=asked),
        classes=price_classes(profile=row.price_class, machine=row.machine, pool=row.pool, is_spot=row.is_spot),
        is_spot=row.is_spot,
        is_exact=row.is_start_exact and is_end_exact,
    )


def _cost_day(deployment: int, day: date, item: DayRow, at: datetime, source: str) -> CostDay:
    hours = item.usage.hours
    known = item.amount.value is not None

    def part(component: Component) -> Decimal | None:
        return item.by_component.get(component, Decimal(0)).quantize(STEP) if known else None

    parts = {name: part(Component(name)) for name in ("cpu", "memory", "gpu")}
    return CostDay(
        day=day,
        deployment_id=deployment,
        team_id=item.team,
        version_id=item.version,
        price_class=item.price_class[:80],
        currency=item.amount.currency,
        pod_hours=(Decimal(item.usage.microseconds) / HOUR_US).quantize(HOURS_STEP),
        cpu_hours=hours.cpu.quantize(HOURS_STEP),
        memory_hours=hours.memory_gib.quantize(HOURS_STEP),
        gpu_hours={label: str(value.quantize(HOURS_STEP)) for label, value in hours.gpus},
        **parts,
        amount=sum((value for value in parts.values() if value is not None), Decimal(0)) if known else None,
        reason=item.amount.reason[:300],
        pods=item.pods,
        is_exact=item.is_exact,
        source=source,
        priced_at=at,
    )


Sum = dict[str, Any]


def _adjustments(deployment: int, day: date, made: Sequence[CostDay], at: datetime) -> list[CostDay]:
    """What has to be booked today so that all rows of a day in a closed month come to `made`; none when they do."""
    booked = CostDay.objects.filter(deployment=deployment).filter(Q(day=day, adjusts=None) | Q(adjusts=day))
    old, new = _by_place(booked), _by_place(made)
    found = []
    for key in sorted(old.keys() | new.keys(), key=repr):
        team, currency, reason = key
        difference = {
            name: new.get(key, {}).get(name, Decimal(0)) - old.get(key, {}).get(name, Decimal(0)) for name in _SUMMED
        }
        if not any(difference.values()):
            continue
        is_known = bool(currency)
        amounts = {name: difference[name] if is_known else None for name in ("cpu", "memory", "gpu", "amount")}
        last = next((row for row in reversed(made) if row.team_id == team), None)
        found.append(
            CostDay(
                day=at.astimezone(UTC).date(),
                adjusts=day,
                deployment_id=deployment,
                team_id=team,
                version_id=last.version_id if last else None,
                price_class=last.price_class if last else "",
                currency=currency,
                pod_hours=difference["pod_hours"],
                cpu_hours=difference["cpu_hours"],
                memory_hours=difference["memory_hours"],
                **amounts,
                reason=reason,
                source=last.source if last else Source.WATCH,
                priced_at=at,
            )
        )
    return found


_SUMMED: Final = ("pod_hours", "cpu_hours", "memory_hours", "cpu", "memory", "gpu", "amount")


def _by_place(rows: Iterable[CostDay]) -> dict[tuple[int, str, str], Sum]:
    """By team, currency and reason: what may be added."""
    found: dict[tuple[int, str, str], Sum] = {}
    for row in rows:
        into = found.setdefault((row.team_id, row.currency, row.reason), dict.fromkeys(_SUMMED, Decimal(0)))
        for name in _SUMMED:
            into[name] += getattr(row, name) or Decimal(0)
    return found


def _price_nodes(cluster_id: int, day: date, lists: Sequence[Listed], until: datetime) -> None:
    start, end = bounds(day)
    upto = min(until, end)
    nodes: dict[str, list[NodeSpan]] = defaultdict(list)
    machines: dict[str, NodeTime] = {}
    closed = list(NodeInterval.objects.filter(cluster=cluster_id, day=day).order_by("start"))
    still = list(OpenNode.objects.filter(cluster=cluster_id, start__lt=upto)) if upto > start else []
    for row, row_end in [*((item, item.end) for item in closed), *((item, upto) for item in still)]:
        nodes[row.node].append(_node_span(row, row_end))
        machines[row.node] = row
    pods: dict[str, list[PodSpan]] = defaultdict(list)
    measured = PodInterval.objects.filter(cluster=cluster_id, day=day)
    for pod_end, is_end_exact, *facts in measured.values_list("end", "is_end_exact", *_READ):
        pod = _Time(*facts)
        pods[pod.node].append(_span(pod, pod.start, pod_end, is_end_exact))
    running = OpenPod.objects.filter(cluster=cluster_id, start__lt=upto)
    for pod in (_Time(*facts) for facts in (running.values_list(*_READ) if upto > start else ())):
        pods[pod.node].append(_span(pod, max(pod.start, start), upto, True))
    rows = [
        _node_day(cluster_id, day, machines[name], price_node(name, times, pods.get(name, ()), lists, start, end))
        for name, times in nodes.items()
    ]
    NodeDay.objects.filter(cluster=cluster_id, day=day).delete()
    NodeDay.objects.bulk_create([row for row in rows if row.hours])


def _node_span(row: NodeTime, end: datetime) -> NodeSpan:
    others = Interval(pod="others", node=row.node, start=row.start, end=end, asked=row.others)
    return NodeSpan(facts=row.to_facts, others=others)


def _node_day(cluster_id: int, day: date, row: NodeTime, found: NodeSum) -> NodeDay:
    amounts = (found.total, found.ours, found.others, found.idle)
    reason = next((amount.reason for amount in amounts if amount.value is None), "")
    total, ours, others, idle = (None if reason else amount.sure.quantize(STEP) for amount in amounts)
    return NodeDay(
        day=day,
        cluster_id=cluster_id,
        node=row.node,
        machine=row.machine,
        currency="" if reason else found.total.currency,
        hours=found.hours.quantize(HOURS_STEP),
        total=total,
        ours=ours,
        others=others,
        idle=idle,
        reason=reason[:300],
        shares={str(owner): str(share.quantize(STEP)) for owner, share in found.shares.items()},
        is_over=found.is_over,
        source=row.source,
    )


def close_months(*, at: datetime) -> list[date]:
    """Close the months that are over for some days and have nothing due; which those were."""
    latest = (at - CLOSES_AFTER).astimezone(UTC).date().replace(day=1)
    months = set(CostDay.objects.filter(day__lt=latest).dates("day", "month")) if _is_open_before(latest) else set()
    closed = []
    for month in sorted(months - set(ClosedMonth.objects.values_list("month", flat=True))):
        following = (month + timedelta(days=31)).replace(day=1)
        if CostDue.objects.filter(day__gte=month, day__lt=following).exists():
            break
        ClosedMonth.objects.get_or_create(month=month, defaults={"closed_at": at})
        closed.append(month)
    return closed


def _is_open_before(month: date) -> bool:
    """Whether anything has been booked before this month that is not closed yet; cheap, for it is asked often."""
    last = ClosedMonth.objects.order_by("-month").values_list("month", flat=True).first()
    rows = CostDay.objects.filter(day__lt=month)
    if last is not None:
        rows = rows.filter(day__gte=(last + timedelta(days=31)).replace(day=1))
    return rows.exists()
