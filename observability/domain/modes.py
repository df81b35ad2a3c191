"""Whose definitions to use."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Final

from . import compare, modes_evidently, modes_nannyml, modes_phoenix
from .result import Comparison
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
    return _COMPARE[mode](ref, cur, spec)
