"""When pods of a deployment were first seen asking for another size: measured, whoever changed it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from django.db.models import Min

from deployments.domain.text.quantities import human_cpu, human_memory
from deployments.models import Deployment, OpenPod, PodInterval
from deployments.models.ledger import Source

# A size that was there in these days before is no news: two of them may run side by side.
KNOWN_FOR: Final = timedelta(days=7)
# After a change that the audit log has, its pods come within this time.
EXPLAINED: Final = timedelta(hours=2)
Size = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenSize:
    """`at`: when the first pod of the size was scheduled."""

    at: datetime
    before: Size
    after: Size
    is_demo: bool

    @property
    def name(self) -> str:
        return f"{human_cpu(self.after[0])} a pod" if self.before[0] != self.after[0] else human_memory(self.after[1])

    @property
    def words(self) -> str:
        old, new = (f"{human_cpu(cpu)} and {human_memory(memory)}" for cpu, memory in (self.before, self.after))
        return f"pods were seen asking for {new} instead of {old}{' (made for the demo)' if self.is_demo else ''}"


def seen_sizes(deployment: Deployment, *, since: date, explained_by: Iterable[datetime]) -> list[SeenSize]:
    """The oldest first; without those that follow a change that the audit log tells of."""
    rows = (
        PodInterval.objects.filter(deployment=deployment, day__gte=since)
        .order_by()
        .values_list("day", "millicores", "memory", "source")
        .annotate(first=Min("start"))
    )
    days = [(first, (cpu, memory), source) for _, cpu, memory, source, first in rows]
    still = OpenPod.objects.filter(deployment=deployment).values_list("start", "millicores", "memory", "source")
    days += [(start, (cpu, memory), source) for start, cpu, memory, source in still]
    return news(sorted(days), list(explained_by))


def news(days: Iterable[tuple[datetime, Size, str]], explained_by: Collection[datetime]) -> list[SeenSize]:
    found: list[SeenSize] = []
    last: Size | None = None
    seen_at: dict[Size, datetime] = {}
    for at, size, source in days:
        is_known = size in seen_at and at - seen_at[size] < KNOWN_FOR
        is_told = any(event <= at < event + EXPLAINED for event in explained_by)
        if last is not None and size != last and not is_known and not is_told:
            found.append(SeenSize(at=at, before=last, after=size, is_demo=source == Source.DEMO))
        if not is_known or size == last or last is None:
            last = size
        seen_at[size] = at
    return found
