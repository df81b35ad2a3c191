"""What an open sleep means for the state that a person sees."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from deployments.domain.status.states import State, Summary

# What the cluster shows of something that wakes; whatever else it shows is news of its own.
ON_THE_WAY: Final = (State.ASLEEP, State.FALLING_ASLEEP, State.STARTING, State.ROLLING_OUT)
# What keeps it from waking, when it did not wake in time.
NOT_UP: Final = (
    *ON_THE_WAY,
    State.UNSCHEDULABLE,
    State.IMAGE_ERROR,
    State.CRASH_LOOPING,
    State.FAILED,
    State.STALLED,
    State.BLOCKED,
)
# What it shows while its number of pods is somebody else's.
HELD_UP: Final = (State.RUNNING, State.STARTING, State.ROLLING_OUT)
READY_WITHIN: Final = timedelta(minutes=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenSleep:
    """A sleep that has not ended: why it sleeps, or, once `is_waking`, why and since when it wakes.

    `held_by`: somebody else scaled it while it slept; `is_conflict`: again and again. `failed_at`: it was not ready in
    time, because of `problem`.
    """

    is_waking: bool
    words: str
    started_at: datetime
    due_at: datetime | None = None
    held_by: str | None = None
    is_conflict: bool = False
    failed_at: datetime | None = None
    problem: str = ""


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
        if sleep.held_by is not None and seen.state in HELD_UP:
            return _held(seen, sleep, sleep.held_by)
        if seen.state is not State.ASLEEP:
            return seen
        sentence = f"Asleep: {sleep.words}." if sleep.words else seen.sentence
        return replace(seen, sentence=sentence, why="No pods run. What is saved now takes effect when it wakes.")
    if seen.state not in (NOT_UP if sleep.failed_at is not None else ON_THE_WAY):
        return seen
    ready = f"{seen.ready} of {seen.desired or 0} ready" if seen.desired else "its pods are being started"
    if sleep.failed_at is not None:
        sentence = f"Did not wake in time: {ready}. It is tried again every few minutes."
        # How many are ready is said once.
        told = "" if seen.sentence.endswith(f"{ready}.") else seen.sentence
        why = " ".join(text for text in (told, seen.why) if text) if seen.state not in ON_THE_WAY else ""
        why = why or seen.why or sleep.problem or sleep.words
        return replace(seen, state=State.WAKE_FAILED, sentence=sentence, why=why, since=sleep.failed_at)
    is_late = at > (sleep.due_at or sleep.started_at) + READY_WITHIN
    sentence = f"Waking takes longer than it should: {ready}." if is_late else f"Waking: {ready}."
    return replace(seen, state=State.WAKING, sentence=sentence, why=seen.why or sleep.words, since=sleep.started_at)


def _held(seen: Summary, sleep: OpenSleep, writer: str) -> Summary:
    who = writer or "somebody outside of Barista"
    if sleep.is_conflict:
        sentence = f"{who} keeps undoing its sleep: Barista stopped putting it back."
        why = "Say whose number counts: put it back to sleep, or keep what runs."
        return replace(seen, state=State.CONFLICT, sentence=sentence, why=why)
    sentence = f"Scaled by {who} while it slept: held awake until its next window."
    return replace(seen, state=State.HELD_AWAKE, sentence=sentence, why=sleep.words)
