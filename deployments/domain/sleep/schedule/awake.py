"""When a deployment is awake by its schedules, for whoever counts hours: costs and forecasts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from deployments.domain.sleep.schedule.coming import stretches
from deployments.domain.sleep.schedule.layers import Inputs, OpenSleep
from deployments.domain.sleep.schedule.windows import Schedule


@dataclass(frozen=True, slots=True)
class ByInputs:
    """A calendar, as if nothing is edited. `sleeping` is the sleep that is open when the question begins."""

    inputs: Inputs
    sleeping: OpenSleep | None = None

    @property
    def pods_asleep(self) -> int:
        _, weekly = self.inputs.weekly()
        return weekly.target if isinstance(weekly, Schedule) else self.inputs.holiday_target()

    def awake(self, start: datetime, end: datetime) -> Iterable[tuple[datetime, datetime]]:
        """Awake intervals [from, to) within [start, end), disjoint and in order."""
        found = stretches(self.inputs, start, end, sleeping=self.sleeping)
        return tuple((one.span.start, one.span.end) for one in found if not one.decision.asleep)
