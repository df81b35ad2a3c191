"""Forms of what layers say of sleep: schedules, holidays and their calendars, exemptions, freezes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django import forms

from baristaweb.lib.clock import now
from deployments.domain.sleep.dialects import mirror
from deployments.domain.sleep.schedule import ics
from deployments.domain.sleep.schedule.calendars import BadCalendar, countries
from deployments.domain.sleep.schedule.windows import BadSchedule
from deployments.forms.admin.fields import ReasonForm
from deployments.forms.sleep import checked_zone
from deployments.models import HolidayCalendar, SleepFreeze, SleepGrant, SleepHolidays, SleepSchedule

LAYERS: Final = ("team", "environment", "cluster")
SAYS: Final = ("zone", "windows", "target", "wake_to", "lead_minutes", "grace_minutes", "priority", "is_mirrored")
_BEFORE, _AFTER = timedelta(days=366), timedelta(days=3 * 366)


class OfLayerForm(ReasonForm):
    """Of a row that belongs to a team, an environment or a cluster; a deployment's own is on its page."""

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        layers = [name for name in LAYERS if name in self.fields]
        if layers and sum(bool(data.get(name)) for name in layers) != 1:
            self.add_error(None, "Choose one: a team, an environment or a cluster.")
        return data


class SleepScheduleForm(OfLayerForm):
    class Meta:
        model = SleepSchedule
        fields = ("team", "environment", "cluster", *SAYS)

    def clean_zone(self) -> str:
        return checked_zone(self.cleaned_data["zone"])

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        says = {name: data[name] for name in SAYS if name in data}
        if len(says) == len(SAYS):
            try:
                schedule = SleepSchedule(**says).to_schedule()
                if says["is_mirrored"]:
                    mirror.render(schedule)
            except BadSchedule as problem:
                self.add_error("windows", str(problem))
            except mirror.NotMirrored as problem:
                self.add_error("is_mirrored", str(problem))
        return data


class HolidayCalendarForm(ReasonForm):
    """`file` adds the days of an iCalendar file to those that are typed."""

    file = forms.FileField(
        required=False,
        label="From a file",
        help_text="An .ics file; its days of the next 3 years are added.",
    )

    class Meta:
        model = HolidayCalendar
        fields = ("key", "name", "country", "subdivision", "days", "ranges")

    def clean_country(self) -> str:
        country = str(self.cleaned_data["country"]).strip().upper()
        if country and country not in countries():
            raise forms.ValidationError(f"There are no public holidays for {country}. Write its ISO code, like DE.")
        return country

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        upload = data.get("file")
        try:
            if upload is not None:
                if upload.size > ics.MOST_BYTES:
                    raise BadCalendar(f"The file has {upload.size:,} bytes; at most {ics.MOST_BYTES:,} are read.")
                today = now().date()
                self._add(data, ics.read(upload.read(), first=today - _BEFORE, last=today + _AFTER))
            names = ("key", "name", "country", "subdivision", "days", "ranges")
            HolidayCalendar(**{name: data[name] for name in names if name in data}).to_calendar()
        except BadCalendar as problem:
            self.add_error("file" if upload is not None else "days", str(problem))
        return data

    def _add(self, data: dict[str, Any], found: ics.Read) -> None:
        if not found.days and not found.ranges:
            why = f" {len(found.skipped)} events were left out: {found.skipped[0].reason}." if found.skipped else ""
            raise BadCalendar(f"The file has no day off in the years that are read.{why}")
        days = [f"{one.day.isoformat()} {one.name}" for one in found.days]
        spans = [f"{one.span.start.isoformat()} {one.span.end.isoformat()} {one.name}" for one in found.ranges]
        for name, lines in (("days", days), ("ranges", spans)):
            typed = [line.strip() for line in data.get(name, "").splitlines() if line.strip()]
            data[name] = "\n".join(dict.fromkeys([*typed, *lines]))
        self.instance.days, self.instance.ranges = data["days"], data["ranges"]


class SleepHolidaysForm(OfLayerForm):
    class Meta:
        model = SleepHolidays
        fields = ("team", "environment", "cluster", "calendars", "zone", "target")

    def clean_zone(self) -> str:
        zone = str(self.cleaned_data["zone"]).strip()
        return checked_zone(zone) if zone else ""

    def clean_calendars(self) -> str:
        keys = [line.strip() for line in self.cleaned_data["calendars"].splitlines() if line.strip()]
        known = set(HolidayCalendar.objects.filter(key__in=keys).values_list("key", flat=True))
        if missing := [key for key in keys if key not in known]:
            have = ", ".join(HolidayCalendar.objects.values_list("key", flat=True)[:20]) or "none yet"
            raise forms.ValidationError(f"There is no calendar {missing[0][:60]}. There are: {have}.")
        return "\n".join(dict.fromkeys(keys))


class _EndsForm(ReasonForm):
    def clean_until(self) -> Any:
        until = self.cleaned_data["until"]
        if until is not None and until <= now():
            raise forms.ValidationError("Choose an end that is still to come.")
        return until


class SleepGrantForm(OfLayerForm, _EndsForm):
    class Meta:
        model = SleepGrant
        fields = ("ask", "team", "environment", "cluster", "since", "until", "target")

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        since, until = data.get("since"), data.get("until")
        if since and until and since >= until:
            self.add_error("until", "It ends before it begins.")
        if not data.get("reason", "").strip():
            self.add_error("reason", "Say why: everybody it keeps awake or asleep sees it.")
        return data


class SleepFreezeForm(_EndsForm):
    class Meta:
        model = SleepFreeze
        fields = ("cluster", "since", "until")

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        since, until = data.get("since"), data.get("until")
        if since and until and since >= until:
            self.add_error("until", "It ends before it begins.")
        if not data.get("reason", "").strip():
            self.add_error("reason", "Say why: teams see it where their models stay awake.")
        return data
