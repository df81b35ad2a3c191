"""Choosing several deployments and what to do to them."""

from __future__ import annotations

from django import forms
from django.core.exceptions import ValidationError

from baristaweb.lib.refusals import SaysWhatFits
from deployments.actions.bulk import MOST, BulkAction
from deployments.models import Deployment, User


class BulkForm(SaysWhatFits, forms.Form):
    """Which deployments, what, and why. Foreign and missing ones are the same unknown choice."""

    action = forms.ChoiceField(choices=[(item.value, item.label) for item in BulkAction])
    deployment = forms.MultipleChoiceField(error_messages={"required": "Choose at least one deployment."})
    note = forms.CharField(label="Why?", max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 3}))

    def __init__(self, *args: object, user: User, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.user = user
        visible = Deployment.objects.visible_to(user).live().values_list("slug", flat=True)
        field = self.fields["deployment"]
        if isinstance(field, forms.MultipleChoiceField):
            field.choices = [(slug, slug) for slug in visible]

    def clean_deployment(self) -> list[Deployment]:
        slugs = self.cleaned_data["deployment"]
        if len(slugs) > MOST:
            raise ValidationError(f"Choose at most {MOST} deployments.")
        return list(Deployment.objects.related().filter(slug__in=slugs).order_by("slug"))
