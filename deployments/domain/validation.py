"""What is wrong with a well-shaped spec, in the words the form shows. One message per dotted path."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from deployments.domain import images, naming
from deployments.domain.catalogue import Environment, HardwareProfile, Runtime
from deployments.domain.inline_secrets import has_secret_shape
from deployments.domain.quantities import CPU_MAX, MEMORY_MAX, MEMORY_MIN, human_cpu, human_memory
from deployments.domain.spec_parts import Autoscale, Fixed, Resources, RollingUpdate, ScalePolicy
from deployments.domain.validation_more import is_label_value, validate_more

if TYPE_CHECKING:
    from deployments.domain.spec import Spec

ENV_MAX: Final = 200
ENV_VALUE_MAX: Final = 32 * 1024
ENV_TOTAL_MAX: Final = 512 * 1024
GPU_MAX: Final = 16
ARTIFACT_SCHEMES: Final = ("gs", "s3", "https", "abfs", "hf", "oci", "models", "file")

_ARTIFACT: Final = re.compile(r"([a-z][a-z0-9]*)://?[A-Za-z0-9._~/%@:=+-]+\Z", re.ASCII)
_VERSION: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?\Z", re.ASCII)
_PERCENT: Final = re.compile(r"(0|[1-9][0-9]?|100)%\Z", re.ASCII)

Errors = dict[str, str]


def validate(
    spec: Spec,
    *,
    environment: Environment,
    runtime: Runtime | None,
    profile: HardwareProfile | None,
    allowlist: Sequence[str],
    max_replicas: int,
    metadata_prefixes: Sequence[str] = (),
) -> Errors:
    """Empty when the spec may be saved. `runtime` and `profile` are what the slugs resolve to, None when unknown.

    `metadata_prefixes` are the prefixes of labels and annotations that the platform team allows, with their slash.
    """
    errors: Errors = {}
    _model(spec, runtime, allowlist, errors)
    _env(spec.env, errors)
    _size(spec, profile, errors)
    _replicas(spec.replicas, environment, max_replicas, errors)
    _strategy(spec, errors)
    _network(spec, errors)
    validate_more(spec, runtime, profile if spec.profile is not None else None, metadata_prefixes, errors)
    return errors


def _model(spec: Spec, runtime: Runtime | None, allowlist: Sequence[str], errors: Errors) -> None:
    match = _ARTIFACT.match(spec.artifact_uri)
    if not match or match.group(1) not in ARTIFACT_SCHEMES:
        schemes = ", ".join(f"{scheme}://" for scheme in ARTIFACT_SCHEMES)
        errors["artifact_uri"] = f"Must be a place such as gs://models/ranker/42 (one of {schemes}), without spaces."
    elif len(spec.artifact_uri) > 1024:
        errors["artifact_uri"] = "Has more than 1024 characters."
    elif ".." in spec.artifact_uri.split("/"):
        errors["artifact_uri"] = "Must not hold '..'."
    elif has_secret_shape(spec.artifact_uri):
        errors["artifact_uri"] = "Holds a password or token, which everybody could read. Give the place without it."
    if not _VERSION.match(spec.model_version):
        errors["model_version"] = "May hold letters, digits, dots, hyphens and underscores, at most 63."
    if runtime is None:
        errors["runtime"] = "Choose a runtime of the list." if spec.runtime else "Choose a runtime."
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
        errors["env"] = "All variables together are larger than 512 KiB."
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
            errors[path] = f"{name} is set twice."
        elif len(value.encode()) > ENV_VALUE_MAX:
            errors[path] = "The value is larger than 32 KiB."
        elif has_secret_shape(value):
            errors[path] = "The value is a key or password: put it into a Secret and read it from there."
        seen.add(name)


def _size(spec: Spec, profile: HardwareProfile | None, errors: Errors) -> None:
    if spec.resources is not None and spec.profile is not None:
        errors["profile"] = "Choose a hardware profile or type your own numbers, not both."
    elif spec.resources is not None:
        _resources(spec.resources, errors)
    elif profile is None:
        errors["profile"] = "Choose a hardware profile of the list, or type your own numbers."


def _resources(resources: Resources, errors: Errors) -> None:
    if not 0 < resources.cpu_request <= CPU_MAX:
        errors["resources.cpu_request"] = f"Must be more than 0 and at most {human_cpu(CPU_MAX)}."
    if resources.cpu_limit is not None and resources.cpu_limit < resources.cpu_request:
        errors["resources.cpu_limit"] = f"Must be at least the request ({human_cpu(resources.cpu_request)})."
    elif resources.cpu_limit is not None and resources.cpu_limit > CPU_MAX:
        errors["resources.cpu_limit"] = f"Must be at most {human_cpu(CPU_MAX)}."
    for name, size in (("memory_request", resources.memory_request), ("memory_limit", resources.memory_limit)):
        if not MEMORY_MIN <= size <= MEMORY_MAX:
            errors[f"resources.{name}"] = f"Must be between 4 MiB and {human_memory(MEMORY_MAX)}."
    if "resources.memory_limit" not in errors and resources.memory_limit < resources.memory_request:
        errors["resources.memory_limit"] = f"Must be at least the request ({human_memory(resources.memory_request)})."
    if not 0 <= resources.gpu_count <= GPU_MAX:
        errors["resources.gpu_count"] = f"Must be between 0 and {GPU_MAX}."
    if resources.gpu_type is not None and not resources.gpu_count:
        errors["resources.gpu_type"] = "Is only for pods with GPUs: fill in how many, or leave the type empty."
    elif resources.gpu_type is not None and not is_label_value(resources.gpu_type):
        errors["resources.gpu_type"] = 'Must be the accelerator label of the nodes, such as "nvidia-l4".'


def _replicas(replicas: Fixed | Autoscale, environment: Environment, most: int, errors: Errors) -> None:
    if isinstance(replicas, Fixed):
        if replicas.count < 1:
            errors["replicas.count"] = "Must be at least 1. To stop the pods, put the deployment to sleep."
        elif replicas.count > most:
            errors["replicas.count"] = f"Must be at most {most}, the limit for {environment.label.lower()}."
        return
    if replicas.min < 1:
        errors["replicas.min"] = "Must be at least 1: autoscaling on CPU cannot reach 0."
    if replicas.max < replicas.min:
        errors["replicas.max"] = f"Must be at least the least replicas ({replicas.min})."
    elif replicas.max > most:
        errors["replicas.max"] = f"Must be at most {most}, the limit for {environment.label.lower()}."
    if replicas.cpu_percent is None and replicas.memory_percent is None:
        errors["replicas.cpu_percent"] = "Fill in a target for CPU or memory: without one nothing scales it."
    for name, percent in (("cpu_percent", replicas.cpu_percent), ("memory_percent", replicas.memory_percent)):
        if percent is not None and not 1 <= percent <= 100:
            errors[f"replicas.{name}"] = "Must be between 1 and 100."
    for name, policy in (("scale_up", replicas.scale_up), ("scale_down", replicas.scale_down)):
        problem = _policy(policy)
        if problem:
            errors[f"replicas.{name}"] = problem


def _policy(policy: ScalePolicy | None) -> str:
    if policy is None:
        return ""
    if policy.stabilization_s is not None and not 0 <= policy.stabilization_s <= 3600:
        return "The time to settle must be between 0 and 3600 seconds."
    if not 1 <= policy.period_s <= 1800:
        return "The period must be between 1 and 1800 seconds."
    steps = [step for step in (policy.pods, policy.percent) if step is not None]
    if any(not 1 <= step <= 1000 for step in steps):
        return "Pods and percent for each period must be between 1 and 1000."
    if not steps and policy.stabilization_s is None:
        return "Fill in a time to settle, pods or percent; or leave all empty for Kubernetes' own pace."
    return ""


def _strategy(spec: Spec, errors: Errors) -> None:
    strategy = spec.strategy
    if not isinstance(strategy, RollingUpdate):
        return
    values = {"max_surge": strategy.max_surge, "max_unavailable": strategy.max_unavailable}
    for name, value in values.items():
        ok = 0 <= value <= 1000 if isinstance(value, int) else bool(_PERCENT.match(value))
        if not ok:
            errors[f"strategy.{name}"] = 'Must be a count from 0, or a percentage such as "25%".'
    if not errors.keys() & {"strategy.max_surge", "strategy.max_unavailable"} and all(
        value in (0, "0%") for value in values.values()
    ):
        errors["strategy.max_surge"] = "Extra and missing pods cannot both be 0: no pod could be replaced."


def _network(spec: Spec, errors: Errors) -> None:
    if spec.service is not None and not 1 <= spec.service <= 65535:
        errors["service"] = "Must be a port between 1 and 65535."
    if spec.ingress_host is None:
        return
    try:
        naming.check_host(spec.ingress_host, "Ingress host")
    except naming.InvalidName as problem:
        errors["ingress_host"] = str(problem)
    if spec.service is None:
        errors["ingress_host"] = "An Ingress needs a Service: fill in the Service port too."
