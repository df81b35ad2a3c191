"""What keep-awakes and exemptions gave up: time in which it would have slept without them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise

from deployments.domain.sleep.schedule import coming
from deployments.domain.sleep.schedule.decisions import Step, decide
from deployments.domain.sleep.schedule.layers import Inputs
from deployments.domain.sleep.schedule.windows import Span


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenUp:
    """Time in which the keep-awake or exemption `key` kept awake what would have slept at `target` replicas."""

    step: Step
    key: str
    span: Span
    target: int
    words: str


def given_up(inputs: Inputs, start: datetime, end: datetime) -> tuple[GivenUp, ...]:
    """In [start, end), by the one that decided: of several at a time only the first, so that nothing counts twice."""
    without = replace(inputs, keep_awake=(), layers=tuple(replace(layer, exemptions=()) for layer in inputs.layers))
    found: list[GivenUp] = []
    for one in _pieces(inputs, without, start, end):
        last = found[-1] if found else None
        is_same = last is not None and (last.key, last.step, last.target) == (one.key, one.step, one.target)
        if last is not None and is_same and last.span.end == one.span.start:
            found[-1] = replace(last, span=Span(last.span.start, one.span.end))
        else:
            found.append(one)
    return tuple(found)


def _pieces(inputs: Inputs, without: Inputs, start: datetime, end: datetime) -> Iterator[GivenUp]:
    bounds = sorted({start, *coming.edges(inputs, start, end), end}) if start < end else []
    for left, right in pairwise(bounds):
        decision = decide(inputs, at=left)
        if decision.step not in (Step.KEEP_AWAKE, Step.EXEMPTION):
            continue
        other = decide(without, at=left)
        if other.asleep:
            yield GivenUp(
                step=decision.step,
                key=decision.source.key,
                span=Span(left, right),
                target=other.target or 0,
                words=decision.words,
            )
