"""What windows are compared with, and the rules of verdicts."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError

from baristaweb.lib.refusals import SaysWhatFits
from observability.domain.compare.definitions import THRESHOLDS
from observability.domain.results.baselines import How
from observability.forms.compare import EARLIEST, INPUT, LATEST
from observability.models import Baseline, LogSource

MOST_BYTES: Final = 8 << 20
FORMATS: Final = ["%Y-%m-%dT%H:%M", "%Y-%m-%d"]


class BaselineForm(SaysWhatFits, forms.Form):
    how = forms.ChoiceField(label="Compare with", choices=[(item.value, item.label) for item in How])
    since = forms.DateTimeField(
        label="From", required=False, widget=INPUT, input_formats=FORMATS, help_text="Of a fixed time, UTC."
    )
    until = forms.DateTimeField(label="To", required=False, widget=INPUT, input_formats=FORMATS)
    days = forms.IntegerField(
        label="Days", min_value=1, max_value=90, initial=14, required=False, help_text="Of the days before."
    )
    model_version = forms.CharField(label="Only model version", max_length=200, required=False)
    profile = forms.FileField(
        label="Profile", required=False, help_text="A file that manage.py profile wrote, up to 8 MiB."
    )
    note = forms.CharField(label="Why?", max_length=300, required=False, help_text="Kept in the audit log.")

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        for name in ("since", "until"):
            if data.get(name) is not None and not EARLIEST < data[name] < LATEST:
                raise ValidationError({name: "This time is too far away."})
        if data.get("how") == How.RANGE and not self.errors:
            if data.get("since") is None or data.get("until") is None:
                raise ValidationError({"since": "A fixed time has a beginning and an end."})
            if data["since"] >= data["until"]:
                raise ValidationError({"until": "The end comes after the beginning."})
        if data.get("how") == How.PROFILE and not data.get("profile"):
            raise ValidationError({"profile": "Choose a profile."})
        if data.get("profile") and data["profile"].size > MOST_BYTES:
            raise ValidationError({"profile": "It is larger than 8 MiB."})
        return data

    def row(self, source: LogSource) -> Baseline:
        data = self.cleaned_data
        upload = data.get("profile")
        return Baseline(
            source=source,
            how=data["how"],
            since=data["since"] if data["how"] == How.RANGE else None,
            until=data["until"] if data["how"] == How.RANGE else None,
            days=data["days"] or 14,
            model_version=data["model_version"],
            profile=upload.read() if upload and data["how"] == How.PROFILE else None,
        )


class RulesForm(SaysWhatFits, forms.Form):
    """`thresholds`: a line each, like `psi 0.2`."""

    k = forms.IntegerField(label="Windows that moved", min_value=1, max_value=100)
    n = forms.IntegerField(label="of the last", min_value=1, max_value=100)
    min_rows = forms.IntegerField(label="Rows that a window needs", min_value=1, max_value=10**9)
    thresholds = forms.CharField(
        label="Thresholds of your own",
        required=False,
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false", "placeholder": "psi 0.2"}),
        help_text=f"One a line. Known are {', '.join(THRESHOLDS)}.",
    )
    based_on = forms.IntegerField(min_value=0, widget=forms.HiddenInput)
    note = forms.CharField(label="Why?", max_length=300, required=False)

    def clean_thresholds(self) -> dict[str, float]:
        found: dict[str, float] = {}
        for line in self.cleaned_data["thresholds"].splitlines()[:50]:
            name, _, text = line.strip().partition(" ")
            if not name:
                continue
            if name not in THRESHOLDS:
                raise ValidationError(f"“{name[:40]}” is no statistic that is known here.")
            try:
                found[name] = float(text)
            except ValueError as problem:
                raise ValidationError(f"The threshold of {name} is a number, like: {name} 0.2") from problem
        return found

    def rules(self) -> dict[str, Any]:
        data = self.cleaned_data
        return {name: data[name] for name in ("k", "n", "min_rows", "thresholds")}
