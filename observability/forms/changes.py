"""Telling of a change from outside."""

from __future__ import annotations

from django import forms

from baristaweb.lib.refusals import SaysWhatFits
from observability.forms.compare import INPUT
from observability.models import ChangeEvent


class ChangeForm(SaysWhatFits, forms.Form):
    title = forms.CharField(label="What happened", max_length=120, help_text="Like: winter sale begins.")
    kind = forms.ChoiceField(label="Kind", choices=ChangeEvent.Kind.choices, initial=ChangeEvent.Kind.OTHER)
    occurred_at = forms.DateTimeField(
        label="When",
        widget=INPUT,
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%d"],
        help_text="UTC.",
    )
    link = forms.URLField(label="Link", max_length=500, required=False, assume_scheme="https")
