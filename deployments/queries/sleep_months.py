"""The savings ledger by months: its entries, their sums by team and deployment, and running against released."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from django.db.models import Count, Max, Min, Q, QuerySet, Sum
from django.db.models.fields.json import KeyTransform

from deployments.domain.cost.amounts import Amount, Total, total
from deployments.domain.sleep.plan import ledger, slots
from deployments.domain.sleep.plan.ledger import Sleep, Slots
from deployments.domain.sleep.plan.slots import Slept
from deployments.domain.sleep.schedule.windows import Span
from deployments.models import Deployment, Revision, SleepEntry, User

RELEASED, GIVEN_UP = SleepEntry.Kind.RELEASED, SleepEntry.Kind.GIVEN_UP


@dataclass(frozen=True, kw_only=True)
class Line:
    """A sum of entries under a name."""

    name: str
    total: Total
    count: int
    seconds: int


@dataclass(frozen=True, kw_only=True)
class DayOf:
    """One day of UTC in slot seconds."""

    day: date
    running: int
    released: int
    given_up: int


@dataclass(frozen=True, kw_only=True)
class Month:
    """What a person sees of one month. `upto`: its end, or now; `bases`: what of the released sum is of which basis."""

    first: date
    upto: datetime
    released: Line
    given_up: Line
    teams: tuple[Line, ...]
    deployments: tuple[Line, ...]
    days: tuple[DayOf, ...]
    slot_seconds: int
    bases: tuple[tuple[str, Total], ...] = ()

    @property
    def running_seconds(self) -> int:
        return self.slot_seconds - self.released.seconds

    @property
    def share(self) -> Decimal:
        """Of the slots' time that was released, in percent."""
        return Decimal(self.released.seconds * 100) / self.slot_seconds if self.slot_seconds else Decimal(0)


