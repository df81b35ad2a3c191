"""Decisions as they are stored when they change, so that last week's can be explained after schedules are gone."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from deployments.domain.sleep.schedule.decisions import Check, Decision, Outcome, Source, Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A decision and since when it held; it holds until the next one of the same deployment."""

    at: datetime
    decision: Decision


def must_store(last: Decision | None, now: Decision) -> bool:
    """Whether `now` differs from the last stored decision in more than words."""
    return last is None or last.signature != now.signature


def why(history: Sequence[Stored], at: datetime) -> Stored | None:
    """What held at `at`; `history` is sorted by `at`. None: nothing was decided yet."""
    place = bisect_right(history, at, key=lambda one: one.at)
    return history[place - 1] if place else None


def to_json(decision: Decision) -> dict[str, Any]:
    """Plain JSON with everything that a person is shown; instants in ISO 8601 with their offset."""
    return {
        "asleep": decision.asleep,
        "target": decision.target,
        "step": decision.step.value,
        "words": decision.words,
        "source": asdict(decision.source),
        "start": decision.start.isoformat() if decision.start else None,
        "end": decision.end.isoformat() if decision.end else None,
        "checks": [
            {"step": check.step.value, "outcome": check.outcome.value, "words": check.words}
            for check in decision.checks
        ],
    }


def from_json(data: Mapping[str, Any]) -> Decision:
    """Of `to_json`; raises `KeyError`, `TypeError` or `ValueError` for anything else."""
    return Decision(
        asleep=bool(data["asleep"]),
        target=data["target"],
        step=Step(data["step"]),
        words=str(data["words"]),
        source=Source(**data["source"]),
        start=datetime.fromisoformat(data["start"]) if data["start"] else None,
        end=datetime.fromisoformat(data["end"]) if data["end"] else None,
        checks=tuple(
            Check(step=Step(one["step"]), outcome=Outcome(one["outcome"]), words=str(one["words"]))
            for one in data["checks"]
        ),
    )
