"""What pages show of sources: how far they are, whether they deliver, their objects, findings and backfills."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.db.models import Count, Max, Q, QuerySet, Sum
from django.db.models.functions import TruncHour

from baristaweb.lib.looks import Look, Tone
from deployments.models import Deployment, SleepRecord, User
from observability.domain.fold.windows import Window
from observability.domain.sources.closing import Calendar, Delivery, delivery, due_at
from observability.models import Backfill, LogSource, SourceFinding, SourceObject, SourceState

State = SourceObject.State
DAY: Final = timedelta(days=1)
OBJECTS_SHOWN: Final = 50
LOOKS: Final[dict[str, Look]] = {
    State.QUEUED: Look("Queued", Tone.QUIET, "circle-dashed", settled=False),
    State.WAITING: Look("Waiting for its marker", Tone.QUIET, "hourglass", settled=False),
    State.FOLDING: Look("Folding", Tone.BUSY, "refresh", settled=False),
    State.FOLDED: Look("Folded", Tone.OK, "circle-check"),
    State.RETRYING: Look("Trying again", Tone.WARN, "refresh", settled=False),
    State.PARKED: Look("Parked", Tone.BAD, "player-pause"),
    State.LEFT_OUT: Look("Left out", Tone.QUIET, "eye-off"),
    State.REMOVED: Look("Taken out", Tone.QUIET, "ghost"),
}
FILTERS: Final = {
    "newest": ("newest", Q()),
    "parked": ("parked", Q(state=State.PARKED)),
    "waiting": ("queued", Q(state__in=[State.QUEUED, State.WAITING, State.FOLDING, State.RETRYING])),
    "replaced": ("replaced", Q(folds__gt=1)),
    "vanished": ("vanished", Q(vanished_at__isnull=False)),
}


@dataclass(frozen=True, kw_only=True)
class Health:
    """One source as of `at`. `lag_s`: since the end of the newest window that has rows; None without any."""

    source: LogSource
    state: SourceState | None
    delivery: Delivery
    at: datetime
    lag_s: float | None = None
    rows_day: int | None = None
    bytes_day: int | None = None
    bad_day: int | None = None
    parked: int = 0
    waiting: int = 0
    findings: int = 0
    backfill: Backfill | None = None

    @property
    def rows_an_hour(self) -> float | None:
        return None if self.rows_day is None else self.rows_day / 24

    @property
    def is_settled(self) -> bool:
        return self.delivery.settled and not self.waiting and self.backfill is None

    @property
    def bad_share(self) -> float | None:
        whole = (self.rows_day or 0) + (self.bad_day or 0)
        return (self.bad_day or 0) / whole if whole else None

    @property
    def severity(self) -> int:
        """Worst first, by descending."""
        return max(self.delivery.severity * 2, 7 * bool(self.error), 6 * bool(self.parked), 3 * bool(self.findings))

    @property
    def error(self) -> str:
        return self.state.error if self.state else ""


def visible(user: User) -> QuerySet[LogSource]:
    """Sources of deployments that the user sees."""
    seen = Deployment.objects.visible_to(user).filter(retired_at=None)
    rows = LogSource.objects.filter(removed_at=None, deployment__in=seen)
    return rows.select_related(
        "spec",
        "root",
        "state",
        "deployment__namespace__team",
        "deployment__namespace__cluster",
        "deployment__model",
        "deployment__observation",
    )


def of_deployment(deployment: Deployment) -> list[LogSource]:
    """Its sources in order of name; `deployment` is set on each."""
    rows = list(
        LogSource.objects.filter(deployment=deployment, removed_at=None).select_related("spec", "root", "state")
    )
    for row in rows:
        row.deployment = deployment
    return rows


def calendar_of(source: LogSource) -> Calendar:
    window = Window(source.spec.window) if source.spec else Window.HOUR
    zone = source.spec.zone if source.spec else ""
    return Calendar(window, "" if zone == "UTC" else zone, source.lateness_s)


def healths(sources: Sequence[LogSource], *, at: datetime) -> list[Health]:
    """Of several sources, in a fixed number of queries, in their order."""
    ids = [source.pk for source in sources]
    objects = SourceObject.objects.filter(source__in=ids).order_by()
    day = {
        row["source"]: row
        for row in objects.filter(folded_at__gt=at - DAY)
        .values("source")
        .annotate(rows_sum=Sum("rows"), bad=Sum("bad_rows"), read=Sum("folded_size"))
    }
    parked = dict(objects.filter(state=State.PARKED).values_list("source").annotate(Count("pk")))
    waiting = dict(objects.filter(due_at__isnull=False).values_list("source").annotate(Count("pk")))
    open_ones = SourceFinding.objects.filter(source__in=ids, closed_at=None).order_by()
    findings = dict(open_ones.values_list("source").annotate(Count("pk")))
    running = {
        row.source_id: row for row in Backfill.objects.filter(source__in=ids, finished_at=None, cancelled_at=None)
    }
    slept = SleepRecord.objects.filter(deployment__in=[source.deployment_id for source in sources]).order_by()
    woken = dict(slept.values_list("deployment").annotate(Max("closed_at")))
    found = []
    for source in sources:
        woke = woken.get(source.deployment_id)
        state = getattr(source, "state", None)
        newest = state.newest_event_at if state else None
        mine = day.get(source.pk)
        has_looked = state is not None and state.polled_at is not None
        found.append(
            Health(
                source=source,
                state=state,
                delivery=_delivery(source, state, at, woke),
                at=at,
                lag_s=max((at - newest).total_seconds(), 0) if newest else None,
                rows_day=int(mine["rows_sum"] or 0) if mine else 0 if has_looked else None,
                bytes_day=int(mine["read"] or 0) if mine else 0 if has_looked else None,
                bad_day=int(mine["bad"] or 0) if mine else 0 if has_looked else None,
                parked=parked.get(source.pk, 0),
                waiting=waiting.get(source.pk, 0),
                findings=findings.get(source.pk, 0),
                backfill=running.get(source.pk),
            )
        )
    return found


def _delivery(source: LogSource, state: SourceState | None, at: datetime, woke: datetime | None) -> Delivery:
    newest = state.newest_event_at if state else None
    return delivery(
        calendar_of(source),
        at=int(at.timestamp()),
        newest=int(newest.timestamp()) if newest else None,
        since=int(source.created_at.timestamp()),
        is_looked_at=state is not None and state.polled_at is not None,
        is_paused=source.is_paused,
        expected_since=_expected_since(source.deployment, woke),
    )


def _expected_since(deployment: Deployment, woke: datetime | None) -> int | None:
    """Since when it has replicas, as far as is known; None while it has none. `woke`: when its last sleep ended."""
    seen = getattr(deployment, "observation", None)
    if deployment.is_retired or (seen is not None and seen.observed_at and not seen.desired and not seen.ready):
        return None
    return int(woke.timestamp()) if woke else 0


def silence_said_at(source: LogSource, state: SourceState) -> datetime | None:
    """When it is said that the source stopped, if nothing more comes."""
    if state.newest_event_at is None:
        return None
    return datetime.fromtimestamp(due_at(calendar_of(source), int(state.newest_event_at.timestamp())), UTC)


def objects_of(source: LogSource, *, which: str = "newest") -> QuerySet[SourceObject]:
    """Newest first; `which` is a key of FILTERS."""
    return SourceObject.objects.filter(FILTERS.get(which, FILTERS["newest"])[1], source=source).order_by(
        "-found_at", "-pk"
    )


def counts_of(source: LogSource) -> dict[str, int]:
    """How many objects each filter leaves."""
    given = {name: Count("pk", filter=condition) for name, (_, condition) in FILTERS.items() if name != "newest"}
    return SourceObject.objects.filter(source=source).order_by().aggregate(**given, newest=Count("pk"))


@dataclass(frozen=True)
class HourFolded:
    """What was folded in one hour of the clock."""

    start: datetime
    objects: int
    rows: int
    bad: int
    size: int


def folded_by_hour(source: LogSource, *, at: datetime, hours: int = 48) -> list[HourFolded]:
    """Every hour of the last ones, those without objects too."""
    first = (at - timedelta(hours=hours - 1)).replace(minute=0, second=0, microsecond=0)
    rows = (
        SourceObject.objects.filter(source=source, folded_at__gte=first)
        .order_by()
        .annotate(hour=TruncHour("folded_at"))
        .values("hour")
        .annotate(objects_sum=Count("pk"), rows_sum=Sum("rows"), bad=Sum("bad_rows"), read=Sum("folded_size"))
    )
    by_hour: dict[datetime, Any] = {row["hour"]: row for row in rows}
    found = []
    for place in range(hours):
        start = first + timedelta(hours=place)
        row = by_hour.get(start, {})
        found.append(
            HourFolded(
                start,
                row.get("objects_sum", 0),
                int(row.get("rows_sum") or 0),
                int(row.get("bad") or 0),
                int(row.get("read") or 0),
            )
        )
    return found


def bad_reasons(objects: Iterable[SourceObject]) -> list[tuple[str, int, SourceObject, int]]:
    """(reason, examples of it, the newest object that has it, its row) over objects that have bad rows."""
    found: dict[str, tuple[str, int, SourceObject, int]] = {}
    for one in objects:
        for line, reason in one.bad_reasons:
            known = found.get(reason)
            found[reason] = (reason, known[1] + 1, known[2], known[3]) if known else (reason, 1, one, int(line))
    return sorted(found.values(), key=lambda row: -row[1])
