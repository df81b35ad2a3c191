"""Two weeks of sleep: of many deployments side by side, and of one day by day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from baristaweb.lib.clock import now
from deployments.access import current_user
from deployments.domain.sleep.schedule import coming, zones
from deployments.domain.sleep.schedule.layers import Inputs, OpenSleep
from deployments.domain.sleep.schedule.windows import Span
from deployments.models import Deployment
from deployments.queries import sleep as queries
from deployments.queries import sleep_plan
from deployments.queries.sleep_layers import said
from deployments.views import sleep_strips
from deployments.views.sleep_night import frame
from deployments.views.sleep_strips import Bar, Tick

PAGE_SIZE = 25
DAYS = 14


@dataclass(frozen=True, kw_only=True)
class DayLine:
    """One day of one deployment, 23 to 25 hours, as it will be if nothing is edited."""

    day: date
    holiday: str
    bars: list[Bar]
    hours: float
    length: float
    is_today: bool


@dataclass(frozen=True, kw_only=True)
class Fortnight:
    deployment: Deployment
    bars: list[Bar]
    hours: float
    decides: str


@require_safe
def weeks(request: HttpRequest) -> HttpResponse:
    """The fleet's next fourteen days, a line for each deployment with a schedule."""
    at, user = now(), current_user(request)
    known = said(at=at)
    rows = sleep_plan.covered_for(user, known, team=request.GET.get("team", ""))
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    awake = queries.keep_awakes_of([row.pk for row in page.object_list], at=at)
    inputs = [queries.inputs_of(row, known, awake.get(row.pk, ())) for row in page.object_list]
    zone = next((queries.zone_in(one) for one in inputs), "UTC")
    span = _days(zone, zones.local_day(zone, at))
    context = frame(request, user, "sleep-weeks") | {
        "page": page,
        "page_numbers": page.paginator.get_elided_page_range(page.number),
        "rows": [_fortnight(row, one, span, at) for row, one in zip(page.object_list, inputs, strict=True)],
        "zone": zone,
        "days": day_ticks(zone, span),
        "now_x": f"{sleep_strips.place(at, span):.1f}",
    }
    return render(request, "sleep/weeks.html", context)


def _days(zone: str, first: date) -> Span:
    return Span(zones.resolve(zone, first, 0), zones.resolve(zone, first + timedelta(days=DAYS), 0))


def day_ticks(zone: str, span: Span) -> list[Tick]:
    """Where each day begins, with its name."""
    first = zones.local_day(zone, span.start)
    days = [first + timedelta(days=passed) for passed in range(DAYS)]
    return [
        Tick(x=f"{sleep_strips.place(zones.resolve(zone, day, 0), span):.1f}", words=f"{day:%a} {day.day}")
        for day in days
    ]


def _fortnight(row: Deployment, inputs: Inputs, span: Span, at: datetime) -> Fortnight:
    zone = queries.zone_in(inputs)
    sleeping = row.sleep_for_plan.open_sleep if row.sleep_for_plan else None
    ahead = coming.stretches(inputs, at, span.end, sleeping=sleeping)
    layer, _ = inputs.weekly()
    past = (
        [sleep_strips.bar("asleep", Span(max(sleeping.since, span.start), at), span, "until now")] if sleeping else []
    )
    return Fortnight(
        deployment=row,
        bars=past + sleep_strips.bars(ahead, span, zone),
        hours=sum(one.span.hours for one in ahead if one.decision.asleep),
        decides=f"{layer.level.value} {layer.name}, {zone}" if layer else zone,
    )


def day_lines(
    inputs: Inputs, zone: str, *, at: datetime, sleeping: OpenSleep | None = None, days: int = DAYS
) -> list[DayLine]:
    """The next days of one deployment from today."""
    today = zones.local_day(zone, at)
    rows = coming.strip(inputs, zone=zone, first=today, days=days, at=at, sleeping=sleeping)
    return [
        DayLine(
            day=row.day,
            holiday=row.holiday,
            bars=sleep_strips.bars(row.stretches, row.span, zone),
            hours=row.asleep_hours,
            length=row.span.hours,
            is_today=row.day == today,
        )
        for row in rows
    ]


def clock_changes(zone: str, lines: Sequence[DayLine]) -> list[str]:
    """What to know of days that are no 24 hours long."""
    odd = (line for line in lines if line.length != 24)
    return [f"{line.day:%a %d %b} has {line.length:g} hours: clocks change in {zone}." for line in odd]
