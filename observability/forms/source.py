"""The form of a log source: where it lies, then its windows; columns are in forms.columns."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError

from baristaweb.lib.refusals import SaysWhatFits
from deployments.domain.sleep.schedule import zones
from deployments.domain.sleep.schedule.zones import UnknownZone
from deployments.models import Team
from deployments.models.people import slug_validator
from observability.domain.fold.windows import Window
from observability.domain.sources.template import LocationError, Template, parse
from observability.models import LogSource, StoreRoot
from observability.queries import places

HOUR: Final = 3_600
MOST_LATE_H: Final = 14 * 24
MOST_KEPT_D: Final = 1_100
MIB: Final = 1 << 20
CAP_MIB: Final = 20 << 10
UNITS: Final = [
    ("", "by its size"),
    ("s", "seconds"),
    ("ms", "milliseconds"),
    ("us", "microseconds"),
    ("ns", "nanoseconds"),
]


def checked_zone(name: str) -> str:
    """The name of a zone; raises ValidationError, which names the nearest ones."""
    try:
        return zones.check(name.strip())
    except UnknownZone as problem:
        raise ValidationError(str(problem).replace("a schedule", "a log")) from problem


class WhereForm(SaysWhatFits, forms.Form):
    """Where objects lie. `template` and `root` are what the address means, once it is valid."""

    location = forms.CharField(
        label="Objects",
        max_length=1024,
        strip=True,
        widget=forms.TextInput(attrs={"class": "mono", "spellcheck": "false", "autocomplete": "off"}),
        help_text="An address with {yyyy} {mm} {dd} {hh}, or a glob with * and **.",
    )
    format = forms.ChoiceField(label="Format", choices=LogSource.Format.choices, required=False)
    marker = forms.CharField(
        label="Done marker",
        max_length=60,
        required=False,
        widget=forms.TextInput(attrs={"class": "mono", "placeholder": "_SUCCESS", "spellcheck": "false"}),
        help_text="Objects of a folder count once it holds this one. Empty: an object counts as soon as it is there.",
    )
    name = forms.CharField(
        label="Name",
        max_length=63,
        initial="log",
        validators=[slug_validator],
        help_text="Of this log of the deployment.",
    )

    def __init__(self, *args: Any, team: Team, source: LogSource | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.team = team
        self.template: Template | None = None
        self.root: StoreRoot | None = None
        if source is not None:
            del self.fields["name"]

    def clean_location(self) -> str:
        try:
            self.template = parse(self.cleaned_data["location"])
        except LocationError as problem:
            raise ValidationError(str(problem)) from problem
        if said := places.refused(self.template, self.team):
            raise ValidationError(said)
        self.root = places.row_of(self.template, self.team)
        return self.template.text

    def clean_marker(self) -> str:
        marker: str = self.cleaned_data["marker"].strip()
        if "/" in marker or any(char in marker for char in "*?{}") or not marker.isprintable():
            raise ValidationError("A marker is the name of one object in the same folder, such as _SUCCESS.")
        return marker

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if name in ("new", "samples"):
            raise ValidationError("This name is an address of Barista. Choose another.")
        return name

    @property
    def question(self) -> dict[str, Any]:
        """What a worker is asked about this place."""
        data = self.cleaned_data
        return {
            "root": self.root.pk if self.root else None,
            "location": data["location"],
            "format": data["format"],
            "marker": data["marker"],
            "name": data.get("name", ""),
        }


class WindowsForm(SaysWhatFits, forms.Form):
    """What one point on a chart is, how long late rows are waited for, and how much is kept."""

    window = forms.ChoiceField(
        label="Window", choices=[(one.value, f"1 {one.value}") for one in Window], initial="hour"
    )
    zone = forms.CharField(
        label="Time zone",
        max_length=60,
        initial="UTC",
        help_text="Where days begin, and of dates in names. Like Europe/Berlin.",
    )
    lateness_h = forms.FloatField(
        label="Lateness",
        min_value=0,
        max_value=MOST_LATE_H,
        initial=2,
        help_text="Hours. A window is closed so long after its end; rows that come later are counted and said.",
    )
    time_unit = forms.ChoiceField(
        label="Unit of the event time", choices=UNITS, required=False, help_text="Only for columns of numbers."
    )
    time_zone = forms.CharField(
        label="Zone of the event time", max_length=60, initial="UTC", help_text="Of times that name none themselves."
    )
    retention_d = forms.IntegerField(
        label="Kept for", min_value=1, max_value=MOST_KEPT_D, initial=90, help_text="Days."
    )
    backfill_d = forms.IntegerField(
        label="Backfill",
        min_value=0,
        max_value=MOST_KEPT_D,
        initial=30,
        help_text="Days before today that are read at the start. Fresh windows go first.",
    )
    vanished = forms.ChoiceField(
        label="Vanished objects", choices=[(value, label.capitalize()) for value, label in LogSource.Vanished.choices]
    )
    engine = forms.ChoiceField(
        label="Engine", choices=[(value, label.capitalize()) for value, label in LogSource.Engine.choices]
    )
    poll_s = forms.IntegerField(
        label="Look for new objects every", min_value=5, max_value=86_400, initial=10, help_text="Seconds."
    )
    max_object_mib = forms.IntegerField(
        label="Largest object",
        min_value=1,
        max_value=CAP_MIB,
        initial=2_048,
        help_text="MiB. A larger one is parked, not read.",
    )

    def clean_zone(self) -> str:
        return checked_zone(self.cleaned_data["zone"])

    def clean_time_zone(self) -> str:
        return checked_zone(self.cleaned_data["time_zone"])

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if not self.errors and data["backfill_d"] > data["retention_d"]:
            self.add_error(
                "backfill_d", "Days before the retention would be read and thrown away: shorten the backfill."
            )
        return data

    @property
    def question(self) -> dict[str, Any]:
        """What of a dry run's question this form says."""
        data = self.cleaned_data
        return {
            "window": data["window"],
            "zone": data["zone"],
            "lateness_s": int(data["lateness_h"] * HOUR),
            "time": {"unit": data["time_unit"], "zone": data["time_zone"]},
            "retention_d": data["retention_d"],
            "backfill_d": data["backfill_d"],
            "vanished": data["vanished"],
            "engine": data["engine"],
            "poll_s": data["poll_s"],
            "max_object_bytes": data["max_object_mib"] * MIB,
        }


