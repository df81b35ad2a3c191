"""What our own rows say: saved, held, refused, paused, retired; and beside it, what serves meanwhile."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from deployments.domain.apiserver.objects import message
from deployments.domain.status import sleeping
from deployments.domain.status.refusals import advice, with_advice
from deployments.domain.status.states import Intent, NextAction, Phase, State, Summary

# From here on something that should serve does not: a pause must not cover it.
TROUBLE_FROM: Final = State.STALLED.severity
# What our rows decide while the cluster goes on with what it has.
_BESIDE: Final = frozenset({State.SAVED_NOT_APPLIED, State.CONFLICT, State.BLOCKED, State.FAILED, State.PAUSED})


def together(ours: Summary, seen: Summary) -> Summary:
    """What our rows decided, with what the cluster serves; a pause steps back behind pods that fail."""
    if ours.state is State.PAUSED and seen.state.severity >= TROUBLE_FROM:
        why = " ".join(text for text in (seen.why, ours.sentence) if text)
        return replace(seen, why=why, next_action=NextAction.RESUME)
    counted = replace(ours, ready=seen.ready, desired=seen.desired, updated=seen.updated)
    if ours.state not in _BESIDE or not seen.desired or seen.ready >= seen.desired:
        return counted
    serve = f"Only {seen.ready} of {seen.desired} ready" if seen.ready else "Nothing serves"
    return replace(counted, sentence=f"{serve}. {ours.sentence}")


def decided(intent: Intent) -> Summary | None:
    """States that our own rows decide, whatever the pods do."""
    phase, error = intent.phase, message(intent.last_error)
    is_back = phase is Phase.RETIRED and not intent.retired and intent.generation != intent.observed_generation
    if phase is Phase.RETIRED and not is_back:
        return Summary(state=State.RETIRED, sentence="Retired: nothing of it is left in the cluster.")
    if phase is Phase.RETIRING or intent.retired:
        return Summary(
            state=State.RETIRING, sentence="Retiring: its objects are being removed from the cluster.", why=error
        )
    if not intent.cluster_ok or phase is Phase.UNREACHABLE:
        waiting = intent.generation != intent.observed_generation
        sentence = "The cluster refuses our credentials." if intent.cluster_refuses else "The cluster does not answer."
        sentence += f" Revision {intent.revision} is saved and waits." if waiting else " This is what it last said."
        return Summary(state=State.UNREACHABLE, sentence=sentence, why=error, next_action=NextAction.TRY_NOW)
    if phase is Phase.CONFLICT:
        sentence = f"Revision {intent.revision} is not applied: someone else holds fields that it changes."
        return Summary(state=State.CONFLICT, sentence=sentence, why=error, next_action=NextAction.RESOLVE_CONFLICT)
    if phase is Phase.BLOCKED:
        return _blocked(intent, error)
    if phase is Phase.PARKED:
        sentence = f"Applying revision {intent.revision} failed repeatedly and was stopped."
        return Summary(state=State.FAILED, sentence=sentence, why=error, next_action=NextAction.TRY_NOW)
    if intent.paused or phase is Phase.PAUSED:
        waiting = intent.generation != intent.observed_generation
        sentence = "Paused: Barista applies nothing until it is resumed."
        sentence += f" Revision {intent.revision} waits." if waiting else ""
        return Summary(state=State.PAUSED, sentence=sentence, next_action=NextAction.RESUME)
    if intent.generation != intent.observed_generation:
        if intent.sleep_change is not None:
            return sleeping.changing(intent.sleep_change, error)
        sentence = f"Revision {intent.revision} is saved and not applied yet."
        return Summary(state=State.SAVED_NOT_APPLIED, sentence=sentence, why=error, since=intent.waiting_since)
    return None


def _blocked(intent: Intent, error: str) -> Summary:
    """Refused when it was applied, or, once applied, when its objects were looked at again."""
    is_applied = intent.generation == intent.observed_generation
    known = advice(error)
    return Summary(
        state=State.BLOCKED,
        sentence=f"Revision {intent.revision} "
        + ("is applied, but Barista cannot look after it any more." if is_applied else "cannot be applied."),
        why=with_advice(error),
        next_action=NextAction.TRY_NOW if is_applied or known.is_platforms else NextAction.EDIT,
    )
