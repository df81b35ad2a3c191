"""The spec: everything a revision remembers and the form edits, as a frozen value with a versioned JSON form.

`from_json` refuses what has the wrong shape (SpecInvalid); `validate` says what is wrong with a well-shaped one.
Both name fields by the same dotted paths, for example "replicas.max" or "env.LOG_LEVEL".
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

from deployments.domain.catalogue import HardwareProfile, Probe, Runtime, Toleration
from deployments.domain.spec import codec
from deployments.domain.spec.parts import (
    Autoscale,
    Budget,
    EnvRef,
    Fixed,
    Recreate,
    Resources,
    RollingUpdate,
    Spread,
)
from deployments.domain.spec.reader import Reader, SpecInvalid, check_shape

SCHEMA: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """`service` is the Service's port, None for no Service. Exactly one of `profile` and `resources` is set.

    A probe, grace period or gRPC port that is None is the runtime's; a probe of kind "off" is none at all.
    Ephemeral storage is in bytes and beside a profile too, which says nothing of it.
    Each attribute has its row in `spec/fields`: its JSON, input, words, checks and drift follow from it.
    """

    artifact_uri: str
    model_version: str
    runtime: str
    image_override: str | None = None
    env: tuple[tuple[str, str], ...] = ()
    profile: str | None = None
    resources: Resources | None = None
    replicas: Fixed | Autoscale = field(default_factory=lambda: Fixed(1))
    strategy: RollingUpdate | Recreate = field(default_factory=RollingUpdate)
    service: int | None = 80
    ingress_host: str | None = None
    # Since schema 2:
    env_refs: tuple[EnvRef, ...] = ()
    grpc_port: int | None = None
    readiness: Probe | None = None
    liveness: Probe | None = None
    startup: Probe | None = None
    progress_deadline_s: int = 600
    min_ready_s: int = 0
    termination_grace_s: int | None = None
    pre_stop_sleep_s: int | None = None
    node_selector: tuple[tuple[str, str], ...] = ()
    tolerations: tuple[Toleration, ...] = ()
    ephemeral_request: int | None = None
    ephemeral_limit: int | None = None
    priority_class: str | None = None
    spread: Spread | None = None
    budget: Budget | None = None
    ingress_path: str = "/"
    ingress_tls_secret: str | None = None
    ingress_class: str | None = None
    labels: tuple[tuple[str, str], ...] = ()
    annotations: tuple[tuple[str, str], ...] = ()
    contact: str = ""
    runbook: str = ""
    description: str = ""

    def __post_init__(self) -> None:
        # Order has no meaning for the container ("$(" is escaped), so it must not make two specs different.
        for name in ("env", "node_selector", "labels", "annotations"):
            object.__setattr__(self, name, tuple(sorted((str(key), str(value)) for key, value in getattr(self, name))))
        object.__setattr__(self, "env_refs", tuple(sorted(self.env_refs, key=lambda ref: ref.name)))

    @classmethod
    def from_json(cls, data: object) -> Self:
        """Any stored version is read; newer ones and unknown fields are refused, never dropped."""
        check_shape(data)
        errors: dict[str, str] = {}
        reader = Reader(_current(data, errors), "", errors)
        reader.integer("schema")
        values = codec.read_attributes(reader)
        reader.finish()
        if errors:
            raise SpecInvalid(errors)
        return cls(**values)

    def to_json(self) -> dict[str, Any]:
        """What came with schema 2 is left out while it is at its default."""
        return {"schema": SCHEMA} | codec.write_attributes(self)

    def digest(self) -> str:
        """sha256 of the canonical JSON: what a review shows and an apply must match.

        The version is left at 1 in it, so that a revision keeps the digest it was stored with.
        """
        document = self.to_json() | {"schema": 1}
        text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def min_replicas(self) -> int:
        return self.replicas.count if isinstance(self.replicas, Fixed) else self.replicas.min

    @property
    def max_replicas(self) -> int:
        return self.replicas.count if isinstance(self.replicas, Fixed) else self.replicas.max


def effective_resources(spec: Spec, profile: HardwareProfile | None) -> Resources:
    """What one pod asks for: the spec's own numbers, else the profile's."""
    if spec.resources is not None:
        return spec.resources
    if profile is None:
        raise SpecInvalid({"profile": f'The hardware profile "{spec.profile or ""}" does not exist.'})
    return Resources(
        cpu_request=profile.cpu_request,
        cpu_limit=profile.cpu_limit,
        memory_request=profile.memory_request,
        memory_limit=profile.memory_limit,
        gpu_count=profile.gpu_count,
        gpu_type=profile.gpu_type,
    )


def effective_image(spec: Spec, runtime: Runtime) -> str:
    return spec.image_override or runtime.image


def effective_grpc_port(spec: Spec, runtime: Runtime) -> int | None:
    return runtime.grpc_port if spec.grpc_port is None else spec.grpc_port


def effective_grace_s(spec: Spec, runtime: Runtime) -> int:
    return runtime.termination_grace_s if spec.termination_grace_s is None else spec.termination_grace_s


def effective_probe(spec: Spec, runtime: Runtime, name: str) -> Probe | None:
    """The probe "startup", "readiness" or "liveness" that the container gets."""
    own: Probe | None = getattr(spec, name)
    probe: Probe | None = getattr(runtime, name) if own is None else own
    return None if probe is None or probe.kind == "off" else probe


def _current(data: object, errors: dict[str, str]) -> object:
    """The document in today's schema."""
    if not isinstance(data, Mapping):
        return data
    version = Reader(data, "", errors).integer("schema")
    if errors:
        raise SpecInvalid(errors)
    if version != SCHEMA and version not in codec.UPCASTERS:
        raise SpecInvalid({"schema": f"Version {version} is not known; this Barista reads versions 1 to {SCHEMA}."})
    while version != SCHEMA:
        data = codec.UPCASTERS[version](data, errors)
        version += 1
    return data
