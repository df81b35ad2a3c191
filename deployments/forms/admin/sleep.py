"""The form of a schedule of a team, an environment or a cluster."""

from __future__ import annotations

from typing import Any

from deployments.domain.sleep.schedule.windows import BadSchedule
from deployments.forms.admin.fields import ReasonForm
from deployments.forms.sleep import checked_zone
from deployments.models import SleepSchedule


class SleepScheduleForm(ReasonForm):
    class Meta:
        model = SleepSchedule
        fields = ("team", "environment", "cluster", "zone", "windows", "target", "priority")

    def clean_zone(self) -> str:
        return checked_zone(self.cleaned_data["zone"])

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        layers = [name for name in ("team", "environment", "cluster") if name in self.fields]
        if layers and sum(bool(data.get(name)) for name in layers) != 1:
            self.add_error(None, "Choose one: a team, an environment or a cluster.")
        says = {name: data[name] for name in ("zone", "windows", "target", "priority") if name in data}
        if len(says) == 4:
            try:
                SleepSchedule(**says).to_schedule()
            except BadSchedule as problem:
                self.add_error("windows", str(problem))
        return data
