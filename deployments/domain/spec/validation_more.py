"""What is wrong with the fields that came with schema 2."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from deployments.domain.catalogue import HardwareProfile, Probe, Runtime
from deployments.domain.spec.parts import Budget
from deployments.domain.text import naming

if TYPE_CHECKING:
    from deployments.domain.spec.spec import Spec

Errors = dict[str, str]

PAIRS_MAX: Final = 20
CONTACT_MAX: Final = 200
RUNBOOK_MAX: Final = 500
DESCRIPTION_MAX: Final = 4000
ANNOTATION_MAX: Final = 1000

# Kubernetes and the cloud act on these: they belong to the platform team, whatever prefixes it allows to others.
_RESERVED: Final = ("kubernetes.io", "k8s.io", "barista.io")
_KEY_PART: Final = r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?"
_KEY: Final = re.compile(rf"(?:([a-z0-9](?:[a-z0-9.-]{{0,251}}[a-z0-9])?)/)?{_KEY_PART}\Z", re.ASCII)
_LABEL_VALUE: Final = re.compile(rf"(?:{_KEY_PART})?\Z", re.ASCII)
_SECRET_KEY: Final = re.compile(r"[A-Za-z0-9._-]{1,253}\Z", re.ASCII)
_PERCENT: Final = re.compile(r"(0|[1-9][0-9]?|100)%\Z", re.ASCII)
_URL_PATH: Final = re.compile(r"/[A-Za-z0-9._~/%@:+-]{0,255}\Z", re.ASCII)
_ENV_TOTAL: Final = 200


def validate_more(
    spec: Spec,
    runtime: Runtime | None,
    profile: HardwareProfile | None,
    metadata_prefixes: Sequence[str],
    errors: Errors,
) -> None:
    _env_refs(spec, errors)
    _ports_and_probes(spec, runtime, errors)
    _times(spec, runtime, errors)
    _placing(spec, profile, errors)
    _budget(spec.budget, errors)
    _ingress(spec, errors)
    for name, pairs in (("labels", spec.labels), ("annotations", spec.annotations)):
        _marks(name, pairs, metadata_prefixes, errors)
    _about(spec, errors)


def is_label_value(text: str) -> bool:
    return bool(_LABEL_VALUE.match(text))


def _env_refs(spec: Spec, errors: Errors) -> None:
    plain = {name for name, _ in spec.env}
    seen: set[str] = set()
    if len(spec.env) + len(spec.env_refs) > _ENV_TOTAL:
        errors.setdefault("env", f"At most {_ENV_TOTAL} variables, those from Secrets included.")
    for ref in spec.env_refs:
        path, what = f"env_refs.{ref.name}", "Secret" if ref.kind == "secret" else "ConfigMap"
        try:
            naming.check_env_name(ref.name)
            naming.check_object_name(ref.source, what)
        except naming.InvalidName as problem:
            errors[path] = str(problem)
            continue
        if not _SECRET_KEY.match(ref.key):
            errors[path] = f"The key in the {what} holds letters, digits, dots, hyphens and underscores."
        elif ref.name in plain or ref.name in seen:
            errors[path] = f"{ref.name} is set twice."
        seen.add(ref.name)


def _ports_and_probes(spec: Spec, runtime: Runtime | None, errors: Errors) -> None:
    if spec.grpc_port is not None and not 1 <= spec.grpc_port <= 65535:
        errors["grpc_port"] = "Must be a port between 1 and 65535."
    elif spec.grpc_port is not None and runtime and spec.grpc_port in (runtime.http_port, runtime.metrics_port):
        errors["grpc_port"] = f"{runtime.name} uses port {spec.grpc_port} for something else."
    has_grpc = spec.grpc_port is not None or (runtime is not None and runtime.grpc_port is not None)
    for name in ("startup", "readiness", "liveness"):
        problem = _probe(getattr(spec, name), has_grpc=has_grpc)
        if problem:
            errors[name] = problem


def _probe(probe: Probe | None, *, has_grpc: bool) -> str:
    if probe is None or probe.kind == "off":
        return ""
    if probe.kind == "http" and not _URL_PATH.match(probe.path or "/"):
        return "The path must begin with / and hold no spaces, for example /healthz."
    if probe.kind != "http" and probe.path is not None:
        return "Only an HTTP probe has a path."
    if not has_grpc and (probe.kind == "grpc" or probe.port_name == "grpc"):
        return "There is no gRPC port: fill one in, or ask the HTTP port."
    bounds = (
        ("wait before the first check", probe.initial_delay_s, 0, 3600),
        ("time between checks", probe.period_s, 1, 3600),
        ("time for an answer", probe.timeout_s, 1, 300),
        ("number of failures", probe.failure_threshold, 1, 1000),
    )
    for what, value, least, most in bounds:
        if not least <= value <= most:
            return f"The {what} must be between {least} and {most}."
    return ""


def _times(spec: Spec, runtime: Runtime | None, errors: Errors) -> None:
    if not 0 <= spec.min_ready_s <= 3600:
        errors["min_ready_s"] = "Must be between 0 and 3600 seconds."
    if not 1 <= spec.progress_deadline_s <= 86_400:
        errors["progress_deadline_s"] = "Must be between 1 and 86400 seconds."
    elif spec.progress_deadline_s <= spec.min_ready_s:
        errors["progress_deadline_s"] = f"Must be more than the time a pod must stay ready ({spec.min_ready_s} s)."
    grace = spec.termination_grace_s
    if grace is not None and not 1 <= grace <= 3600:
        errors["termination_grace_s"] = "Must be between 1 and 3600 seconds."
    if spec.pre_stop_sleep_s is None:
        return
    whole = grace if grace is not None else runtime.termination_grace_s if runtime else 30
    if not 1 <= spec.pre_stop_sleep_s < whole:
        errors["pre_stop_sleep_s"] = f"Must be at least 1 and less than the time to end ({whole} s)."


def _placing(spec: Spec, profile: HardwareProfile | None, errors: Errors) -> None:
    taken = profile.node_selector if profile is not None else {}
    if len(spec.node_selector) > PAIRS_MAX:
        errors["node_selector"] = f"At most {PAIRS_MAX} labels."
    for key, value in spec.node_selector:
        path = f"node_selector.{key}"
        if not _KEY.match(key) or not is_label_value(value):
            errors[path] = "Must be a label of a node, such as disk=ssd."
        elif "node-role.kubernetes.io" in key:
            errors[path] = "Nodes of the control plane are not for models."
        elif taken.get(key, value) != value:
            errors[path] = f'The hardware profile already asks for "{taken[key]}".'
    if len(spec.tolerations) > PAIRS_MAX:
        errors["tolerations"] = f"At most {PAIRS_MAX} tolerations."
    for item in spec.tolerations:
        path = f"tolerations.{item.key}" if item.key else "tolerations"
        # Without a key it would tolerate every taint, those of the control plane and of broken nodes included.
        if not _KEY.match(item.key) or "node-role.kubernetes.io" in item.key or not is_label_value(item.value):
            errors[path] = "Must be the key of a taint, such as nvidia.com/gpu."
        elif item.operator == "Exists" and item.value:
            errors[path] = '"Exists" takes no value.'
    if spec.priority_class is not None:
        try:
            naming.check_object_name(spec.priority_class, "priority class")
        except naming.InvalidName as problem:
            errors["priority_class"] = str(problem)
        if spec.priority_class.startswith("system-"):
            errors["priority_class"] = "The classes of the cluster itself are not for models."
    if spec.spread is not None and not 1 <= spec.spread.max_skew <= 10:
        errors["spread"] = "The difference between places must be between 1 and 10 pods."


def _budget(budget: Budget | None, errors: Errors) -> None:
    if budget is None:
        return
    given = [value for value in (budget.min_available, budget.max_unavailable) if value is not None]
    if len(given) != 1:
        errors["budget"] = "Fill in either the pods that must stay or those that may be missing."
        return
    value = given[0]
    is_good = 0 <= value <= 1000 if isinstance(value, int) else bool(_PERCENT.match(value))
    if not is_good:
        errors["budget"] = 'Must be a count from 0, or a percentage such as "50%".'


def _ingress(spec: Spec, errors: Errors) -> None:
    extras = {
        "ingress_path": spec.ingress_path if spec.ingress_path != "/" else None,
        "ingress_tls_secret": spec.ingress_tls_secret,
        "ingress_class": spec.ingress_class,
    }
    for path, value in extras.items():
        if value is None:
            continue
        if spec.ingress_host is None:
            errors[path] = "Needs an Ingress host: fill it in, or leave this empty."
        elif path == "ingress_path":
            if not _URL_PATH.match(value) or ".." in value.split("/"):
                errors[path] = "Must begin with / and hold no spaces, for example /v1."
        else:
            try:
                naming.check_object_name(value, "name")
            except naming.InvalidName as problem:
                errors[path] = str(problem)


def metadata_prefix_problem(prefix: str) -> str:
    """Why labels and annotations of this prefix cannot be allowed; empty when they can."""
    match = _KEY.match(f"{prefix}key")
    domain = match.group(1) if match else None
    if domain is None or not prefix.endswith("/"):
        return "Must be a domain in lower case and a slash, such as acme.com/."
    return f"Keys of {domain} are set by the platform only." if _is_reserved(domain) else ""


def _is_reserved(domain: str) -> bool:
    return any(domain == reserved or domain.endswith(f".{reserved}") for reserved in _RESERVED)


def _marks(name: str, pairs: Sequence[tuple[str, str]], prefixes: Sequence[str], errors: Errors) -> None:
    if len(pairs) > PAIRS_MAX:
        errors[name] = f"At most {PAIRS_MAX} entries."
    for key, value in pairs:
        path = f"{name}.{key}"
        match = _KEY.match(key)
        domain = match.group(1) if match else None
        if match is None or domain is None:
            errors[path] = "Must be a key with a prefix, such as example.com/cost-center."
        elif _is_reserved(domain):
            errors[path] = f"Keys of {domain} are set by the platform only."
        elif not any(key.startswith(prefix) for prefix in prefixes if prefix.endswith("/")):
            listed = ", ".join(prefixes) or "none yet"
            errors[path] = f"The prefix {domain}/ is not allowed. Allowed: {listed}."
        elif name == "labels" and not is_label_value(value):
            errors[path] = "A label's value holds at most 63 letters, digits, dots, hyphens and underscores."
        elif name == "annotations":
            _text(path, value, ANNOTATION_MAX, errors)


def _about(spec: Spec, errors: Errors) -> None:
    _text("contact", spec.contact, CONTACT_MAX, errors)
    _text("description", spec.description, DESCRIPTION_MAX, errors, multiline=True)
    _text("runbook", spec.runbook, RUNBOOK_MAX, errors)
    if spec.runbook and "runbook" not in errors and not is_web_link(spec.runbook):
        errors["runbook"] = "Must be a link that begins with https:// or http://."


def is_web_link(text: str) -> bool:
    """Only links a browser opens as a page: no other scheme, no user name that disguises the host."""
    try:
        parts = urlsplit(text)
        host = parts.hostname
    except ValueError:
        return False
    is_plain = not any(character.isspace() or character in "\\<>\"'`" for character in text)
    return parts.scheme in ("https", "http") and bool(host) and "@" not in parts.netloc and is_plain


def _text(path: str, text: str, limit: int, errors: Errors, *, multiline: bool = False) -> None:
    try:
        naming.clean_text(text, multiline=multiline, limit=limit)
    except naming.InvalidText as problem:
        errors[path] = str(problem)
