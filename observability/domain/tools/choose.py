"""Whose definitions to use."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from typing import Final

import numpy as np

from observability.domain.compare import compare
from observability.domain.compare.instants import Windows
from observability.domain.compare.result import Comparison, Statistic, cannot
from observability.domain.profile.states import State
from observability.domain.specs.spec import FeatureSpec
from observability.domain.tools import evidently, nannyml, phoenix


class Mode(StrEnum):
    BARISTA = "barista"
    EVIDENTLY = "evidently"
    NANNYML = "nannyml"
    PHOENIX = "phoenix"


_TOOLS: Final[dict[Mode, Callable[[State, State, FeatureSpec], Comparison]]] = {
    Mode.EVIDENTLY: evidently.compare,
    Mode.NANNYML: nannyml.compare,
    Mode.PHOENIX: phoenix.compare,
}


def compare_as(mode: Mode, ref: State, cur: State, spec: FeatureSpec, windows: Windows | None = None) -> Comparison:
    """One feature by the definitions of one tool. `windows` are the times that the sides cover, if they are known."""
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        found = compare.compare(ref, cur, spec, windows) if mode is Mode.BARISTA else _TOOLS[mode](ref, cur, spec)
    return replace(found, statistics={name: _finite(one) for name, one in found.statistics.items()})


def _finite(one: Statistic) -> Statistic:
    """Values near 1.8e308 overflow their differences: then there is no number to show."""
    shown = (one.value, one.uncertainty, one.noise_floor)
    if all(value is None or math.isfinite(value) for value in shown):
        return one
    return cannot(one.name, "the values span more than float64 can hold")
