"""Whose definitions to use."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from typing import Final

import numpy as np

from . import compare, modes_evidently, modes_nannyml, modes_phoenix
from .result import Comparison, Statistic, cannot
from .spec import FeatureSpec
from .states import State


class Mode(StrEnum):
    BARISTA = "barista"
    EVIDENTLY = "evidently"
    NANNYML = "nannyml"
    PHOENIX = "phoenix"


_COMPARE: Final[dict[Mode, Callable[[State, State, FeatureSpec], Comparison]]] = {
    Mode.BARISTA: compare.compare,
    Mode.EVIDENTLY: modes_evidently.compare,
    Mode.NANNYML: modes_nannyml.compare,
    Mode.PHOENIX: modes_phoenix.compare,
}


def compare_as(mode: Mode, ref: State, cur: State, spec: FeatureSpec) -> Comparison:
    """One feature by the definitions of one tool."""
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        found = _COMPARE[mode](ref, cur, spec)
    return replace(found, statistics={name: _finite(one) for name, one in found.statistics.items()})


def _finite(one: Statistic) -> Statistic:
    """Values near 1.8e308 overflow their differences: then there is no number to show."""
    shown = (one.value, one.uncertainty, one.noise_floor)
    if all(value is None or math.isfinite(value) for value in shown):
        return one
    return cannot(one.name, "the values span more than float64 can hold")
