"""What the platform team offers: runtimes, hardware profiles, registries, prefixes; and the models that teams own."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.http import HttpRequest

from deployments.actions import places
from deployments.admin.base import AuditedAdmin
from deployments.domain.text.images import allowed, is_whole_registry
from deployments.domain.text.quantities import human_cpu, human_memory
from deployments.forms.admin.catalogue import HardwareProfileForm, MetadataPrefixForm, RegistryRuleForm, ServedModelForm
from deployments.forms.admin.runtime import PROBES, RuntimeForm, probe_field_names
from deployments.models import HardwareProfile, RegistryRule, Runtime
from deployments.queries.uses import uses_of


def tell_uses(request: HttpRequest, row: Runtime | HardwareProfile) -> None:
    """Who runs an older copy now: each takes the new one with its next revision, whatever that is about."""
    uses = uses_of(row)
    behind = [use for use in uses.rows if use.differs] if uses is not None else []
    if behind:
        names = ", ".join(f"{use.name} in {use.namespace}" for use in behind[:5])
        rest = f" and {len(behind) - 5} more" if len(behind) > 5 else ""
        messages.warning(request, f"What runs stays as it is. Their next revision takes this: {names}{rest}.")


class RuntimeAdmin(AuditedAdmin):
    """A changed runtime reaches a deployment with its next revision; what runs keeps its copy."""

    form = RuntimeForm
    list_display = ("name", "slug", "image", "is_active")
    list_filter = ("is_active",)
    search_fields = ("name", "slug")
    fixed_after_creation = ("slug",)
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ("slug", "name", "is_active")}),
        ("Container", {"fields": ("image", "command", "args", "env", "pull_secret", "service_account")}),
        ("Ports", {"fields": (("http_port", "grpc_port", "metrics_port"),)}),
        ("User", {"fields": (("run_as_user", "run_as_group"),)}),
        ("Space", {"fields": ("needs_shm", "shm_size", "tmp_size", "termination_grace_s")}),
        *(
            (f"{probe.capitalize()} probe", {"fields": (names[0], names[1:4], names[4:]), "classes": ("collapse",)})
            for probe, names in ((probe, probe_field_names(probe)) for probe in PROBES)
        ),
        ("Sample call", {"fields": ("sample_path", "sample_body")}),
        (None, {"fields": ("reason",)}),
    )

    @admin.display(description="image")
    def image(self, runtime: Runtime) -> str:
        return str(runtime.definition.get("image", ""))

    def write(self, request: HttpRequest, obj: Any, form: Any, *, reason: str) -> None:
        super().write(request, obj, form, reason=reason)
        tell_uses(request, obj)
        prefixes = list(RegistryRule.objects.filter(team=None).values_list("prefix", flat=True))
        if not allowed(obj.definition["image"], prefixes):
            messages.warning(
                request, "No registry rule for all teams covers this image: add one, or teams cannot use this runtime."
            )


class HardwareProfileAdmin(AuditedAdmin):
    """A changed profile reaches a deployment with its next revision; what runs keeps its copy."""

    form = HardwareProfileForm
    list_display = ("name", "slug", "cpu", "memory", "gpus", "is_active")
    list_filter = ("is_active",)
    search_fields = ("name", "slug")
    fixed_after_creation = ("slug",)
    fieldsets = (
        (None, {"fields": ("slug", "name", "is_active")}),
        ("CPU and memory of one pod", {"fields": (("cpu_request", "cpu_limit"), ("memory_request", "memory_limit"))}),
        ("GPUs", {"fields": (("gpu_count", "gpu_type"),)}),
        ("Nodes", {"fields": ("node_selector", "tolerations")}),
        ("Price", {"fields": ("price_class",)}),
        (None, {"fields": ("reason",)}),
    )

    def write(self, request: HttpRequest, obj: Any, form: Any, *, reason: str) -> None:
        super().write(request, obj, form, reason=reason)
        tell_uses(request, obj)

    @admin.display(description="CPU")
    def cpu(self, profile: HardwareProfile) -> str:
        return human_cpu(profile.to_domain().cpu_request)

    @admin.display(description="memory")
    def memory(self, profile: HardwareProfile) -> str:
        return human_memory(profile.to_domain().memory_request)

    @admin.display(description="GPUs")
    def gpus(self, profile: HardwareProfile) -> str:
        definition = profile.to_domain()
        return f"{definition.gpu_count} {definition.gpu_type or 'of any type'}" if definition.gpu_count else "none"


class RegistryRuleAdmin(AuditedAdmin):
    form = RegistryRuleForm
    list_display = ("prefix", "team", "note")
    list_filter = ("team",)
    list_select_related = ("team",)
    search_fields = ("prefix", "note")
    fields = ("prefix", "team", "note", "reason")

    def write(self, request: HttpRequest, obj: Any, form: Any, *, reason: str) -> None:
        super().write(request, obj, form, reason=reason)
        if is_whole_registry(obj.prefix):
            messages.warning(
                request,
                f"This allows every image of {obj.prefix}, of whoever may push there. Name a path in it to be safer.",
            )

    def get_empty_value_display(self) -> Any:
        return "all teams"


class MetadataPrefixAdmin(AuditedAdmin):
    """A prefix that goes stays on what runs, until the next edit."""

    form = MetadataPrefixForm
    list_display = ("prefix", "note")
    search_fields = ("prefix", "note")
    fields = ("prefix", "note", "reason")


class ServedModelAdmin(AuditedAdmin):
    form = ServedModelForm
    list_display = ("name", "slug", "type", "team")
    list_filter = ("type", "team")
    list_select_related = ("team",)
    search_fields = ("name", "slug")
    fixed_after_creation = ("slug",)
    fields = ("slug", "name", "type", "team", "description", "reason")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        # A model with deployments keeps its team: their namespaces belong to that team too.
        fixed = tuple(super().get_readonly_fields(request, obj))
        return (*fixed, "team") if obj and obj.deployments.exists() else fixed

    def write(self, request: HttpRequest, obj: Any, form: Any, *, reason: str) -> None:
        places.save(row=obj, by=self.actor(request), note=reason)
