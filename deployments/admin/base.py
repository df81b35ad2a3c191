"""The base of every admin page: each write is an action, so each write is audited."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.contrib.admin.utils import unquote
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.db import models
from django.forms import ModelForm
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from deployments import audit
from deployments.actions import records
from deployments.actions.errors import Refused
from deployments.forms.admin.fields import ReasonForm
from deployments.models import AuditEvent
from deployments.queries.uses import Uses, uses_of

# Machine-written rows may go with what they describe; every other row has to be removed on its own, with its own event.
MACHINE_WRITTEN = frozenset({"cloudrequest", "clusterhealth", "clusterevent", "proposal"})
HISTORY_LENGTH = 200


def plain_choice(field: Any) -> Any:
    """Without the buttons beside a choice: they open windows in which nobody expects to change another object."""
    if field is not None and isinstance(field.widget, RelatedFieldWidgetWrapper):
        field.widget = field.widget.widget
    return field


class AuditedAdmin(ModelAdmin):
    """Writes through deployments.actions only, asks for a reason, and never in bulk."""

    form: type[ModelForm] = ReasonForm
    actions = None
    list_per_page = 50
    fixed_after_creation: tuple[str, ...] = ()
    object_history_template = "admin/audit_history.html"
    delete_confirmation_template = "admin/delete_with_reason.html"
    change_form_template = "admin/change_with_uses.html"
    change_list_template = "admin/list.html"

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Nothing is filled in from the address: Django's widgets fail on what is no date."""
        return {}

    def actor(self, request: HttpRequest) -> audit.Actor:
        return audit.Actor.of(request, via="admin")

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        title = str(self.opts.verbose_name_plural)
        return super().changelist_view(request, {"title": title[:1].upper() + title[1:], **(extra_context or {})})

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        # `?_to_field=` with nothing after it passes Django's own check and then names no field.
        return super().get_object(request, object_id, from_field or None)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return (*self.readonly_fields, *self.fixed_after_creation) if obj else self.readonly_fields

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        if field is not None:
            field.empty_label = "all" if not field.required else "choose"
        return field

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        return plain_choice(super().formfield_for_dbfield(db_field, request, **kwargs))

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """Only by what the list offers: else the address asks for the beginning of a password's hash, bit by bit."""
        offered = {item[0] if isinstance(item, tuple) else item for item in self.get_list_filter(request)}
        names = {str(name).split("__")[0] for name in offered} | {"pk", "id"}
        return lookup.split("__")[0] in names and super().lookup_allowed(lookup, value, request)

    def uses(self, row: Any) -> Uses | None:
        """Deployments that need the row, or that it speaks of."""
        return uses_of(row)

    # Writing

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        self.write(request, obj, form, reason=form.cleaned_data["reason"])

    def write(self, request: HttpRequest, obj: Any, form: Any, *, reason: str) -> None:
        """Save `obj` through its action."""
        records.save(row=obj, by=self.actor(request), note=reason)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        reason = request.POST.get("reason", "").strip()
        if not reason:
            raise Refused("Say why it is deleted: the audit log keeps it.")
        uses = self.uses(obj)
        if uses is not None and uses.is_rule and uses.count and request.POST.get("typed_name", "").strip() != str(obj):
            raise Refused(f"{uses.words}. Type \u201c{obj}\u201d to delete it all the same.")
        self.remove(request, obj, reason=reason)

    def remove(self, request: HttpRequest, obj: Any, *, reason: str) -> None:
        """Delete `obj` through its action."""
        records.delete(row=obj, by=self.actor(request), note=reason)

    def delete_queryset(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> None:
        raise Refused("Delete one by one, so that each gets its own audit event.")

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        raise NotImplementedError(
            f"{type(self).__name__} shows rows of {formset.model.__name__} but not how to save them"
        )

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        # Without form.save_m2m(): it would write without an event, and no model here has a plain many-to-many field.
        for formset in formsets:
            self.save_formset(request, form, formset, change=change)

    # Refusals in words instead of a server error

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        row = self.get_object(request, unquote(object_id)) if object_id else None
        context = {**(extra_context or {}), "uses": self.uses(row) if row is not None else None}
        try:
            return super().changeform_view(request, object_id, form_url, context)
        except Refused as refusal:
            messages.error(request, str(refusal))
            return HttpResponseRedirect(request.get_full_path())

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        row = self.get_object(request, unquote(object_id))
        context = {**(extra_context or {}), "uses": self.uses(row) if row is not None else None}
        try:
            return super().delete_view(request, object_id, context)
        except Refused as refusal:
            messages.error(request, str(refusal))
            return HttpResponseRedirect(request.get_full_path())

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Refuses to take other people's rows along: those need an audit event of their own."""
        shown, counts, lacking, protected = super().get_deleted_objects(objs, request)
        along = {
            str(model._meta.verbose_name_plural)
            for model in apps.get_app_config("deployments").get_models()
            if model._meta.model_name not in MACHINE_WRITTEN and model is not self.model
        }
        blocking = [f"{number} {name}" for name, number in counts.items() if name in along]
        # What nobody may delete here is in the way like the rest: it is no right that the reader lacks.
        return shown, counts, set(), [*protected, *sorted(map(str, lacking)), *blocking]

    # History is the audit log; Django's own entries hang on users and disappear with them.

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> None:  # type: ignore[override]
        return None

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> None:  # type: ignore[override]
        return None

    def log_deletions(self, request: HttpRequest, queryset: Any) -> None:  # type: ignore[override]
        return None

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """The audit events of one row, newest first."""
        row = self.get_object(request, unquote(object_id))
        if row is None or not self.has_view_or_change_permission(request, row):
            raise Http404
        events = AuditEvent.objects.filter(object_type=self.opts.model_name, object_id=str(row.pk))
        context = {
            **self.admin_site.each_context(request),
            "title": f"History of {row}",
            "opts": self.opts,
            "object": row,
            "events": events[:HISTORY_LENGTH],
            "all_of_it": reverse("admin:deployments_auditevent_changelist") + f"?q={self.opts.model_name}",
        }
        return TemplateResponse(request, self.object_history_template, context)
