"""Checks of what runs: the artifact, the image, the variables and the probes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from deployments.domain.catalogue import Probe, Runtime
from deployments.domain.spec.checks.values import Errors, is_url_path, object_name_problem, parts_problem
from deployments.domain.spec.fields.field import Field
from deployments.domain.spec.fields.rollout import PROBES
from deployments.domain.spec.fields.table import field_for
from deployments.domain.spec.spec import Spec
from deployments.domain.text import images, naming
from deployments.domain.text.secrets import has_credentials, has_secret_shape

ENV_MAX: Final = 200
ENV_VALUE_MAX: Final = 32 * 1024
ENV_TOTAL_MAX: Final = 512 * 1024
ARTIFACT_MAX: Final = 1024
ARTIFACT_SCHEMES: Final = ("gs", "s3", "https", "abfs", "hf", "oci", "models", "file")

# One slash is how MLflow and local paths are written; elsewhere it is a slip, and names no bucket.
_ARTIFACT: Final = re.compile(r"(?:([a-z][a-z0-9]*)://|(models|file):/)[A-Za-z0-9._~/%@:=+-]+\Z", re.ASCII)
_VERSION: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?\Z", re.ASCII)
_SECRET_KEY: Final = re.compile(r"[A-Za-z0-9._-]{1,253}\Z", re.ASCII)


def check(spec: Spec, runtime: Runtime | None, allowlist: Sequence[str], errors: Errors) -> None:
    _model(spec, errors)
    if runtime is None:
        errors["runtime"] = "Choose a runtime of the list." if spec.runtime else "Choose a runtime."
    _image(spec, runtime, allowlist, errors)
    _env(spec.env, errors)
    _env_refs(spec, errors)
    _probes(spec, runtime, errors)
    _ending(spec, runtime, errors)


def _model(spec: Spec, errors: Errors) -> None:
    match = _ARTIFACT.match(spec.artifact_uri)
    if has_secret_shape(spec.artifact_uri) or has_credentials(spec.artifact_uri):
        errors["artifact_uri"] = (
            "Holds a password or token, which everybody could read. Give the place without it, and let the pods' "
            "account or a variable from a Secret open it."
        )
    elif not match or (match.group(1) or match.group(2)) not in ARTIFACT_SCHEMES:
        schemes = ", ".join(f"{scheme}://" for scheme in ARTIFACT_SCHEMES)
        errors["artifact_uri"] = f"Must be a place such as gs://models/ranker/42 (one of {schemes}), without spaces."
    elif len(spec.artifact_uri) > ARTIFACT_MAX:
        errors["artifact_uri"] = f"Must have at most {ARTIFACT_MAX} characters; this has {len(spec.artifact_uri)}."
    elif ".." in spec.artifact_uri.split("/"):
        errors["artifact_uri"] = "Must not hold '..': give the whole location, such as gs://models/ranker/42."
    if not spec.model_version:
        errors["model_version"] = "Fill in the version that the model reports, such as 42."
    elif not _VERSION.match(spec.model_version):
        errors["model_version"] = (
            "Must be letters, digits, dots, hyphens and underscores, at most 63, such as 42 or 2026-11-28.1."
        )


def _image(spec: Spec, runtime: Runtime | None, allowlist: Sequence[str], errors: Errors) -> None:
    image = spec.image_override if spec.image_override is not None else (runtime.image if runtime else None)
    if image is None:
        return
    where = "runtime" if spec.image_override is None else "image_override"
    try:
        images.ImageReference.parse(image)
    except images.InvalidImage as problem:
        errors[where] = str(problem)
        return
    if not images.allowed(image, allowlist):
        listed = ", ".join(allowlist) or "none yet"
        errors[where] = f"The registry of {image[:120]} is not allowed. Allowed: {listed}."


def _env(env: Sequence[tuple[str, str]], errors: Errors) -> None:
    if len(env) > ENV_MAX:
        errors["env"] = f"At most {ENV_MAX} variables; there are {len(env)}."
    elif sum(len(name) + len(value.encode("utf-8", "surrogatepass")) for name, value in env) > ENV_TOTAL_MAX:
        errors["env"] = "All variables together may have at most 512 KiB: shorten their values."
    seen: set[str] = set()
    for name, value in env:
        path = f"env.{name}"
        try:
            naming.check_env_name(name)
            naming.check_storable(value)
        except (naming.InvalidName, naming.InvalidText) as problem:
            errors[path] = str(problem)
            continue
        if name in seen:
            errors[path] = f"{name} is set twice: keep one of the two."
        elif len(value.encode()) > ENV_VALUE_MAX:
            errors[path] = f"The value may have at most 32 KiB; this has {len(value.encode()) // 1024}."
        elif has_secret_shape(value):
            errors[path] = "The value is a key or password: put it into a Secret and read it from there."
        seen.add(name)


def _env_refs(spec: Spec, errors: Errors) -> None:
    plain = {name for name, _ in spec.env}
    seen: set[str] = set()
    if len(spec.env) + len(spec.env_refs) > ENV_MAX:
        errors.setdefault("env", f"At most {ENV_MAX} variables, those from Secrets included.")
    for ref in spec.env_refs:
        path, what = f"env_refs.{ref.name}", "Secret" if ref.kind == "secret" else "ConfigMap"
        try:
            naming.check_env_name(ref.name)
        except naming.InvalidName as problem:
            errors[path] = str(problem)
            continue
        if problem_of_source := object_name_problem(ref.source, what):
            errors[path] = problem_of_source
            continue
        if not _SECRET_KEY.match(ref.key):
            errors[path] = (
                f"The key in the {what} must be letters, digits, dots, hyphens and underscores, such as api-key."
            )
        elif ref.name in plain or ref.name in seen:
            errors[path] = f"{ref.name} is set twice: keep one of the two."
        seen.add(ref.name)


def _probes(spec: Spec, runtime: Runtime | None, errors: Errors) -> None:
    has_grpc = spec.grpc_port is not None or (runtime is not None and runtime.grpc_port is not None)
    for name in PROBES:
        row = field_for(name)
        problem = _probe(row, row.value_in(spec), has_grpc=has_grpc)
        if problem:
            errors[name] = problem


def _probe(row: Field, probe: Probe | None, *, has_grpc: bool) -> str:
    if probe is None or probe.kind == "off":
        return ""
    if probe.kind == "http" and not is_url_path(probe.path or "/"):
        return "The path must begin with / and hold no spaces, for example /healthz."
    if probe.kind != "http" and probe.path is not None:
        return "Only an HTTP probe has a path: choose HTTP GET, or leave the path empty."
    if not has_grpc and (probe.kind == "grpc" or probe.port_name == "grpc"):
        return "There is no gRPC port: fill one in, such as 9000, or choose the HTTP port."
    return parts_problem(row, probe)


def _ending(spec: Spec, runtime: Runtime | None, errors: Errors) -> None:
    if spec.pre_stop_sleep_s is None:
        return
    grace = spec.termination_grace_s
    whole = grace if grace is not None else runtime.termination_grace_s if runtime else 30
    if not 1 <= spec.pre_stop_sleep_s < whole:
        errors["pre_stop_sleep_s"] = f"Must be at least 1 and less than the termination grace period ({whole} s)."