def windows_initial(question: dict[str, Any]) -> dict[str, Any]:
    """The form's values for what a question says; what it does not say keeps the form's own."""
    found: dict[str, Any] = {
        name: question[name]
        for name in ("window", "zone", "retention_d", "backfill_d", "vanished", "engine", "poll_s")
        if name in question
    }
    if "lateness_s" in question:
        found["lateness_h"] = f"{question['lateness_s'] / HOUR:g}"
    if "max_object_bytes" in question:
        found["max_object_mib"] = max(question["max_object_bytes"] // MIB, 1)
    if "time" in question:
        found |= {"time_unit": question["time"].get("unit", ""), "time_zone": question["time"].get("zone", "UTC")}
    return found


def question_of(source: LogSource) -> dict[str, Any]:
    """A question that says of a source what it is now."""
    found: dict[str, Any] = {
        "root": source.root_id,
        "location": source.location,
        "format": source.format,
        "marker": source.marker,
        "name": source.name,
        "lateness_s": source.lateness_s,
        "retention_d": source.retention_d,
        "backfill_d": 0,
        "vanished": source.vanished,
        "engine": source.engine,
        "poll_s": source.poll_s,
        "max_object_bytes": source.max_object_bytes,
    }
    if source.spec is not None:
        found |= {
            "window": source.spec.window,
            "zone": source.spec.zone,
            "time": {name: source.spec.columns.get("time", {}).get(name, "") for name in ("unit", "zone")},
        }
    return found
