"""Promotion: which settings a deployment takes over from another of the same model, as a function of both specs.

A setting is what can be taken over alone: a variable, the size of a pod, the whole Ingress. Parts of one setting are
never mixed from two specs, because no check could tell that the mixture was meant.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any, Final

from deployments.domain.catalogue import Environment
from deployments.domain.changes.diff import FieldChange, spec_diff
from deployments.domain.spec.fields.field import InputKind
from deployments.domain.spec.fields.rollout import PROBES
from deployments.domain.spec.fields.table import FIELDS
from deployments.domain.spec.spec import Spec

LATER: Final = {
    Environment.DEV: (Environment.STAGING, Environment.PROD),
    Environment.STAGING: (Environment.PROD,),
    Environment.PROD: (),
}

SIZE: Final = "size"
INGRESS: Final = "ingress"
_SIZE_FIELDS: Final = ("profile", "resources")
_INGRESS_FIELDS: Final = ("ingress_host", "ingress_path", "ingress_tls_secret", "ingress_class")
_PAIRS: Final = tuple(row.path for row in FIELDS if row.kind is InputKind.PAIRS)
_WHOLE: Final = ("replicas", "strategy")
# What is served moves on; how much of it, where and under which name belongs to each environment.
_SERVED: Final = frozenset({"artifact_uri", "model_version", "runtime", "image_override", "description", "grpc_port"})
# Without these there is no deployment.
_NEEDED: Final = frozenset({"artifact_uri", "model_version", "runtime", SIZE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One thing to take over or to leave. In `changes`, before is the target's value and after the source's.

    `is_fixed`: it is taken over in any case, because a new deployment cannot be without it.
    """

    key: str
    label: str
    section: str
    changes: tuple[FieldChange, ...]
    is_on: bool
    is_fixed: bool = False

    @property
    def only_in_target(self) -> bool:
        return all(not change.after for change in self.changes)


def settings(source: Spec, target: Spec | None) -> tuple[Setting, ...]:
    """What differs, in the form's order. `target` None: the deployment will be created."""
    base = target if target is not None else _bare(source)
    differing = {key_of(change.path) for change in spec_diff(base, source)}
    grouped: dict[str, list[FieldChange]] = {}
    for change in spec_diff(target, source):
        grouped.setdefault(key_of(change.path), []).append(change)
    found = []
    for key, changes in grouped.items():
        fixed = target is None and key not in differing
        found.append(
            Setting(
                key=key,
                label=_label(key, changes),
                section=changes[0].section,
                changes=tuple(changes),
                is_on=fixed or _is_on(key, changes, is_new=target is None),
                is_fixed=fixed,
            )
        )
    return tuple(found)


def carry(source: Spec, target: Spec | None, keys: Collection[str]) -> Spec:
    """The target's spec with the settings in `keys` as the source has them."""
    result = target if target is not None else _bare(source)
    for key in sorted(keys):
        result = _carried(source, result, key)
    return result


def key_of(path: str) -> str:
    """The setting that a field belongs to. A variable is one setting, whether it is plain or read from a Secret."""
    head, _, rest = path.partition(".")
    if head in _SIZE_FIELDS:
        return SIZE
    if head in _INGRESS_FIELDS:
        return INGRESS
    if head in _WHOLE:
        return head
    return f"env.{rest}" if head == "env_refs" else path


def _bare(source: Spec) -> Spec:
    """The least that can be deployed of the source."""
    return Spec(
        artifact_uri=source.artifact_uri,
        model_version=source.model_version,
        runtime=source.runtime,
        profile=source.profile,
        resources=source.resources,
    )


def _carried(source: Spec, target: Spec, key: str) -> Spec:
    head, _, member = key.partition(".")
    if key == SIZE:
        return replace(target, profile=source.profile, resources=source.resources)
    if key == INGRESS:
        return replace(target, **{name: getattr(source, name) for name in _INGRESS_FIELDS})
    if head == "env":
        return replace(
            target,
            env=_without(target.env, member) + _only(source.env, member),
            env_refs=tuple(ref for ref in target.env_refs if ref.name != member)
            + tuple(ref for ref in source.env_refs if ref.name == member),
        )
    if head in _PAIRS:
        pairs: Any = _without(getattr(target, head), member) + _only(getattr(source, head), member)
        return replace(target, **{head: pairs})
    return replace(target, **{key: getattr(source, key)})


def _is_on(key: str, changes: list[FieldChange], *, is_new: bool) -> bool:
    if is_new:
        # Two deployments cannot answer on one host.
        return key != INGRESS
    if key in _SERVED or key in PROBES:
        return True
    # A variable that only the target has was set there on purpose.
    return key.startswith("env.") and any(change.after for change in changes)


def _label(key: str, changes: list[FieldChange]) -> str:
    names = {SIZE: "Size of a pod", INGRESS: "Ingress", "replicas": "Replicas", "strategy": "Strategy"}
    return names.get(key, changes[0].label)


def _without(pairs: tuple[tuple[str, str], ...], name: str) -> tuple[tuple[str, str], ...]:
    return tuple(pair for pair in pairs if pair[0] != name)


def _only(pairs: tuple[tuple[str, str], ...], name: str) -> tuple[tuple[str, str], ...]:
    return tuple(pair for pair in pairs if pair[0] == name)
