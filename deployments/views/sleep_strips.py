"""Stretches of sleep as bars of a strip: where they begin and end, from left to right, for SVG that stretches."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from deployments.domain.sleep.schedule import zones
from deployments.domain.sleep.schedule.coming import Stretch
from deployments.domain.sleep.schedule.decisions import Decision, Step
from deployments.domain.sleep.schedule.windows import Span

WIDTH: Final = 1000


@dataclass(frozen=True, kw_only=True)
class Bar:
    """`kind` is its class: asleep, kept, frozen, held or awake; `x` and `width` of 1000; `words` its tooltip."""

    kind: str
    x: str
    width: str
    words: str


@dataclass(frozen=True, kw_only=True)
class Tick:
    x: str
    words: str


def place(at: datetime, span: Span) -> float:
    """From 0 at the start of `span` to 1000 at its end."""
    share = (at - span.start).total_seconds() / max(1, span.seconds)
    return WIDTH * min(1.0, max(0.0, share))


def bar(kind: str, of: Span, span: Span, words: str) -> Bar:
    left, right = place(of.start, span), place(of.end, span)
    return Bar(kind=kind, x=f"{left:.1f}", width=f"{max(0.0, right - left):.1f}", words=words)


def kind_of(decision: Decision) -> str:
    if decision.asleep:
        return "asleep"
    if decision.step in (Step.KEEP_AWAKE, Step.EXEMPTION):
        return "kept"
    return "frozen" if decision.step is Step.FREEZE else "awake"


def bars(stretches: Iterable[Stretch], span: Span, zone: str) -> list[Bar]:
    """Those that are not plainly awake, within `span`; wall times of `zone` in their words."""
    joined: list[tuple[str, Span]] = []
    for one in stretches:
        kind = kind_of(one.decision)
        if kind == "awake" or one.span.start >= span.end or one.span.end <= span.start:
            continue
        if joined and joined[-1][0] == kind and joined[-1][1].end == one.span.start:
            joined[-1] = (kind, Span(joined[-1][1].start, one.span.end))
        else:
            joined.append((kind, one.span))
    return [bar(kind, of, span, f"{wall(of.start, zone)} to {wall(of.end, zone)}") for kind, of in joined]


def hours(span: Span, zone: str, *, every: int = 2) -> list[Tick]:
    """Full hours of `zone` in `span`, every so many."""
    found, at = [], span.start
    while at <= span.end:
        local = at.astimezone(zones.load(zone))
        if local.minute == 0 and local.hour % every == 0:
            found.append(Tick(x=f"{place(at, span):.1f}", words=f"{local:%H:%M}"))
        at += timedelta(minutes=30)
    return found


def wall(at: datetime, zone: str) -> str:
    """What a clock of the zone shows."""
    return f"{at.astimezone(zones.load(zone)):%a %d %b %H:%M}"
