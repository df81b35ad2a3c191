"""The form of a runtime: typed fields, assembled into deployments.domain.catalogue.Runtime."""

from __future__ import annotations

import re
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError

from deployments.domain.catalogue import TEMPLATE_NAMES, Probe
from deployments.domain.catalogue import Runtime as Template
from deployments.domain.spec.checks.values import URL_PATH_MAX
from deployments.domain.spec.fields.field import PORTS
from deployments.domain.spec.fields.rollout import PROBE_BOUNDS
from deployments.domain.spec.fields.table import field_for
from deployments.domain.text.naming import InvalidName, check_object_name, is_platforms
from deployments.forms.admin.fields import EnvField, ImageField, LinesField, MemoryField, ReasonForm
from deployments.models import Runtime

PROBES: Final = ("readiness", "liveness", "startup")
PROBE_NUMBERS: Final = {
    "initial_delay_s": "Initial delay (seconds)",
    "period_s": "Check interval (seconds)",
    "timeout_s": "Timeout (seconds)",
    "failure_threshold": "Failure threshold",
}
_NAMES_HELP: Final = "May hold " + ", ".join(f"{{{name}}}" for name in TEMPLATE_NAMES) + "."
_PLACEHOLDER: Final = re.compile(r"\{([a-z_]+)\}")


def probe_field_names(probe: str) -> tuple[str, ...]:
    """Names of one probe's form fields: kind, path, port_name, then the numbers."""
    return tuple(f"{probe}_{name}" for name in ("kind", "path", "port_name", *PROBE_NUMBERS))


def _probe_fields(probe: str) -> dict[str, forms.Field]:
    kinds = [("", "no check"), ("http", "HTTP GET"), ("tcp", "TCP connection"), ("grpc", "gRPC health")]
    made: dict[str, forms.Field] = {
        f"{probe}_kind": forms.ChoiceField(label="Check by", choices=kinds, required=False),
        f"{probe}_path": forms.CharField(
            label="Path", required=False, max_length=URL_PATH_MAX, help_text="For HTTP, like /ready."
        ),
        f"{probe}_port_name": forms.ChoiceField(label="Port", choices=[("http", "http"), ("grpc", "grpc")]),
    }
    for name, label in PROBE_NUMBERS.items():
        bounds, initial = PROBE_BOUNDS[name], field_for(probe).member(name).default
        made[f"{probe}_{name}"] = forms.IntegerField(
            label=label, initial=initial, min_value=bounds.least, max_value=bounds.most
        )
    return made


_ProbeFields = type("_ProbeFields", (forms.Form,), {k: v for probe in PROBES for k, v in _probe_fields(probe).items()})


def _port(label: str, *, required: bool = False, **options: Any) -> forms.IntegerField:
    return forms.IntegerField(label=label, required=required, min_value=PORTS.least, max_value=PORTS.most, **options)


def _user(label: str) -> forms.IntegerField:
    return forms.IntegerField(
        label=label, min_value=1, max_value=2**31 - 1, initial=1000, help_text="Not 0: containers never run as root."
    )


