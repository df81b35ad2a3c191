"""What each column of a log is for, as proposed from a sample: its role, what to look at first, and why."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from observability.domain.sources.sensitive import masked, suspicion
from observability.domain.specs.spec import FeatureSpec, Kind


class Role(StrEnum):
    """What a column is for."""

    TIME = "time"
    ID = "id"
    VERSION = "version"
    SEGMENT = "segment"
    PREDICTION = "prediction"
    SCORE = "score"
    FEATURE = "feature"
    LEFT_OUT = "left-out"

    @property
    def label(self) -> str:
        return {
            "time": "Event time",
            "id": "Prediction id",
            "version": "Model version",
            "segment": "Segment",
            "prediction": "Prediction",
            "score": "Score",
            "feature": "Feature",
            "left-out": "Leave out",
        }[self.value]

    @property
    def is_single(self) -> bool:
        """Whether one column at most has it."""
        return self in (Role.TIME, Role.ID, Role.VERSION, Role.SEGMENT)

    @property
    def is_folded(self) -> bool:
        """Whether its values are counted in the windows."""
        return self in (Role.PREDICTION, Role.SCORE, Role.FEATURE)


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column as proposed, or as a person left it.

    `feature` is None where it cannot be profiled (`why` says so). `doubt`: the headline of what a person should look
    at, "" where nothing is doubtful.
    """

    name: str
    type: str
    role: Role
    feature: FeatureSpec | None = None
    why: str = ""
    doubt: str = ""
    is_sensitive: bool = False

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "type": self.type,
            "role": self.role.value,
            "feature": self.feature.to_json() if self.feature else None,
            "why": self.why,
            "doubt": self.doubt,
            "sensitive": self.is_sensitive,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Column:
        """Raises SpecError, KeyError or ValueError for what `to_json` has not written."""
        return cls(
            name=str(data["name"]),
            type=str(data["type"]),
            role=Role(data["role"]),
            feature=FeatureSpec.from_json(data["feature"]) if data["feature"] else None,
            why=str(data["why"]),
            doubt=str(data["doubt"]),
            is_sensitive=bool(data["sensitive"]),
        )


_TIMES: Final = re.compile(
    r"(^|_)(event|request|prediction|predicted|logged|log|served|scored|inference)?_?(ts|time|timestamp|at|datetime|date)$",
    re.IGNORECASE,
)
_VERSIONS: Final = ("model_version", "version", "model", "model_id", "model_name", "policy", "variant")
_IDS: Final = ("prediction_id", "request_id", "inference_id", "event_id", "trace_id", "id", "uuid", "row_id")
_PREDICTIONS: Final = re.compile(
    r"(^|_)(prediction|predicted|y_pred|pred|output|decision|label_pred)(_|$)", re.IGNORECASE
)
_SCORES: Final = re.compile(
    r"(^|_)(score|proba|probability|y_pred_proba|confidence|propensity|logit)(_|$)", re.IGNORECASE
)


def propose_columns(
    features: Sequence[FeatureSpec],
    types: Mapping[str, str],
    left_out: Mapping[str, str],
    texts: Mapping[str, Sequence[str]],
) -> list[Column]:
    """Every column of a sample with a role, those to look at first in front.

    `types`: Arrow types by name; `left_out`: why columns cannot be profiled; `texts`: some values of columns of texts,
    which are looked at and not kept.
    """
    taken = _single_roles(features, types)
    found = [_column(feature, types.get(feature.name, ""), taken.get(feature.name), texts) for feature in features]
    found += [
        Column(name=name, type=types.get(name, ""), role=Role.LEFT_OUT, why=why) for name, why in left_out.items()
    ]
    order = {Role.TIME: 0, Role.ID: 1, Role.VERSION: 2, Role.PREDICTION: 3, Role.SCORE: 4}
    return sorted(found, key=lambda one: (not one.doubt, order.get(one.role, 5), one.role is Role.LEFT_OUT))


