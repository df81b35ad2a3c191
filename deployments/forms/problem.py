"""One thing that is wrong with a form, for the list on top of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Problem:
    anchor: str
    label: str
    message: str
