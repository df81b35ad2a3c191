"""What was counted of a log, cut into windows: states, all rows with a time, and what was wrong with its columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from observability.domain.fold.borders import QUARTER, end_of, start_of
from observability.domain.profile.profile import Cell
from observability.domain.profile.states import State

LONG: Final = 31 * 86_400  # a gap beyond this is one gap, not so many windows


@dataclass(frozen=True, order=True)
class Finding:
    """One thing about the data that is not as it should be. `value` and `expected` in the finding's own unit."""

    name: str
    feature: str = ""
    reason: str = ""
    value: float | None = None
    expected: float | None = None

    def to_json(self) -> dict[str, str | float | None]:
        return {
            "name": self.name,
            "feature": self.feature or None,
            "value": self.value,
            "expected": self.expected,
            "reason": self.reason,
        }


@dataclass(eq=False)
class WindowedLog:
    """`rows` counts every row with a time, in its cell. `offered` counts those of the files that have a feature: its
    state has fewer where values could not be read.

    `quarters` are rows per quarter of an hour of all versions; `columns` are findings about columns by the windows of
    the files that have them. Without `knows_files` there are neither `offered` nor `columns`: only the rows of stored
    windows are known.
    """

    is_day: bool
    zone: str
    states: dict[Cell, dict[str, State]] = field(default_factory=dict)
    rows: dict[Cell, int] = field(default_factory=dict)
    offered: dict[Cell, dict[str, int]] = field(default_factory=dict)
    quarters: dict[int, int] = field(default_factory=dict)
    columns: dict[int, set[Finding]] = field(default_factory=dict)
    last: int = 0
    knows_files: bool = True

    def end(self, start: int) -> int:
        return end_of(start, self.is_day, self.zone)

    @property
    def starts(self) -> list[int]:
        return sorted({cell.window for cell in self.rows if cell.window is not None})

    @property
    def latest(self) -> dict[int, int]:
        """Where the last quarter of an hour with rows ends, of every window."""
        found: dict[int, int] = {}
        for quarter in self.quarters:
            start = start_of(quarter * QUARTER, self.is_day, self.zone)
            found[start] = max(found.get(start, 0), (quarter + 1) * QUARTER)
        return found

    @property
    def versions(self) -> list[str]:
        return sorted({cell.version for cell in self.rows})


States = Mapping[str, State]
