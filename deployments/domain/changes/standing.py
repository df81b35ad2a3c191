"""Whether what is promoted serves where it comes from, as far as anybody knows."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from baristaweb.lib.looks import Tone
from deployments.domain.status.states import State

# What says nothing about the pods, or is on purpose: then the last outcome of the revision counts.
_REST: Final = frozenset(
    {
        State.ASLEEP,
        State.FALLING_ASLEEP,
        State.WAKING,
        State.PAUSED,
        State.UNREACHABLE,
        State.UNKNOWN,
        State.STARTING,
        State.ROLLING_OUT,
        State.SAVED_NOT_APPLIED,
        State.RETIRED,
        State.RETIRING,
    }
)


class Standing(StrEnum):
    """`SERVES` now; `SERVED` once and does not fail; `BROKEN`: it fails, or was never seen to serve."""

    SERVES = "serves"
    SERVED = "served"
    BROKEN = "broken"

    @property
    def tone(self) -> Tone:
        return {"serves": Tone.OK, "served": Tone.WARN, "broken": Tone.BAD}[self.value]


def standing(state: State, *, was_complete: bool, is_current: bool) -> Standing:
    """`was_complete`: all pods of the revision were once seen ready; `is_current`: it is what should run there now."""
    if not is_current or state in _REST:
        return Standing.SERVED if was_complete else Standing.BROKEN
    if state is State.RUNNING:
        return Standing.SERVES
    # Some pods serve, or somebody changed something beside it: it works, and it is no picture of health.
    return Standing.SERVED if state in (State.DRIFTED, State.DEGRADED, State.OVERLOADED) else Standing.BROKEN
