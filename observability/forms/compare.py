"""Which two sides a feature is compared by: ranges of time and model versions, or the baseline."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from baristaweb.lib.refusals import SaysWhatFits

EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
INPUT = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")


def _moment(label: str) -> forms.DateTimeField:
    return forms.DateTimeField(label=label, required=False, widget=INPUT, input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%d"])


class CompareForm(SaysWhatFits, forms.Form):
    """`against_*` empty: the baseline. Versions: empty is all of them; `~` is rows that name none."""

    since = _moment("Current, from")
    until = _moment("to")
    version = forms.CharField(max_length=200, required=False)
    against_since = _moment("Against, from")
    against_until = _moment("to")
    against_version = forms.CharField(max_length=200, required=False)

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        for first, last in (("since", "until"), ("against_since", "against_until")):
            for name in (first, last):
                moment = data.get(name)
                if moment is not None and not EARLIEST < moment < LATEST:
                    raise ValidationError({name: "This time is too far away."})
            if (data.get(first) is None) != (data.get(last) is None):
                raise ValidationError({last: "A range has a beginning and an end."})
            if data.get(first) is not None and data[first] >= data[last]:
                raise ValidationError({last: "The end comes after the beginning."})
        return data
