"""Forms of hardware profiles, registry rules, metadata prefixes and models."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from deployments.domain.catalogue import HardwareProfile as Size
from deployments.domain.catalogue import Toleration
from deployments.domain.spec.checks.metadata import prefix_problem
from deployments.domain.spec.fields.resources import GPUS
from deployments.domain.text.images import InvalidImage, check_prefix
from deployments.domain.text.naming import InvalidText, clean_text
from deployments.domain.text.quantities import human_cpu, human_memory
from deployments.forms.admin.fields import CpuField, LinesField, MemoryField, NodeLabelsField, ReasonForm
from deployments.models import HardwareProfile, MetadataPrefix, RegistryRule, ServedModel

EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")


class TolerationsField(LinesField):
    """One toleration a line, as kubectl writes taints: key=value:Effect, or key:Effect for any value."""

    def item(self, line: str) -> Toleration:
        head, colon, effect = line.strip().partition(":")
        key, equals, value = head.partition("=")
        if not key or (colon and effect not in EFFECTS):
            raise ValidationError(
                f'"{line[:60]}" is not a toleration. Write nvidia.com/gpu=present:NoSchedule, or leave out =present.'
            )
        operator = "Equal" if equals else "Exists"
        return Toleration(key=key, operator=operator, value=value, effect=effect)  # type: ignore[arg-type]

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, (list, tuple)):
            return "\n".join(
                item.key + (f"={item.value}" if item.value else "") + (f":{item.effect}" if item.effect else "")
                for item in value
            )
        return value


class HardwareProfileForm(ReasonForm):
    cpu_request = CpuField(label="CPU request", help_text='What a pod is guaranteed, like "500m" or "4".')
    cpu_limit = CpuField(label="CPU limit", required=False, help_text="Empty: no limit, as most models want.")
    memory_request = MemoryField(help_text='Like "2Gi".')
    memory_limit = MemoryField(help_text="A pod that uses more is killed. Usually the same as the request.")
    gpu_count = forms.IntegerField(label="GPUs", min_value=GPUS.least, max_value=GPUS.most, initial=0)
    gpu_type = forms.CharField(
        label="GPU type", required=False, max_length=63, help_text="As nodes name it, like nvidia-l4. Empty: any."
    )
    node_selector = NodeLabelsField(required=False, rows=2, help_text="Labels a node must have: name=value.")
    tolerations = TolerationsField(required=False, rows=2, help_text="Taints it may run on: key=value:Effect.")
    price_class = forms.CharField(required=False, max_length=40, help_text="The key under which this size has a price.")

    class Meta:
        model = HardwareProfile
        fields = ("slug", "name", "is_active")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            size = self.instance.to_domain()
            self.initial.update({name: getattr(size, name) for name in _SIZE_FIELDS})

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        cpu, limit = data.get("cpu_request"), data.get("cpu_limit")
        if cpu and limit and limit < cpu:
            self.add_error("cpu_limit", f"Must be at least the request ({human_cpu(cpu)}).")
        memory, most = data.get("memory_request"), data.get("memory_limit")
        if memory and most and most < memory:
            self.add_error("memory_limit", f"Must be at least the request ({human_memory(memory)}).")
        if data.get("gpu_type") and not data.get("gpu_count"):
            self.add_error("gpu_count", "A GPU type needs at least one GPU.")
        return data

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        if self.errors:
            return
        values = {name: self.cleaned_data[name] for name in _SIZE_FIELDS}
        values |= {"node_selector": dict(values["node_selector"]), "gpu_type": values["gpu_type"] or None}
        slug = self.cleaned_data.get("slug") or self.instance.slug
        self.instance.definition = Size(slug=slug, name=self.cleaned_data["name"], **values).to_json()


_SIZE_FIELDS = tuple(HardwareProfileForm.declared_fields.keys() - {"reason"})


class RegistryRuleForm(ReasonForm):
    class Meta:
        model = RegistryRule
        fields = ("prefix", "team", "note")

    def clean_prefix(self) -> str:
        prefix: str = self.cleaned_data["prefix"].strip().rstrip("/")
        try:
            check_prefix(prefix)
        except InvalidImage as problem:
            raise ValidationError(str(problem)) from problem
        return prefix


class MetadataPrefixForm(ReasonForm):
    class Meta:
        model = MetadataPrefix
        fields = ("prefix", "note")

    def clean_prefix(self) -> str:
        prefix: str = self.cleaned_data["prefix"].strip()
        prefix = prefix if prefix.endswith("/") else f"{prefix}/"
        problem = prefix_problem(prefix)
        if problem:
            raise ValidationError(problem)
        return prefix


class ServedModelForm(ReasonForm):
    class Meta:
        model = ServedModel
        fields = ("slug", "name", "type", "team", "description")

    def clean_name(self) -> str:
        try:
            return clean_text(self.cleaned_data["name"], limit=120)
        except InvalidText as problem:
            raise ValidationError(str(problem)) from problem
