"""What an open sleep means for the state that a person sees."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from deployments.domain.status.states import State, Summary

# What the cluster shows of something that wakes; whatever else it shows is news of its own.
ON_THE_WAY: Final = (State.ASLEEP, State.FALLING_ASLEEP, State.STARTING, State.ROLLING_OUT)
READY_WITHIN: Final = timedelta(minutes=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenSleep:
    """A sleep that has not ended: why it sleeps, or, once `is_waking`, why and since when it wakes."""

    is_waking: bool
    words: str
    started_at: datetime
    due_at: datetime | None = None


def changing(state: State, error: str) -> Summary:
    """The newest intent is to fall asleep or to wake, and no worker has written it yet."""
    if state is State.WAKING:
        return Summary(state=state, sentence="Waking: a worker is about to start its pods.", why=error)
    return Summary(state=state, sentence="Going to sleep: a worker is about to end its pods.", why=error)


def in_sleep(seen: Summary, sleep: OpenSleep | None, *, at: datetime) -> Summary:
    """What the cluster showed, in the light of the sleep that is open."""
    if sleep is None:
        return seen
    if not sleep.is_waking:
        if seen.state is not State.ASLEEP:
            return seen
        sentence = f"Asleep: {sleep.words}." if sleep.words else seen.sentence
        return replace(seen, sentence=sentence, why="No pods run. What is saved now takes effect when it wakes.")
    if seen.state not in ON_THE_WAY:
        return seen
    ready = f"{seen.ready} of {seen.desired or 0} pods are ready" if seen.desired else "its pods are being started"
    is_late = at > (sleep.due_at or sleep.started_at) + READY_WITHIN
    sentence = f"Waking takes longer than it should: {ready}." if is_late else f"Waking: {ready}."
    return replace(seen, state=State.WAKING, sentence=sentence, why=seen.why or sleep.words, since=sleep.started_at)
