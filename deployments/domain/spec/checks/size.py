"""Checks of a pod's size and of the nodes it may run on."""

from __future__ import annotations

from typing import Final

from deployments.domain.catalogue import HardwareProfile
from deployments.domain.spec.checks.values import (
    PAIRS_MAX,
    Errors,
    is_label_value,
    key_domain,
    object_name_problem,
    parts_problem,
    put,
)
from deployments.domain.spec.fields.table import field_for
from deployments.domain.spec.parts import Resources
from deployments.domain.spec.spec import Spec
from deployments.domain.text.quantities import human_cpu, human_memory

_CONTROL_PLANE: Final = "node-role.kubernetes.io"


def check(spec: Spec, profile: HardwareProfile | None, errors: Errors) -> None:
    if spec.resources is not None and spec.profile is not None:
        errors["profile"] = "Choose a hardware profile or choose a custom size and fill it in, not both."
    elif spec.resources is not None:
        _resources(spec.resources, errors)
    elif profile is None:
        errors["profile"] = "Choose a hardware profile of the list, or choose a custom size and fill it in."
    _ephemeral(spec, errors)
    _nodes(spec, profile if spec.profile is not None else None, errors)
    _tolerations(spec, errors)
    if spec.priority_class is not None:
        put(errors, {"priority_class": object_name_problem(spec.priority_class, "priority class")})
        if spec.priority_class.startswith("system-"):
            errors["priority_class"] = (
                "The classes of the cluster itself, system-..., are not for models: leave it empty, or use another."
            )
    if spec.spread is not None:
        put(errors, {"spread": parts_problem(field_for("spread"), spec.spread)})


def _resources(resources: Resources, errors: Errors) -> None:
    if resources.cpu_limit is not None and resources.cpu_limit < resources.cpu_request:
        errors["resources.cpu_limit"] = f"Must be at least the request ({human_cpu(resources.cpu_request)})."
    if "resources.memory_limit" not in errors and resources.memory_limit < resources.memory_request:
        errors["resources.memory_limit"] = f"Must be at least the request ({human_memory(resources.memory_request)})."
    if resources.gpu_type is not None and not resources.gpu_count:
        errors["resources.gpu_type"] = "Is only for pods with GPUs: fill in how many, or leave the type empty."
    elif resources.gpu_type is not None and not is_label_value(resources.gpu_type):
        errors["resources.gpu_type"] = 'Must be the accelerator label of the nodes, such as "nvidia-l4".'


def _ephemeral(spec: Spec, errors: Errors) -> None:
    asked, most = spec.ephemeral_request, spec.ephemeral_limit
    if "ephemeral_limit" not in errors and asked is not None and most is not None and most < asked:
        errors["ephemeral_limit"] = f"Must be at least the request ({human_memory(asked)})."


def _nodes(spec: Spec, profile: HardwareProfile | None, errors: Errors) -> None:
    taken = profile.node_selector if profile is not None else {}
    if len(spec.node_selector) > PAIRS_MAX:
        errors["node_selector"] = f"At most {PAIRS_MAX} labels; there are {len(spec.node_selector)}."
    for key, value in spec.node_selector:
        path = f"node_selector.{key}"
        if key_domain(key) is None or not is_label_value(value):
            errors[path] = "Must be a label of a node, such as disk=ssd."
        elif _CONTROL_PLANE in key:
            errors[path] = (
                "Nodes of the control plane are not for models: use a label of a node pool, such as disk=ssd."
            )
        elif taken.get(key, value) != value:
            errors[path] = (
                f'The hardware profile already asks for "{taken[key]}": leave this label out, or choose a custom size.'
            )


def _tolerations(spec: Spec, errors: Errors) -> None:
    if len(spec.tolerations) > PAIRS_MAX:
        errors["tolerations"] = f"At most {PAIRS_MAX} tolerations; there are {len(spec.tolerations)}."
    for item in spec.tolerations:
        path = f"tolerations.{item.key}" if item.key else "tolerations"
        # Without a key it would tolerate every taint, those of the control plane and of broken nodes included.
        if key_domain(item.key) is None or _CONTROL_PLANE in item.key or not is_label_value(item.value):
            errors[path] = "Must be the key of a taint, such as nvidia.com/gpu."
        elif item.operator == "Exists" and item.value:
            errors[path] = '"Exists" takes no value: write key:Effect, such as nvidia.com/gpu:NoSchedule.'
