"""Tonight and this morning on one page: what sleeps, what does not and why, and how the last wakes went."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from baristaweb.lib.clock import now
from deployments.access import current_user
from deployments.domain.sleep.schedule.windows import Span
from deployments.models import Team, User
from deployments.queries import sleep_plan
from deployments.queries.sleep_plan import Fate, Morning, Night, Tonight
from deployments.views import sleep_strips
from deployments.views.sleep_strips import Bar

PAGE_SIZE = 50
# The chart of the morning: minutes around the due time.
EARLY, LATE = timedelta(minutes=15), timedelta(minutes=45)


@dataclass(frozen=True, kw_only=True)
class NightRow:
    night: Night
    bars: list[Bar]
    window: str
    tone: str
    icon: str


@dataclass(frozen=True, kw_only=True)
class MorningRow:
    morning: Morning
    bar: Bar
    due: str
    words: str


LOOKS = {
    Fate.ASLEEP: ("sleep", "moon"),
    Fate.SLEEPS: ("quiet", "moon"),
    Fate.KEPT: ("warn", "sun"),
    Fate.EXEMPT: ("warn", "sun"),
    Fate.FROZEN: ("warn", "lock"),
    Fate.HELD: ("warn", "git-compare"),
    Fate.AWAKE: ("ok", "circle-check"),
}


@require_safe
def tonight(request: HttpRequest) -> HttpResponse:
    """Of all teams that the user sees, or of one."""
    at, user = now(), current_user(request)
    team = request.GET.get("team", "")
    found = sleep_plan.tonight(user, at=at, team=team)
    page = Paginator(found.nights, PAGE_SIZE).get_page(request.GET.get("page"))
    context = frame(request, user, "sleep") | {
        "night": found,
        "counts": _counts(found),
        "page": page,
        "page_numbers": page.paginator.get_elided_page_range(page.number),
        "rows": [_row(night, found, at) for night in page.object_list],
        "ticks": sleep_strips.hours(found.span, found.zone),
        "now_x": f"{sleep_strips.place(at, found.span):.1f}",
        "mornings": [_morning(one, found.zone) for one in found.mornings[:PAGE_SIZE]],
        "begins": sleep_strips.wall(found.span.start, found.zone),
        "ends": sleep_strips.wall(found.span.end, found.zone),
    }
    return render(request, "sleep/tonight.html", context)


def frame(request: HttpRequest, user: User, tab: str) -> dict[str, Any]:
    """What all pages of sleep share: their tabs, and the teams to choose from."""
    teams = Team.objects.order_by("name")
    if not user.sees_everything:
        teams = teams.filter(pk__in=list(user.roles))
    return {"tab": tab, "teams": list(teams[:200]), "team": request.GET.get("team", "")}


def _counts(found: Tonight) -> dict[str, int]:
    return {
        "asleep": len(found.asleep),
        "already": len(found.of(Fate.ASLEEP)),
        "kept": len(found.of(Fate.KEPT)),
        "exempt": len(found.of(Fate.EXEMPT)),
        "held": len(found.of(Fate.HELD)),
        "frozen": len(found.of(Fate.FROZEN)),
        "awake": len(found.of(Fate.AWAKE)),
        "in_time": len(found.mornings) - len(found.late),
    }


def _row(night: Night, found: Tonight, at: datetime) -> NightRow:
    bars = sleep_strips.bars(night.stretches, found.span, found.zone)
    if night.fate is Fate.ASLEEP and night.span is not None and night.span.start < at:
        past = Span(max(night.span.start, found.span.start), at)
        bars.insert(0, sleep_strips.bar("asleep", past, found.span, "asleep until now"))
    if night.fate is Fate.HELD and night.span is not None:
        bars = [sleep_strips.bar("held", night.span, found.span, night.words)]
    window = ""
    if night.span is not None:
        left, right = (sleep_strips.wall(edge, found.zone) for edge in (night.span.start, night.span.end))
        window = f"{left} → {right}"
    tone, icon = LOOKS[night.fate]
    return NightRow(night=night, bars=bars, window=window, tone=tone, icon=icon)


def _morning(one: Morning, zone: str) -> MorningRow:
    record = one.record
    started, due = record.wake_started_at or record.opened_at, record.wake_due_at or record.wake_started_at
    due = due or record.opened_at
    around = Span(due - EARLY, due + LATE)
    ready = record.closed_at or around.end
    kind = "late" if one.is_late else "woke"
    words = _how(one)
    shown = Span(min(max(started, around.start), around.end), max(min(ready, around.end), around.start))
    return MorningRow(
        morning=one, bar=sleep_strips.bar(kind, shown, around, words), due=sleep_strips.wall(due, zone), words=words
    )


def _how(one: Morning) -> str:
    late = one.late_seconds
    if late is None:
        return "not ready yet"
    minutes = abs(late) / 60
    return f"{minutes:.1f} min late" if late > 60 else "on time" if late > -60 else f"{minutes:.1f} min early"
