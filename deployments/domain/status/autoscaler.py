"""What an autoscaler measures, wants and did, in words, from its own status, conditions and events.

The reasons are those of the HorizontalPodAutoscaler controller (kubernetes/pkg/controller/podautoscaler).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from baristaweb.lib.looks import Tone
from deployments.domain.apiserver.objects import condition, instant, message, number, obj, objects, text
from deployments.domain.text.quantities import QuantityError, human_cpu, human_memory, parse_cpu, parse_memory

RESCALED: Final = "SuccessfulRescale"
DEFAULT_DOWN_WINDOW_S: Final = 300  # what the controller waits before it removes pods when nothing is set
_NEW_SIZE: Final = re.compile(r"New size: (\d{1,9}); reason: (.+)", re.DOTALL)
_METRIC_MOVED: Final = re.compile(
    r"([a-z0-9./-]+) (?:container )?resource utilization .*(above|below) target", re.DOTALL
)
_NAMES: Final = {"cpu": "CPU", "memory": "Memory"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One thing that it looks at. `current` empty: not measured. `percent` is current against target, for a bar."""

    label: str
    target: str
    current: str
    percent: int | None


@dataclass(frozen=True, slots=True)
class Note:
    """What holds it back, or that nothing does."""

    words: str
    tone: Tone


@dataclass(frozen=True, slots=True)
class Rescale:
    """A SuccessfulRescale event: its message and its last time."""

    said: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaling:
    """`why` is the sentence on the last change; `scaled_at` None: it has never changed the number."""

    now: int
    wanted: int
    least: int
    most: int
    metrics: tuple[Metric, ...]
    scaled_at: datetime | None
    why: str
    notes: tuple[Note, ...]


def scaling(hpa: Mapping[str, Any] | None, rescales: Sequence[Rescale] = ()) -> Scaling | None:
    """None without an autoscaler. `rescales` in any order."""
    if hpa is None:
        return None
    newest = sorted(rescales, key=lambda item: item.at, reverse=True)
    scaled_at = instant(hpa, "status", "lastScaleTime") or (newest[0].at if newest else None)
    return Scaling(
        now=number(hpa, "status", "currentReplicas"),
        wanted=number(hpa, "status", "desiredReplicas"),
        least=number(hpa, "spec", "minReplicas", default=1),
        most=number(hpa, "spec", "maxReplicas"),
        metrics=tuple(
            _metric(item, objects(hpa, "status", "currentMetrics")) for item in objects(hpa, "spec", "metrics")
        ),
        scaled_at=scaled_at,
        why=_why(newest, scaled_at),
        notes=tuple(_notes(hpa)),
    )


def _metric(wanted: Mapping[str, Any], seen: Sequence[Mapping[str, Any]]) -> Metric:
    kind, name = _identity(wanted)
    found = next((item for item in seen if _identity(item) == (kind, name)), {})
    target, current = obj(wanted, kind, "target"), obj(found, kind, "current")
    share = target.get("averageUtilization")
    if isinstance(share, int):
        now = current.get("averageUtilization")
        return Metric(
            label=f"{_NAMES.get(name, name)} of the request",
            target=f"{share} %",
            current=f"{now} %" if isinstance(now, int) else "",
            percent=round(100 * now / share) if isinstance(now, int) and share > 0 else None,
        )
    key = "averageValue" if "averageValue" in target else "value"
    return Metric(
        label=f"{_NAMES.get(name, name)}{' per pod' if key == 'averageValue' else ''}",
        target=_amount(name, target.get(key)),
        current=_amount(name, current.get(key)),
        percent=None,
    )


def _identity(item: Mapping[str, Any]) -> tuple[str, str]:
    """The key under which a metric of this type is described, and its name."""
    written = text(item, "type")
    kind = written[:1].lower() + written[1:]
    name = text(item, kind, "name") or text(item, kind, "metric", "name")
    return kind, message(name, 80)


def _amount(name: str, value: object) -> str:
    if not isinstance(value, str):
        return ""
    try:
        if name == "cpu":
            return human_cpu(parse_cpu(value))
        return human_memory(parse_memory(value)) if name == "memory" else message(value, 40)
    except QuantityError:
        return message(value, 40)


