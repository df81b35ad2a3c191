"""The rules that turn statistics into results, with their defaults; read from JSON that people write."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from observability.domain.compare.definitions import THRESHOLDS

KEYS: Final = ("k", "n", "min_rows", "thresholds")
MOST: Final = 100  # windows that a verdict may look back on


class RulesError(ValueError):
    """Rules that cannot be used; the message names the key and says what would fit."""


@dataclass(frozen=True)
class Rules:
    """A feature drifts when it moved in k of the last n windows of at least `min_rows` rows.

    `thresholds` replaces those of the statistics it names. A named statistic decides, even one that is otherwise only
    shown.
    """

    k: int = 2
    n: int = 3
    min_rows: int = 1_000
    thresholds: Mapping[str, float] = field(default_factory=dict)

    def threshold(self, name: str, default: float | None) -> float | None:
        """The one in force; None stays None: what is not judged here is not judged by a rule either."""
        return None if default is None else self.thresholds.get(name, default)

    @classmethod
    def loads(cls, text: bytes | str) -> Rules:
        """Raises RulesError."""
        try:
            data = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise RulesError(f"the rules are not JSON: {error}") from None
        if not isinstance(data, dict):
            raise RulesError(f"the rules are an object with {', '.join(KEYS)}")
        if unknown := sorted(set(data) - set(KEYS)):
            raise RulesError(f"unknown key {unknown[0][:60]!r} in the rules; known are {', '.join(KEYS)}")
        values = {name: _whole(name, data[name]) for name in KEYS[:3] if name in data}
        found = cls(**values, thresholds=_thresholds(data.get("thresholds", {})))
        if found.k > found.n:
            raise RulesError(f"k must not be more than n: {found.k} of the last {found.n} windows cannot be")
        return found


def _whole(name: str, value: Any) -> int:
    most = MOST if name != "min_rows" else 10**12
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
        raise RulesError(f"{name} must be a whole number from 1 to {most:,}, not {value!r:.40}")
    return value


def _thresholds(data: Any) -> dict[str, float]:
    if not isinstance(data, dict):
        raise RulesError("thresholds must be an object of statistics and numbers")
    if unknown := sorted(set(data) - set(THRESHOLDS)):
        raise RulesError(f"unknown statistic {unknown[0][:60]!r} in thresholds; known are {', '.join(THRESHOLDS)}")
    for name, value in data.items():
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not math.isfinite(value) or value <= 0:
            raise RulesError(f"the threshold of {name} must be a number above 0, not {value!r:.40}")
    return {name: float(value) for name, value in data.items()}
