"""What an autoscaler does and why, in words."""

from datetime import timedelta
from typing import Any

import pytest

from baristaweb.lib.looks import Tone
from deployments.domain.status.autoscaler import Metric, Rescale, scaling
from deployments.tests.domain.cluster import NOW, condition, stamp

ABOVE = "New size: 4; reason: cpu resource utilization (percentage of request) above target"
BELOW = "New size: 1; reason: All metrics below target"


def hpa(*conditions: dict[str, Any], **status: Any) -> dict[str, Any]:
    return {
        "spec": {
            "minReplicas": 2,
            "maxReplicas": 8,
            "metrics": [
                {"type": "Resource", "resource": {"name": "cpu", "target": {"averageUtilization": 70}}},
                {"type": "Resource", "resource": {"name": "memory", "target": {"averageValue": "2Gi"}}},
            ],
        },
        "status": {
            "currentReplicas": 3,
            "desiredReplicas": 4,
            "lastScaleTime": stamp(300),
            "currentMetrics": [
                {"type": "Resource", "resource": {"name": "memory", "current": {"averageValue": "1536Mi"}}},
                {"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": 84}}},
            ],
            "conditions": list(conditions),
            **status,
        },
    }


def rescale(said: str, seconds_ago: float = 300) -> Rescale:
    return Rescale(said, NOW - timedelta(seconds=seconds_ago))


def test_without_an_autoscaler_there_is_nothing_to_say() -> None:
    assert scaling(None) is None


def test_metrics_are_found_by_name_and_say_what_they_are_of() -> None:
    found = scaling(hpa())
    assert found is not None
    assert (found.now, found.wanted, found.least, found.most) == (3, 4, 2, 8)
    assert found.metrics == (
        Metric(label="CPU of the request", target="70 %", current="84 %", percent=120),
        Metric(label="Memory per pod", target="2 GiB", current="1.5 GiB", percent=None),
    )
    assert found.notes == ()


def test_what_was_not_measured_is_not_zero() -> None:
    found = scaling(hpa(currentMetrics=None))
    assert found is not None
    assert [(item.current, item.percent) for item in found.metrics] == [("", None), ("", None)]


@pytest.mark.parametrize(
    ("rescales", "says"),
    [
        ([rescale(ABOVE)], "Scaled to 4 pods: CPU was above its target."),
        ([rescale(BELOW, 900), rescale(ABOVE)], "Scaled from 1 to 4 pods: CPU was above its target."),
        ([rescale(ABOVE, 900), rescale(BELOW)], "Scaled from 4 to 1 pod: every metric was below its target."),
        (
            [rescale("New size: 2; reason: Current number of replicas below Spec.MinReplicas")],
            "Scaled to 2 pods: there were fewer pods than the minimum.",
        ),
        (
            [rescale("New size: 3; reason: memory resource utilization (percentage of request) above target")],
            "Scaled to 3 pods: Memory was above its target.",
        ),
        (
            [rescale("New size: 3; reason: pods metric queue_length above target")],
            "Scaled to 3 pods: pods metric queue_length above target.",
        ),
        ([], "Why is not known: no event of it was seen."),
        ([rescale("something else")], "Why is not known: no event of it was seen."),
    ],
)
def test_why_it_scaled(rescales: list[Rescale], says: str) -> None:
    found = scaling(hpa(), rescales)
    assert found is not None
    assert found.why == says
    assert found.scaled_at == NOW - timedelta(seconds=300)


def test_one_that_never_scaled_says_so() -> None:
    found = scaling(hpa(lastScaleTime=None))
    assert found is not None
    assert (found.scaled_at, found.why) == (None, "It has not changed the number of pods yet.")


@pytest.mark.parametrize(
    ("kind", "status", "reason", "said", "words", "tone"),
    [
        ("ScalingLimited", "True", "TooManyReplicas", "", "more than its maximum of 8", Tone.WARN),
        ("ScalingLimited", "True", "TooFewReplicas", "", "fewer than its minimum of 2", Tone.QUIET),
        ("ScalingLimited", "True", "ScaleUpLimit", "", "grows step by step", Tone.QUIET),
        ("ScalingLimited", "True", "Other", "held by a rule", "held by a rule", Tone.QUIET),
        ("ScalingActive", "False", "ScalingDisabled", "", "does not start from zero", Tone.QUIET),
        (
            "ScalingActive",
            "False",
            "FailedGetResourceMetric",
            "no metrics API",
            "no figures for it. no metrics",
            Tone.WARN,
        ),
        ("ScalingActive", "False", "InvalidSelector", "bad selector", "does not scale: bad selector", Tone.WARN),
        (
            "AbleToScale",
            "False",
            "FailedUpdateScale",
            "forbidden",
            "cannot change the number of pods: forbidden",
            Tone.WARN,
        ),
        (
            "AbleToScale",
            "True",
            "ScaleDownStabilized",
            "",
            "the highest number that it wanted in the last 5 min",
            Tone.QUIET,
        ),
    ],
)
def test_what_holds_it_back(kind: str, status: str, reason: str, said: str, words: str, tone: Tone) -> None:
    found = scaling(hpa(condition(kind, status, reason, said)))
    assert found is not None
    (note,) = found.notes
    assert words in note.words
    assert note.tone is tone


@pytest.mark.parametrize(
    ("kind", "status", "reason"),
    [("ScalingLimited", "False", "DesiredWithinRange"), ("AbleToScale", "True", "ReadyForNewScale")],
)
def test_what_is_in_order_is_not_said(kind: str, status: str, reason: str) -> None:
    found = scaling(hpa(condition(kind, status, reason)))
    assert found is not None
    assert found.notes == ()


def test_the_waiting_time_is_the_one_that_is_set() -> None:
    with_window = hpa(condition("AbleToScale", "True", "ScaleDownStabilized"))
    with_window["spec"]["behavior"] = {"scaleDown": {"stabilizationWindowSeconds": 90}}
    found = scaling(with_window)
    assert found is not None
    assert "in the last 90 s" in found.notes[0].words


def test_at_its_most_is_said_once() -> None:
    found = scaling(hpa(desiredReplicas=8))
    assert found is not None
    assert [note.words for note in found.notes] == ["At its maximum: it cannot grow further."]
    found = scaling(hpa(condition("ScalingLimited", "True", "TooManyReplicas"), desiredReplicas=8))
    assert found is not None
    assert len(found.notes) == 1


@pytest.mark.parametrize("strange", [{}, {"spec": None, "status": []}, {"status": {"conditions": "x"}}])
def test_a_strange_answer_breaks_nothing(strange: dict[str, Any]) -> None:
    found = scaling(strange)
    assert found is not None
    assert found.metrics == ()
