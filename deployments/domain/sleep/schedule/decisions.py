"""Asleep or awake at one instant, and why: a chain of questions of which the first that says anything decides.

Freeze > keep-awake > production's rule > forced sleep > exemption > holiday > weekly window > awake. What cannot be
read never puts anything to sleep, and wakes nothing before the wake that was due when it could last be read.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from deployments.domain.sleep.schedule import calendars, windows
from deployments.domain.sleep.schedule.calendars import Holidays
from deployments.domain.sleep.schedule.layers import Broken, Freeze, Grant, Inputs, Layer, OpenSleep
from deployments.domain.sleep.schedule.windows import Schedule

_MOMENT: Final = timedelta(microseconds=1)


class Step(StrEnum):
    """The questions in the order in which they are asked."""

    FREEZE = "freeze"
    KEEP_AWAKE = "keep-awake"
    PRODUCTION = "production"
    FORCED_SLEEP = "forced-sleep"
    EXEMPTION = "exemption"
    HOLIDAY = "holiday"
    WEEKLY = "weekly"
    AWAKE = "awake"
    MISSING = "missing"

    @property
    def label(self) -> str:
        return {
            "freeze": "Freeze of the cluster",
            "keep-awake": "Keep-awake",
            "production": "Production",
            "forced-sleep": "Forced sleep",
            "exemption": "Exemption",
            "holiday": "Holiday",
            "weekly": "Weekly window",
            "awake": "Otherwise awake",
            "missing": "Something cannot be read",
        }[self.value]


class Outcome(StrEnum):
    DECIDED = "decided"
    NOTHING = "says nothing"
    NOT_KNOWN = "not known"
    NOT_ASKED = "not asked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What decided: the layer and the version of the thing, as text that outlives both."""

    level: str = ""
    layer: str = ""
    key: str = ""
    version: int = 0
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One question and its answer in words."""

    step: Step
    outcome: Outcome
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """`target` is the replicas to sleep at, None when awake. `start`, `end`: of what decided, None: open."""

    asleep: bool
    target: int | None
    step: Step
    words: str
    source: Source
    start: datetime | None = None
    end: datetime | None = None
    checks: tuple[Check, ...] = ()

    @property
    def signature(self) -> tuple[object, ...]:
        """Equal for two decisions that are stored once."""
        return (self.asleep, self.target, self.step, self.source, self.start, self.end)


def decide(inputs: Inputs, *, at: datetime, sleeping: OpenSleep | None = None) -> Decision:
    """The decision that holds at `at`; `sleeping` is the sleep that is open then."""
    asked: list[Check] = []
    found = _first(inputs, at, sleeping, asked)
    guards, sources = _unread(inputs)
    if found.asleep and guards and not _holds(sleeping, at):
        found = _awake(Step.MISSING, f"awake, as this cannot be read: {'; '.join(guards)}")
    elif not found.asleep and found.step in (Step.AWAKE, Step.MISSING) and sources and _holds(sleeping, at):
        found = _kept_asleep(sleeping, sources)
    return replace(found, checks=tuple(asked) + _rest(asked, found))


def _holds(sleeping: OpenSleep | None, at: datetime) -> bool:
    """Whether an open sleep may go on without knowing more."""
    return sleeping is not None and sleeping.due_at is not None and at < sleeping.due_at


def _kept_asleep(sleeping: OpenSleep | None, reasons: Iterable[str]) -> Decision:
    target, due = (sleeping.target, sleeping.due_at) if sleeping else (0, None)
    words = f"asleep until the wake that was due, as this cannot be read: {'; '.join(reasons)}"
    return Decision(asleep=True, target=target, step=Step.MISSING, words=words, source=Source(), end=due)


def _unread(inputs: Inputs) -> tuple[list[str], list[str]]:
    """What might keep it awake, and what might put it to sleep, that cannot be read."""
    guards = [one.reason for one in (inputs.keep_awake,) if isinstance(one, Broken)]
    guards += [layer.exemptions.reason for layer in inputs.layers if isinstance(layer.exemptions, Broken)]
    sources = [
        one.reason for one in (inputs.forced_sleep, inputs.holidays()[1], inputs.weekly()[1]) if isinstance(one, Broken)
    ]
    return guards, sources


def _first(inputs: Inputs, at: datetime, sleeping: OpenSleep | None, asked: list[Check]) -> Decision:
    questions = (_freeze, _keep_awake, _production, _forced_sleep, _exemption, _holiday, _weekly)
    for question in questions:
        found = question(inputs, at, sleeping)
        if isinstance(found, Decision):
            asked.append(Check(step=found.step, outcome=Outcome.DECIDED, words=found.words))
            return found
        asked.append(found)
    return _awake(Step.AWAKE, "nothing asks for sleep")


def _awake(step: Step, words: str, source: Source | None = None, span: windows.Span | None = None) -> Decision:
    start, end = (span.start, span.end) if span else (None, None)
    return Decision(asleep=False, target=None, step=step, words=words, source=source or Source(), start=start, end=end)


def _freeze(inputs: Inputs, at: datetime, sleeping: OpenSleep | None) -> Decision | Check:
    active: Freeze | Broken | None
    if isinstance(inputs.freezes, Broken):
        active = inputs.freezes
    else:
        active = next((one for one in inputs.freezes if one.covers(at)), None)
    if active is None:
        return _nothing(Step.FREEZE, "none on the cluster")
    if isinstance(active, Broken):
        words, source, start, end = f"not known, so nothing new sleeps: {active.reason}", Source(), None, None
    else:
        words = f"{active.owner}: {active.reason}"
        source, start, end = Source(key=active.key, name=active.reason), active.start, active.end
    if sleeping is not None:
        return _nothing(Step.FREEZE, f"sleeps since before, so its wake is due as ever ({words})")
    return Decision(asleep=False, target=None, step=Step.FREEZE, words=words, source=source, start=start, end=end)


def _keep_awake(inputs: Inputs, at: datetime, sleeping: OpenSleep | None) -> Decision | Check:
    if isinstance(inputs.keep_awake, Broken):
        return _unknown(Step.KEEP_AWAKE, inputs.keep_awake)
    grant = _active(inputs.keep_awake, at)
    if grant is None:
        return _nothing(Step.KEEP_AWAKE, "none")
    return _awake(Step.KEEP_AWAKE, f"{grant.owner}: {grant.reason}", _of_grant(grant), grant.span)


def _production(inputs: Inputs, at: datetime, sleeping: OpenSleep | None) -> Decision | Check:
    if inputs.production is None:
        return _nothing(Step.PRODUCTION, "not production")
    if not inputs.production.allowed:
        return _awake(Step.PRODUCTION, "production never sleeps unless a maintainer allows it")
    return _nothing(Step.PRODUCTION, f"allowed by {inputs.production.allowed_by}: {inputs.production.reason}")


def _forced_sleep(inputs: Inputs, at: datetime, sleeping: OpenSleep | None) -> Decision | Check:
    if isinstance(inputs.forced_sleep, Broken):
        return _unknown(Step.FORCED_SLEEP, inputs.forced_sleep)
    grant = _active(inputs.forced_sleep, at)
    if grant is None:
        return _nothing(Step.FORCED_SLEEP, "none")
    return Decision(
        asleep=True,
        target=grant.target,
        step=Step.FORCED_SLEEP,
        words=f"{grant.owner}: {grant.reason}",
        source=_of_grant(grant),
        start=grant.span.start,
        end=grant.span.end,
    )


def _exemption(inputs: Inputs, at: datetime, sleeping: OpenSleep | None) -> Decision | Check:
    for layer in inputs.layers:
        if isinstance(layer.exemptions, Broken):
            return _unknown(Step.EXEMPTION, layer.exemptions)
        grant = _active(layer.exemptions, at)
        if grant is not None:
            source = _of_grant(grant, layer)
            return _awake(Step.EXEMPTION, f"{grant.owner}: {grant.reason}{_inherited(layer)}", source, grant.span)
    return _nothing(Step.EXEMPTION, "none")


def _holiday(inputs: Inputs, at: datetime, sleeping: OpenSleep | None) -> Decision | Check:
    layer, said = inputs.holidays()
    if isinstance(said, Broken):
        return _unknown(Step.HOLIDAY, said)
    zone = inputs.holiday_zone()
    if layer is None or not isinstance(said, Holidays):
        return _nothing(Step.HOLIDAY, "no layer has a calendar")
    if not zone or isinstance(inputs.weekly()[1], Broken):
        return _unknown(Step.HOLIDAY, Broken("the time zone of the schedule is not known"))
    inside = [one for one in calendars.rests(said, zone, at, at + _MOMENT) if one.span.covers(at)]
    rest = max(inside, key=lambda one: one.span.end, default=None)
    if rest is None:
        return _nothing(Step.HOLIDAY, "not today")
    calendar = rest.calendar
    return Decision(
        asleep=True,
        target=inputs.holiday_target(),
        step=Step.HOLIDAY,
        words=f"{rest.name} of {calendar.name} v{calendar.version}{_inherited(layer)}",
        source=_source(layer, calendar.key, calendar.version, calendar.name),
        start=rest.span.start,
        end=rest.span.end,
    )


def _weekly(inputs: Inputs, at: datetime, sleeping: OpenSleep | None) -> Decision | Check:
    layer, said = inputs.weekly()
    if isinstance(said, Broken):
        return _unknown(Step.WEEKLY, said)
    if layer is None or not isinstance(said, Schedule):
        return _nothing(Step.WEEKLY, "no layer has a schedule")
    found = windows.covering(said, at)
    name = f"{said.name} v{said.version}{_inherited(layer)}"
    if found is None:
        return _nothing(Step.WEEKLY, f"outside the windows of {name}")
    return Decision(
        asleep=True,
        target=said.target,
        step=Step.WEEKLY,
        words=f"{found.window.text} of {name}",
        source=_source(layer, said.key, said.version, said.name),
        start=found.span.start,
        end=found.span.end,
    )


def _active(grants: Iterable[Grant], at: datetime) -> Grant | None:
    """Of several the one that ends last."""
    return max((one for one in grants if one.span.covers(at)), key=lambda one: one.span.end, default=None)


def _of_grant(grant: Grant, layer: Layer | None = None) -> Source:
    name = f"{grant.owner}: {grant.reason}"
    return _source(layer, grant.key, 0, name) if layer else Source(key=grant.key, name=name)


def _source(layer: Layer, key: str, version: int, name: str) -> Source:
    return Source(level=layer.level.value, layer=layer.name, key=key, version=version, name=name)


def _inherited(layer: Layer) -> str:
    return "" if layer.level == "deployment" else f", inherited from {layer.level.value} {layer.name}"


def _nothing(step: Step, words: str) -> Check:
    return Check(step=step, outcome=Outcome.NOTHING, words=words)


def _unknown(step: Step, broken: Broken) -> Check:
    return Check(step=step, outcome=Outcome.NOT_KNOWN, words=broken.reason)


def _rest(asked: list[Check], found: Decision) -> tuple[Check, ...]:
    """The questions after the one that decided, and the last one where nothing did."""
    done = {check.step for check in asked}
    rest = [step for step in Step if step not in done and step is not Step.MISSING]
    if found.step in (Step.AWAKE, Step.MISSING):
        last = Check(step=found.step, outcome=Outcome.DECIDED, words=found.words)
        return (*(Check(step=step, outcome=Outcome.NOT_ASKED, words="") for step in rest if step != Step.AWAKE), last)
    return tuple(Check(step=step, outcome=Outcome.NOT_ASKED, words="") for step in rest)