def span_of(first: date) -> Span:
    start = datetime(first.year, first.month, 1, tzinfo=UTC)
    return Span(start, datetime(first.year + first.month // 12, first.month % 12 + 1, 1, tzinfo=UTC))


def entries_of(user: User, first: date, *, team: str = "", deployment: int | None = None) -> QuerySet[SleepEntry]:
    """Entries of the month that the user sees, newest first."""
    span = span_of(first)
    rows = SleepEntry.objects.filter(start__gte=span.start, start__lt=span.end)
    if not user.sees_everything:
        rows = rows.filter(team__in=list(user.roles))
    if team:
        rows = rows.filter(team__slug=team)
    if deployment is not None:
        rows = rows.filter(deployment=deployment)
    return rows.select_related("deployment__namespace", "team", "record")


def months_with_entries(user: User) -> list[date]:
    """Months that have any, the newest first; at most 18."""
    rows = SleepEntry.objects.all() if user.sees_everything else SleepEntry.objects.filter(team__in=list(user.roles))
    ends = rows.aggregate(first=Min("start"), last=Max("start"))
    if ends["first"] is None:
        return []
    month = ends["last"].astimezone(UTC).date().replace(day=1)
    found: list[date] = []
    while month >= ends["first"].astimezone(UTC).date().replace(day=1) and len(found) < 18:
        found.append(month)
        month = (month - timedelta(days=1)).replace(day=1)
    return found


def month_of(user: User, first: date, *, at: datetime, team: str = "", deployment: int | None = None) -> Month:
    """Everything that the page of one month shows beside its entries."""
    rows = entries_of(user, first, team=team, deployment=deployment)
    released, given = rows.filter(kind=RELEASED), rows.filter(kind=GIVEN_UP)
    upto = min(at, span_of(first).end)
    within = Span(span_of(first).start, max(upto, span_of(first).start))
    days, slot_seconds = _days(within, list(released), list(given))
    return Month(
        first=first,
        upto=upto,
        released=_line("All", released),
        given_up=_line("Kept awake", given),
        teams=_lines(released, "team__name"),
        deployments=_lines(released, "deployment__slug"),
        days=days,
        slot_seconds=slot_seconds,
        bases=tuple((basis, sum_of(released.filter(basis=basis))) for basis in _bases(released)),
    )


def _bases(rows: QuerySet[SleepEntry]) -> list[str]:
    return sorted(rows.order_by().values_list("basis", flat=True).distinct())


def sum_of(rows: QuerySet[SleepEntry]) -> Total:
    """One sum for each currency, and how many entries have no amount; to the cent, as each entry is."""
    found = rows.order_by().values("currency").annotate(sum=Sum("amount"), none=Count("pk", filter=Q(amount=None)))
    known = [Amount.known(row["sum"], row["currency"]) for row in found if row["sum"] is not None]
    lacking = sum(row["none"] for row in found)
    reasons = rows.filter(amount=None).order_by().values_list("unpriced", flat=True).distinct()[:3] if lacking else ()
    unknown = [Amount.unknown(next(iter(reasons), "") or "no price")] * lacking
    return total([*known, *unknown])


def _line(name: str, rows: QuerySet[SleepEntry]) -> Line:
    seconds = rows.aggregate(seconds=Sum("released_seconds"))["seconds"] or 0
    return Line(name=name, total=sum_of(rows), count=rows.count(), seconds=seconds)


def _lines(rows: QuerySet[SleepEntry], by: str) -> tuple[Line, ...]:
    names = rows.order_by().values_list(by, flat=True).distinct()
    made = [_line(str(name), rows.filter(**{by: name})) for name in names]
    return tuple(sorted(made, key=lambda line: (-line.seconds, line.name)))


def _days(within: Span, released: Sequence[SleepEntry], given: Sequence[SleepEntry]) -> tuple[tuple[DayOf, ...], int]:
    """Slots x time of every deployment that has an entry, day by day: each second of a slot is running or released."""
    by_deployment: dict[int, list[SleepEntry]] = defaultdict(list)
    for entry in released:
        by_deployment[entry.deployment_id].append(entry)
    timelines = {pk: timeline_of(pk, entries) for pk, entries in by_deployment.items()}
    days = []
    for left, right in pairwise(_midnights(within)):
        day = Span(left, right)
        running = freed = 0
        for pk, entries in by_deployment.items():
            account = ledger.account(within=day, slots=timelines[pk], sleeps=_sleeps(entries))
            running += account.running_seconds
            freed += account.released_seconds
        lost = sum(_overlap(entry, day) * entry.slots for entry in given)
        days.append(DayOf(day=left.date(), running=running, released=freed, given_up=min(lost, running)))
    return tuple(days), sum(day.running + day.released for day in days)


def timeline_of(deployment: int, entries: Iterable[SleepEntry]) -> tuple[Slots, ...]:
    """Slots by revisions; while something was released, those that it was counted with."""
    revisions = Revision.objects.filter(deployment=deployment).order_by("number")
    wanted = [
        Slots(saved_at, int(replicas.get("count") or replicas.get("min") or 0))
        for saved_at, replicas in revisions.values_list("saved_at", KeyTransform("replicas", "spec"))
        if isinstance(replicas, dict)
    ]
    retired = Deployment.objects.filter(pk=deployment).values_list("retired_at", flat=True).first()
    if retired is not None:
        wanted.append(Slots(retired, 0))
    entries = list(entries)
    first = min((entry.start for entry in entries), default=None)
    if wanted and first is not None and first < wanted[0].start:
        # What the demo counted is older than what it counted of.
        wanted.insert(0, Slots(first, wanted[0].count))
    slept = [Slept(span=Span(entry.start, entry.end), count=entry.slots + _kept(entry)) for entry in entries]
    return slots.timeline(sorted(wanted, key=lambda one: one.start), slept)


def _sleeps(entries: Iterable[SleepEntry]) -> list[Sleep]:
    return [
        Sleep(key=str(entry.pk), span=Span(entry.start, entry.end), keep=_kept(entry))
        for entry in sorted(entries, key=lambda entry: entry.start)
    ]


def _kept(entry: SleepEntry) -> int:
    """Replicas that stayed up in the sleep: those that it keeps, or as many as were measured."""
    if entry.record is None:
        return 0
    count = slots.of_sleep(entry.record.saved_replicas, entry.record.saved_minimum)
    if entry.basis == ledger.Basis.MEASURED:
        return max(0, count - entry.slots)
    return min(entry.record.target, count)


def _midnights(within: Span) -> list[datetime]:
    found = [within.start]
    while found[-1] < within.end:
        found.append(min(found[-1] + timedelta(days=1), within.end))
    return found


def _overlap(entry: SleepEntry, day: Span) -> int:
    return max(0, int((min(entry.end, day.end) - max(entry.start, day.start)).total_seconds()))
