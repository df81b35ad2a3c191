"""The form of a deployment's own sleep schedule."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError

from baristaweb.lib.refusals import SaysWhatFits
from deployments.domain.sleep.dialects import mirror
from deployments.domain.sleep.schedule import zones
from deployments.domain.sleep.schedule.windows import LONGEST_LEAD_MINUTES, MOST_REPLICAS, BadSchedule, WakeOrder
from deployments.domain.sleep.schedule.zones import UnknownZone
from deployments.models import HolidayCalendar, SleepSchedule
from deployments.models.sleep import LONGEST_GRACE_MINUTES

ORDERS = [
    (WakeOrder.FIRST.value, "before others"),
    (WakeOrder.NORMAL.value, "with the others"),
    (WakeOrder.LAST.value, "after the others"),
]


def checked_zone(name: str) -> str:
    """The name of a zone that a schedule may use; raises ValidationError, which names the nearest ones."""
    try:
        return zones.check(name.strip())
    except UnknownZone as problem:
        raise ValidationError(str(problem)) from problem


class SleepForm(SaysWhatFits, forms.Form):
    """`schedule` is what it says, once it is valid."""

    zone = forms.CharField(label="Time zone", max_length=60, initial="UTC", help_text="Like Europe/Berlin.")
    windows = forms.CharField(
        label="Sleeps",
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false", "placeholder": "Fri 20:00 -> Mon 07:30"}),
        help_text="One window a line, from the evening it begins: Fri 20:00 -> Mon 07:30. Empty: awake all week.",
    )
    target = forms.IntegerField(
        label="Replicas while asleep",
        min_value=0,
        max_value=MOST_REPLICAS,
        initial=0,
        help_text="At 0 an autoscaler rests; above 0 its minimum is lowered to it.",
    )
    wake_to = forms.IntegerField(
        label="Wakes to",
        required=False,
        min_value=1,
        max_value=MOST_REPLICAS,
        help_text="Replicas without an autoscaler. Empty: what it had, or what was saved meanwhile.",
    )
    lead_minutes = forms.IntegerField(
        label="Starts early by minutes",
        required=False,
        min_value=0,
        max_value=LONGEST_LEAD_MINUTES,
        help_text="Empty: the p90 of its last 20 wakes, so that it is ready when it is due.",
    )
    grace_minutes = forms.IntegerField(
        label="Grace after a deploy, minutes",
        required=False,
        min_value=0,
        max_value=LONGEST_GRACE_MINUTES,
        initial=0,
        help_text="So long after a revision is saved it does not fall asleep.",
    )
    priority = forms.ChoiceField(label="Wakes", choices=ORDERS, initial=WakeOrder.NORMAL.value)
    is_mirrored = forms.BooleanField(
        label="Write it to the cluster too, as annotations of kube-downscaler",
        required=False,
        help_text="With both keys and no wrapped night, so that py-kube-downscaler and GoKubeDownscaler read it alike. "
        "Either would act on it where it runs.",
    )
    note = forms.CharField(label="Why?", max_length=300, required=False, help_text="Kept in the audit log.")

    def clean_zone(self) -> str:
        return checked_zone(self.cleaned_data["zone"])

    def clean_windows(self) -> str:
        lines = (line.strip() for line in self.cleaned_data["windows"].splitlines())
        return "\n".join(line for line in lines if line)

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if self.errors:
            return data
        try:
            schedule = self.row(SleepSchedule()).to_schedule()
            if data["is_mirrored"]:
                mirror.render(schedule)
        except BadSchedule as problem:
            self.add_error("windows", str(problem))
        except mirror.NotMirrored as problem:
            self.add_error("is_mirrored", str(problem))
        return data

    def row(self, row: SleepSchedule) -> SleepSchedule:
        """`row` with what the form says."""
        for name in ("zone", "windows", "target", "wake_to", "lead_minutes", "priority", "is_mirrored"):
            setattr(row, name, self.cleaned_data[name])
        row.grace_minutes = self.cleaned_data["grace_minutes"] or 0
        return row


class HolidaysForm(SaysWhatFits, forms.Form):
    """Which calendars a deployment keeps, beside what it inherits."""

    KEEP = (("inherit", "As inherited"), ("own", "These calendars"), ("none", "None: it works on holidays"))

    keep = forms.ChoiceField(label="Holidays", choices=KEEP, initial="inherit")
    calendars = forms.MultipleChoiceField(label="Calendars", required=False, widget=forms.CheckboxSelectMultiple)
    reason = forms.CharField(label="Why?", max_length=300, required=False, help_text="Kept in the audit log.")

    def __init__(self, *args: Any, known: Iterable[HolidayCalendar], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast("forms.MultipleChoiceField", self.fields["calendars"]).choices = [(row.key, row.name) for row in known]

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if data.get("keep") == "own" and not data.get("calendars"):
            self.add_error("calendars", "Choose at least one calendar, or let it work on holidays.")
        return data
