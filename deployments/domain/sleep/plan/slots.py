"""How many replica slots there are over time: what the spec wants, and in a sleep what ran before it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from deployments.domain.sleep.plan.ledger import Slots
from deployments.domain.sleep.schedule.windows import Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Slept:
    """A sleep with the slots that it was counted with."""

    span: Span
    count: int


def of_sleep(saved_replicas: int, saved_minimum: int | None) -> int:
    """Slots of a sleep: what ran, and with an autoscaler its minimum, as last evening's peak is no promise."""
    if saved_minimum is None or saved_replicas == 0:
        return saved_replicas
    return min(saved_replicas, max(1, saved_minimum))


def timeline(wanted: Sequence[Slots], slept: Sequence[Slept]) -> tuple[Slots, ...]:
    """`wanted` is sorted; in the spans of `slept`, which do not overlap, their count stands instead."""
    at = sorted({one.start for one in wanted} | {edge for one in slept for edge in (one.span.start, one.span.end)})
    found: list[Slots] = []
    for start in at:
        inside = next((one.count for one in slept if one.span.covers(start)), None)
        count = inside if inside is not None else next((w.count for w in reversed(wanted) if w.start <= start), 0)
        if not found or found[-1].count != count:
            found.append(Slots(start, count))
    return tuple(found)