class RuntimeForm(_ProbeFields, ReasonForm):  # type: ignore[misc,valid-type]  # its fields are made in a loop
    image = ImageField(max_length=512, help_text="Like tensorflow/serving:2.19.1. A digest pins it.")
    command = LinesField(required=False, rows=2, help_text=f"One part a line; empty: the image's own. {_NAMES_HELP}")
    args = LinesField(label="Arguments", rows=6, required=False, help_text=f"One argument a line. {_NAMES_HELP}")
    env = EnvField(label="Variables", required=False, help_text=f"NAME=value, one a line. {_NAMES_HELP}")
    http_port = _port("HTTP port", required=True, initial=8080)
    grpc_port = _port("gRPC port", help_text="Empty: none.")
    metrics_port = _port("Metrics port", help_text="Empty: none.")
    run_as_user = _user("User ID")
    run_as_group = _user("Group ID")
    needs_shm = forms.BooleanField(label="Shared memory (/dev/shm)", required=False)
    shm_size = MemoryField(label="Size of /dev/shm", required=False, help_text='Like "1Gi". Empty: the pod\'s memory.')
    tmp_size = MemoryField(label="Size of /tmp", required=False, help_text='Like "2Gi". Empty: the node\'s disk.')
    pull_secret = forms.CharField(required=False, max_length=253, help_text="Secret with the registry's credentials.")
    service_account = forms.CharField(required=False, max_length=253, help_text="ServiceAccount that pods run as.")
    termination_grace_s = forms.IntegerField(
        label="Termination grace period (seconds)",
        help_text="To finish requests when a pod is stopped.",
        min_value=0,
        max_value=3600,
        initial=30,
    )

    sample_path = forms.CharField(
        label="Path",
        required=False,
        max_length=300,
        help_text=f"Like /v1/models/{{model_name}}:predict. Shown on each deployment's page. {_NAMES_HELP}",
    )
    sample_body = forms.CharField(
        label="Body", required=False, max_length=2000, help_text='JSON, like {"instances": [[0.1, 0.2]]}. Empty: a GET.'
    )

    class Meta:
        model = Runtime
        fields = ("slug", "name", "is_active")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance.pk:
            return
        template = self.instance.to_domain()
        self.initial.update({name: getattr(template, name) for name in _PLAIN})
        for probe in PROBES:
            check: Probe | None = getattr(template, probe)
            if check is not None:
                self.initial.update({f"{probe}_{name}": value for name, value in check.to_json().items()})

    def clean_command(self) -> tuple[str, ...]:
        return self._known_names("command")

    def clean_args(self) -> tuple[str, ...]:
        return self._known_names("args")

    def clean_env(self) -> tuple[tuple[str, str], ...]:
        pairs: tuple[tuple[str, str], ...] = self.cleaned_data["env"]
        _refuse_unknown_names([value for _, value in pairs])
        return pairs

    def _known_names(self, field: str) -> tuple[str, ...]:
        lines: tuple[str, ...] = self.cleaned_data[field]
        _refuse_unknown_names(lines)
        return lines

    def clean_sample_path(self) -> str:
        path: str = self.cleaned_data["sample_path"]
        if path and not path.startswith("/"):
            raise ValidationError("Must begin with /.")
        _refuse_unknown_names([path])
        return path

    def clean_pull_secret(self) -> str | None:
        return _object_name(self.cleaned_data["pull_secret"], "Secret")

    def clean_service_account(self) -> str | None:
        return _object_name(self.cleaned_data["service_account"], "ServiceAccount")

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        seen: dict[int, str] = {}
        for name in ("http_port", "grpc_port", "metrics_port"):
            port = data.get(name)
            if port is not None and seen.setdefault(port, name) != name and name != "metrics_port":
                self.add_error(name, "Must differ from the HTTP port.")
        if data.get("shm_size") and not data.get("needs_shm"):
            self.add_error("needs_shm", "A size of /dev/shm needs shared memory.")
        for probe in PROBES:
            self._check_probe(probe, data)
        self._check_loaders(data)
        return data

    def _check_loaders(self, data: dict[str, Any]) -> None:
        """What changes the container's own start is set with a reason; one that stays as it was has its own."""
        kept = dict(self.instance.to_domain().env) if self.instance.pk else {}
        new = [name for name, value in data.get("env") or () if is_platforms(name) and kept.get(name) != value]
        if new and not (data.get("reason") or "").strip():
            words = " and ".join(new)
            self.add_error("reason", f"Say why: {words} changes how the containers of everybody who uses it start.")

    def _check_probe(self, probe: str, data: dict[str, Any]) -> None:
        kind, path = data.get(f"{probe}_kind"), data.get(f"{probe}_path", "")
        if kind == "http" and not path.startswith("/"):
            self.add_error(f"{probe}_path", "An HTTP check needs a path that begins with /, like /ready.")
        if kind and (kind == "grpc" or data.get(f"{probe}_port_name") == "grpc") and not data.get("grpc_port"):
            self.add_error(f"{probe}_kind", "This check needs a gRPC port.")

    def _post_clean(self) -> None:
        super()._post_clean()
        if self.errors:
            return
        values = {name: self.cleaned_data[name] for name in _PLAIN}
        values |= {probe: self._probe(probe) for probe in PROBES}
        slug = self.cleaned_data.get("slug") or self.instance.slug
        self.instance.definition = Template(slug=slug, name=self.cleaned_data["name"], **values).to_json()

    def _probe(self, probe: str) -> Probe | None:
        value = {name.removeprefix(f"{probe}_"): self.cleaned_data[name] for name in probe_field_names(probe)}
        if not value["kind"]:
            return None
        value["path"] = value["path"] if value["kind"] == "http" else None
        if value["kind"] == "grpc":
            value["port_name"] = "grpc"
        return Probe(**value)


_PLAIN: Final = tuple(
    name
    for name in RuntimeForm.declared_fields
    if name != "reason" and not name.startswith(tuple(f"{probe}_" for probe in PROBES))
)


def _refuse_unknown_names(texts: Any) -> None:
    unknown = {name for text in texts for name in _PLACEHOLDER.findall(text)} - set(TEMPLATE_NAMES)
    if unknown:
        listed = ", ".join(f"{{{name}}}" for name in sorted(unknown))
        raise ValidationError(f"{listed} would reach the container as it is. {_NAMES_HELP}")


def _object_name(name: str, what: str) -> str | None:
    if not name:
        return None
    try:
        check_object_name(name, what)
    except InvalidName as problem:
        raise ValidationError(str(problem)) from problem
    return name
