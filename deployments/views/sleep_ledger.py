"""The savings ledger: what sleep released in a month, entry by entry, and what keeping awake gave up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from baristaweb.lib.clock import now
from baristaweb.lib.csv_export import download
from deployments.access import current_user
from deployments.domain.cost.amounts import Amount
from deployments.models import Deployment, SleepEntry, User
from deployments.queries import sleep_months
from deployments.queries.sleep_months import DayOf, Month
from deployments.views.sleep_night import frame

PAGE_SIZE = 50
HEAD = (
    *("kind", "deployment", "team", "from", "to", "still going on", "slots", "released slot seconds"),
    *("millicores", "bytes", "gpus", "basis", "price of a slot and hour", "price version", "currency", "amount"),
    *("why not priced", "why"),
)


@dataclass(frozen=True, kw_only=True)
class DayColumn:
    """One day of the chart, in 1000 of its height from the top; hours for the table behind it."""

    day: DayOf
    x: str
    width: str
    running: tuple[str, str]
    kept: tuple[str, str]
    released: tuple[str, str]

    @property
    def running_hours(self) -> float:
        return self.day.running / 3600

    @property
    def released_hours(self) -> float:
        return self.day.released / 3600

    @property
    def given_up_hours(self) -> float:
        return self.day.given_up / 3600


@require_safe
def ledger(request: HttpRequest) -> HttpResponse:
    """One month, of all teams that the user sees, of one team or of one deployment."""
    at, user = now(), current_user(request)
    first = _month(request, at)
    deployment = _deployment(request, user)
    team = request.GET.get("team", "")
    pk = deployment.pk if deployment else None
    month = sleep_months.month_of(user, first, at=at, team=team, deployment=pk)
    entries = sleep_months.entries_of(user, first, team=team, deployment=pk)
    page = Paginator(entries.filter(kind=SleepEntry.Kind.RELEASED), PAGE_SIZE).get_page(request.GET.get("page"))
    context = frame(request, user, "sleep-ledger") | {
        "month": month,
        "months": sleep_months.months_with_entries(user) or [first],
        "chosen": deployment,
        "page": page,
        "page_numbers": page.paginator.get_elided_page_range(page.number),
        "given": entries.filter(kind=SleepEntry.Kind.GIVEN_UP)[:20],
        "columns": _columns(month.days),
        "most_hours": max((day.running + day.released for day in month.days), default=0) / 3600,
        "running_hours": month.running_seconds / 3600,
        "released_hours": month.released.seconds / 3600,
        "slot_hours": month.slot_seconds / 3600,
        "forecast": _forecast(month),
        "has_demo": entries.filter(is_demo=True).exists(),
    }
    return render(request, "sleep/ledger.html", context)


@require_safe
def export(request: HttpRequest) -> StreamingHttpResponse:
    """The entries of the month as a CSV file."""
    user, first = current_user(request), _month(request, now())
    deployment = _deployment(request, user)
    rows = sleep_months.entries_of(
        user, first, team=request.GET.get("team", ""), deployment=deployment.pk if deployment else None
    )
    return download(f"sleep-{first:%Y-%m}.csv", HEAD, _cells(rows.iterator(500)))


def _cells(rows: Iterator[SleepEntry]) -> Iterator[Sequence[object]]:
    for row in rows:
        size = (row.cpu_m, row.memory, row.gpus)
        price = (row.basis, row.price, row.price_version, row.currency, row.amount, row.unpriced)
        span = (row.start.isoformat(), row.end.isoformat(), "yes" if row.is_open else "")
        slots = (row.slots, row.released_seconds)
        yield (row.kind, row.deployment.slug, row.team.name, *span, *slots, *size, *price, row.words)


def _month(request: HttpRequest, at: datetime) -> date:
    text = request.GET.get("month", "")
    if not text:
        return at.astimezone(UTC).date().replace(day=1)
    try:
        found = date.fromisoformat(f"{text}-01")
    except ValueError as problem:
        raise Http404("There is no such month.") from problem
    if not 2000 <= found.year <= 9000:
        raise Http404("There is no such month.")
    return found


def _deployment(request: HttpRequest, user: User) -> Deployment | None:
    slug = request.GET.get("deployment", "")
    if not slug:
        return None
    found = Deployment.objects.visible_to(user).filter(slug=slug).first()
    if found is None:
        raise Http404
    return found


def _columns(days: Sequence[DayOf]) -> list[DayColumn]:
    most = max((day.running + day.released for day in days), default=0) or 1
    step = 1000 / max(1, len(days))
    found = []
    for place, day in enumerate(days):
        running, kept = (day.running - day.given_up) / most * 1000, day.given_up / most * 1000
        released = day.released / most * 1000
        top = 1000 - running
        found.append(
            DayColumn(
                day=day,
                x=f"{place * step + step * 0.1:.1f}",
                width=f"{step * 0.8:.1f}",
                running=(f"{top:.1f}", f"{running:.1f}"),
                kept=(f"{top - kept:.1f}", f"{kept:.1f}"),
                released=(f"{top - kept - released:.1f}", f"{released:.1f}"),
            )
        )
    return found


def _forecast(month: Month) -> str:
    """The whole month at the pace so far; empty where it is over, mixed or too young to say."""
    span = sleep_months.span_of(month.first)
    passed = (month.upto - span.start).total_seconds()
    amount = month.released.total.amount
    if amount.value is None or month.upto >= span.end or passed < 3 * 86400 or not amount.value:
        return ""
    return Amount.known(amount.value * span.seconds / int(passed), amount.currency).short
