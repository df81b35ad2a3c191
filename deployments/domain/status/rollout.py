"""The steps of one rollout, with times, for the strip on a deployment's page."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final


class StepMark(StrEnum):
    DONE = "done"
    ACTIVE = "active"
    STUCK = "stuck"
    BAD = "bad"
    WAITING = "waiting"


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutFacts:
    """Instants as they were seen; None for what has not happened. `is_bad`: a pod fails or the cluster refused."""

    saved_at: datetime
    applied_at: datetime | None = None
    first_pod_at: datetime | None = None
    ready_at: datetime | None = None
    complete_at: datetime | None = None
    is_bad: bool = False
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """`took_s` is the time since the step before, so far when the step is not done. None when it has not begun."""

    name: str
    mark: StepMark
    at: datetime | None
    took_s: float | None
    note: str = ""


NAMES: Final = ("Saved", "Applied", "First pod started", "Ready", "Complete")

_ENOUGH_STARTS: Final = 3

# After these a step that is still open is called stuck: an apply is seconds, a large model loads for minutes.
_PATIENCE: Final = {
    "Applied": timedelta(seconds=30),
    "First pod started": timedelta(minutes=2),
    "Ready": timedelta(minutes=10),
    "Complete": timedelta(minutes=15),
}


def rollout_steps(
    facts: RolloutFacts, *, at: datetime, usual_start_s: float | None = None, is_over: bool = False
) -> tuple[Step, ...]:
    """`usual_start_s`: how long this model's pods took to become ready before; three times that is stuck.

    `is_over`: the revision was replaced, so open steps will never happen.
    """
    seen = (facts.saved_at, facts.applied_at, facts.first_pod_at, facts.ready_at, facts.complete_at)
    steps: list[Step] = []
    before = facts.saved_at
    is_open = False
    for name, happened in zip(NAMES, seen, strict=True):
        if is_open or (happened is None and is_over):
            is_open = True
            steps.append(Step(name, StepMark.WAITING, None, None))
        elif happened is not None:
            # Clocks of the cluster and of the database differ by a little: never show a negative duration.
            steps.append(Step(name, StepMark.DONE, happened, max(0.0, (happened - before).total_seconds())))
            before = max(before, happened)
        else:
            is_open = True
            waited = at - before
            steps.append(
                Step(name, _mark(name, waited, facts, usual_start_s), None, waited.total_seconds(), facts.problem)
            )
    return tuple(steps)


def _mark(name: str, waited: timedelta, facts: RolloutFacts, usual_start_s: float | None) -> StepMark:
    if facts.is_bad:
        return StepMark.BAD
    patience = _PATIENCE[name]
    if name == "Ready" and usual_start_s is not None:
        patience = max(timedelta(seconds=60), timedelta(seconds=usual_start_s * 3))
    return StepMark.STUCK if waited > patience else StepMark.ACTIVE


def propose_deadline_s(starts_s: Sequence[float], *, default_s: int = 600) -> int:
    """A progress deadline from how long pods took to become ready: twice the slowest, in whole minutes.

    The default while there are fewer than three observations; never below two minutes nor above six hours.
    """
    if len(starts_s) < _ENOUGH_STARTS:
        return default_s
    minutes = -(-int(max(starts_s) * 2) // 60)
    return min(max(minutes * 60, 120), 6 * 3600)
