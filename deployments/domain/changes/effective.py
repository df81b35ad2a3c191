"""What runs where a spec says nothing: the profile's size, the runtime's image, probes and variables, in words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from deployments.domain.catalogue import HardwareProfile, Runtime
from deployments.domain.changes.diff import FieldChange
from deployments.domain.spec.reader import SpecInvalid
from deployments.domain.spec.spec import (
    Spec,
    effective_grace_s,
    effective_grpc_port,
    effective_image,
    effective_probe,
    effective_resources,
)
from deployments.domain.spec.wording import values


@dataclass(frozen=True, slots=True)
class Side:
    """A spec with the catalogue entries that it was saved with."""

    spec: Spec
    runtime: Runtime
    profile: HardwareProfile | None


def effective(side: Side) -> dict[str, str]:
    """By dotted path, what applies although the spec does not say it, and from where."""
    said = values(side.spec)
    whole = values(_whole(side)) | _pods(said)
    return {path: f"{text}, {_whose(path, side)}" for path, text in whole.items() if path not in said}


def filled(changes: Iterable[FieldChange], old: Side | None, new: Side) -> tuple[FieldChange, ...]:
    """The changes for people: in place of what is not set, what runs. A size by a profile is spelled out."""
    before, after = effective(old) if old else {}, effective(new)
    return tuple(
        replace(
            change,
            before=_sized(change, change.before, old) or before.get(change.path, ""),
            after=_sized(change, change.after, new) or after.get(change.path, ""),
        )
        for change in changes
    )


def _whole(side: Side) -> Spec:
    spec, runtime = side.spec, side.runtime
    try:
        size = effective_resources(spec, side.profile)
    except SpecInvalid:
        size = None
    return replace(
        spec,
        resources=size,
        image_override=effective_image(spec, runtime),
        grpc_port=effective_grpc_port(spec, runtime),
        termination_grace_s=effective_grace_s(spec, runtime),
        env=tuple((dict(runtime.env) | dict(spec.env)).items()),
        startup=effective_probe(spec, runtime, "startup"),
        readiness=effective_probe(spec, runtime, "readiness"),
        liveness=effective_probe(spec, runtime, "liveness"),
    )


def _pods(said: dict[str, str]) -> dict[str, str]:
    """A fixed number as the bounds of an autoscaler, and the other way round."""
    if "replicas.count" in said:
        return dict.fromkeys(("replicas.min", "replicas.max"), said["replicas.count"])
    return {"replicas.count": f"{said['replicas.min']} to {said['replicas.max']}"} if "replicas.max" in said else {}


def _whose(path: str, side: Side) -> str:
    if path.startswith("resources."):
        return f"by {side.profile.slug}" if side.profile else "by its profile"
    if path.startswith("replicas."):
        return "by the autoscaler" if path == "replicas.count" else "fixed"
    return "the runtime's"


def _sized(change: FieldChange, text: str, side: Side | None) -> str:
    """A hardware profile with what it stands for."""
    if change.path != "profile" or not text or side is None or side.profile is None:
        return text
    size = values(replace(side.spec, resources=effective_resources(side.spec, side.profile)))
    parts = [size[path] for path in ("resources.cpu_request", "resources.memory_request") if path in size]
    count = size.get("resources.gpu_count", "")
    parts += [f"{count} GPU"] if count not in ("", "0") else []
    return f"{text}: {', '.join(parts)}"
