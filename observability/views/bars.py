"""Small bars of numbers by hour, drawn on the server; the table of the same numbers stands behind them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from observability.queries.sources import HourFolded

WIDTH: Final = 480.0
HEIGHT: Final = 44.0
GAP: Final = 1.0


@dataclass(frozen=True)
class Bar:
    """One hour, in units of the drawing."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Panel:
    """`kind` names the unit for the template: rows, bad or bytes. `most` is the height of the drawing."""

    label: str
    kind: str
    total: int
    most: int
    bars: tuple[Bar, ...]


def panels(hours: Sequence[HourFolded]) -> list[Panel]:
    """Rows, bad rows and bytes."""
    return [
        _panel("Rows", "rows", [hour.rows for hour in hours]),
        _panel("Bad rows", "bad", [hour.bad for hour in hours]),
        _panel("Read", "bytes", [hour.size for hour in hours]),
    ]


def _panel(label: str, kind: str, values: Sequence[int]) -> Panel:
    most, step = max(values, default=0), WIDTH / max(len(values), 1)
    bars = tuple(
        Bar(round(place * step, 2), round(HEIGHT - height, 2), round(step - GAP, 2), round(height, 2))
        for place, value in enumerate(values)
        if value and (height := max(HEIGHT * value / most, 1.5))
    )
    return Panel(label, kind, sum(values), most, bars)
