from datetime import timedelta
from typing import Any

import pytest

from deployments.domain.status.rollout import RolloutFacts, StepMark, propose_deadline_s, rollout_steps
from deployments.tests.domain.cluster import NOW

D, A, S, B, W = StepMark.DONE, StepMark.ACTIVE, StepMark.STUCK, StepMark.BAD, StepMark.WAITING


def steps(seconds: list[float | None], *, now: float, **more: Any) -> list[tuple[StepMark, float | None]]:
    """Seconds after saving of: applied, first pod, ready, complete."""
    keys = ("applied_at", "first_pod_at", "ready_at", "complete_at")
    instants: dict[str, Any] = {
        key: NOW + timedelta(seconds=value) for key, value in zip(keys, seconds, strict=False) if value is not None
    }
    facts = RolloutFacts(saved_at=NOW, is_bad=more.pop("is_bad", False), **instants)
    found = rollout_steps(facts, at=NOW + timedelta(seconds=now), **more)
    return [(step.mark, step.took_s) for step in found]


@pytest.mark.parametrize(
    ("seconds", "now", "more", "marks"),
    [
        ([1, 3, 20, 25], 100, {}, [D, D, D, D, D]),
        ([], 2, {}, [D, A, W, W, W]),
        ([], 31, {}, [D, S, W, W, W]),
        ([1], 60, {}, [D, D, A, W, W]),
        ([1], 200, {}, [D, D, S, W, W]),
        ([1, 3], 300, {}, [D, D, D, A, W]),
        ([1, 3], 300, {"usual_start_s": 30.0}, [D, D, D, S, W]),
        ([1, 3], 50, {"usual_start_s": 5.0}, [D, D, D, A, W]),
        ([1, 3], 10, {"is_bad": True}, [D, D, D, B, W]),
        ([1, 3], 10, {"is_over": True}, [D, D, D, W, W]),
    ],
)
def test_marks(seconds: list[float | None], now: float, more: dict[str, Any], marks: list[StepMark]) -> None:
    assert [mark for mark, _ in steps(seconds, now=now, **more)] == marks


def test_durations_are_of_each_step_and_never_negative() -> None:
    assert [took for _, took in steps([1, 3, 20, 25], now=100)] == [0, 1, 2, 17, 5]
    assert [took for _, took in steps([5, 3, 20], now=30)] == [0, 5, 0, 15, 10]


@pytest.mark.parametrize(
    ("starts", "deadline"),
    [
        ([], 600),
        ([900.0, 900.0], 600),
        ([10.0, 12.0, 20.0], 120),
        ([100.0, 250.0, 310.0], 660),
        ([50_000.0] * 3, 21_600),
    ],
)
def test_proposed_deadline(starts: list[float], deadline: int) -> None:
    assert propose_deadline_s(starts) == deadline