def _why(newest: Sequence[Rescale], scaled_at: datetime | None) -> str:
    if scaled_at is None:
        return "It has not changed the number of pods yet."
    read = [(found, item) for item in newest if (found := _NEW_SIZE.match(item.said))]
    if not read:
        return "Why is not known: no event of it was seen."
    size, reason = int(read[0][0].group(1)), read[0][0].group(2)
    before = int(read[1][0].group(1)) if len(read) > 1 else None
    pods = "1 pod" if size == 1 else f"{size} pods"
    steps = f"from {before} to {pods}" if before is not None and before != size else f"to {pods}"
    return f"Scaled {steps}: {_reason(reason)}."


def _reason(said: str) -> str:
    moved = _METRIC_MOVED.match(said)
    if moved:
        return f"{_NAMES.get(moved.group(1), moved.group(1))} was {moved.group(2)} its target"
    known = {
        "All metrics below target": "every metric was below its target",
        "Current number of replicas below Spec.MinReplicas": "there were fewer pods than the minimum",
        "Current number of replicas above Spec.MaxReplicas": "there were more pods than the maximum",
    }
    return known.get(said.strip(), message(said, 200).rstrip("."))


def _notes(hpa: Mapping[str, Any]) -> list[Note]:
    notes = [note for note in (_active(hpa), _able(hpa), _limited(hpa)) if note is not None]
    most, wanted = number(hpa, "spec", "maxReplicas"), number(hpa, "status", "desiredReplicas")
    if most and wanted >= most and not any(note.tone is Tone.WARN for note in notes):
        notes.append(Note("At its maximum: it cannot grow further.", Tone.WARN))
    return notes


def _active(hpa: Mapping[str, Any]) -> Note | None:
    found = condition(hpa, "ScalingActive")
    if found.get("status") != "False":
        return None
    reason, said = text(found, "reason"), message(text(found, "message"), 300)
    if reason == "ScalingDisabled":
        return Note("Off while there are no pods: it does not start from zero.", Tone.QUIET)
    if reason.startswith("FailedGet"):
        return Note(f"It does not scale: the cluster has no figures for it. {said}".strip(), Tone.WARN)
    return Note(f"It does not scale: {said or reason}", Tone.WARN)


def _able(hpa: Mapping[str, Any]) -> Note | None:
    found = condition(hpa, "AbleToScale")
    reason = text(found, "reason")
    if found.get("status") == "False":
        return Note(f"It cannot change the number of pods: {message(text(found, 'message'), 300) or reason}", Tone.WARN)
    if reason == "ScaleDownStabilized":
        window = _window(hpa, "scaleDown", DEFAULT_DOWN_WINDOW_S)
        return Note(f"It keeps the highest number that it wanted in the last {window}.", Tone.QUIET)
    if reason == "ScaleUpStabilized":
        return Note(f"It keeps the lowest number that it wanted in the last {_window(hpa, 'scaleUp', 0)}.", Tone.QUIET)
    return None


def _limited(hpa: Mapping[str, Any]) -> Note | None:
    found = condition(hpa, "ScalingLimited")
    if found.get("status") != "True":
        return None
    least, most = number(hpa, "spec", "minReplicas", default=1), number(hpa, "spec", "maxReplicas")
    reason = text(found, "reason")
    if reason == "TooManyReplicas":
        return Note(f"Needs more than its maximum of {most}: it cannot grow further.", Tone.WARN)
    if reason == "TooFewReplicas":
        return Note(f"The load needs fewer than its minimum of {least}.", Tone.QUIET)
    if reason == "ScaleUpLimit":
        return Note("It grows step by step: more pods at once are not allowed.", Tone.QUIET)
    if reason == "ScaleDownLimit":
        return Note("It shrinks step by step: fewer pods at once are not allowed.", Tone.QUIET)
    return Note(message(text(found, "message"), 300) or reason, Tone.QUIET)


def _window(hpa: Mapping[str, Any], direction: str, default: int) -> str:
    seconds = number(hpa, "spec", "behavior", direction, "stabilizationWindowSeconds", default=default)
    return f"{seconds} s" if seconds % 60 or not seconds else f"{seconds // 60} min"
