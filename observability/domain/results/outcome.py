"""The outcomes of a window; imports nothing that computes, since every process knows them."""

from __future__ import annotations

from enum import StrEnum


class Result(StrEnum):
    """What a window says of a feature, or of all of them: the worst."""

    STABLE = "stable"
    NO_DRIFT_SEEN = "no drift seen"
    MOVED = "moved"
    DRIFT = "drift"
    NOT_ENOUGH_DATA = "not enough data"
    CANNOT_BE_EVALUATED = "cannot be evaluated"
    EXPECTED_NO_DATA = "expected no data"