def _single_roles(features: Sequence[FeatureSpec], types: Mapping[str, str]) -> dict[str, Role]:
    taken: dict[str, Role] = {}
    times = [one for one in features if one.kind is Kind.TIMESTAMP]
    if times:
        best = max(
            times, key=lambda one: (bool(_TIMES.search(one.name)), types.get(one.name, "").startswith("timestamp"))
        )
        taken[best.name] = Role.TIME
    for role, names in ((Role.VERSION, _VERSIONS), (Role.ID, _IDS)):
        by_name = {one.name.lower(): one for one in features if one.name not in taken}
        chosen = next((by_name[name] for name in names if name in by_name), None)
        if chosen is not None and (role is Role.ID or chosen.kind is not Kind.NUMERIC or chosen.table_limit > 64):
            taken[chosen.name] = role
    return taken


def _column(feature: FeatureSpec, kind: str, role: Role | None, texts: Mapping[str, Sequence[str]]) -> Column:
    reason = _sentence(feature.reason)
    if role is None:
        role = Role.FEATURE
        if _SCORES.search(feature.name) and feature.kind is Kind.NUMERIC:
            role = Role.SCORE
        elif _PREDICTIONS.search(feature.name):
            role = Role.PREDICTION
    if role in (Role.TIME, Role.ID, Role.VERSION):
        return Column(name=feature.name, type=kind, role=role, feature=feature, why=_why_single(role, feature))
    suspect = suspicion(feature.name, texts.get(feature.name, ()))
    if suspect:
        return Column(
            name=feature.name,
            type=kind,
            role=role,
            feature=masked(feature),
            why=suspect,
            doubt="Sensitive?",
            is_sensitive=True,
        )
    return Column(name=feature.name, type=kind, role=role, feature=feature, why=reason, doubt=_doubt(feature))


def _why_single(role: Role, feature: FeatureSpec) -> str:
    if role is Role.TIME:
        return f"The column of times whose name says so, in {feature.time_unit}."
    return "Named like a model's version." if role is Role.VERSION else "Named like the id of a prediction."


def _doubt(feature: FeatureSpec) -> str:
    reason = feature.reason
    if reason.startswith(("no value in the sample", "the sample is empty")):
        return "No value."
    if "check it" in reason:
        return "Modes far apart?"
    if "look like sentinels" in reason:
        return "Marks among numbers?"
    if feature.kind is Kind.CODE and "its name says" in reason:
        return "Code or number?"
    if feature.kind is Kind.ID:
        return "Looks like an id."
    if feature.kind is Kind.TIMESTAMP and "unix time" in reason:
        return "Which unit?"
    return ""


def _sentence(text: str) -> str:
    text = text.strip()
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith(('.', '?')) else '.'}" if text else ""


def problem_of(columns: Sequence[Column]) -> str:
    """Why these roles cannot be used together, as a sentence; "" when they can."""
    for role in Role:
        names = [one.name for one in columns if one.role is role]
        if role.is_single and len(names) > 1:
            return f"{role.label} can be one column: {names[0]} or {names[1]}?"
    if not any(one.role is Role.TIME for one in columns):
        return "Choose the column that holds the event time: windows are cut by it."
    if not any(one.role.is_folded for one in columns):
        return "Every column is left out. Keep at least one feature, score or prediction."
    hidden = next((one for one in columns if one.is_sensitive and one.role in (Role.VERSION, Role.SEGMENT)), None)
    if hidden is not None:
        what = hidden.role.label.lower()
        return f"{hidden.name} is marked sensitive, and the values of the {what} are names of windows: choose another."
    return ""


def roles_json(columns: Sequence[Column], *, unit: str = "", zone: str = "UTC") -> dict[str, Any]:
    """The columns of a spec version, as its row keeps them."""

    def named(role: Role) -> list[str]:
        return [one.name for one in columns if one.role is role]

    def one(role: Role) -> str:
        return next(iter(named(role)), "")

    return {
        "time": {"column": one(Role.TIME), "unit": unit, "zone": zone},
        "prediction_id": one(Role.ID),
        "model_version": one(Role.VERSION),
        "segment": one(Role.SEGMENT),
        "predictions": named(Role.PREDICTION),
        "scores": named(Role.SCORE),
        "features": named(Role.FEATURE),
        "left_out": named(Role.LEFT_OUT),
    }
