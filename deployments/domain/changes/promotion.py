"""Promotion: which settings a deployment takes over from another of the same model, as a function of both specs.

A setting is what can be taken over alone: a variable, the size of a pod, the whole Ingress. Parts of one setting are
never mixed from two specs, because no check could tell that the mixture was meant.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any, Final

from deployments.domain.catalogue import Environment
from deployments.domain.changes.diff import FieldChange, spec_diff
from deployments.domain.changes.environments import other_environment
from deployments.domain.spec.fields.field import InputKind
from deployments.domain.spec.fields.rollout import PROBES
from deployments.domain.spec.fields.table import FIELDS
from deployments.domain.spec.spec import Spec

LATER: Final = {
    Environment.DEV: (Environment.STAGING, Environment.PROD),
    Environment.STAGING: (Environment.PROD,),
    Environment.PROD: (),
}

MODEL: Final = "model"
SIZE: Final = "size"
INGRESS: Final = "ingress"
# A version is the name of an artifact: one without the other would lie about what is served.
_MODEL_FIELDS: Final = ("artifact_uri", "model_version")
_SIZE_FIELDS: Final = ("profile", "resources")
_INGRESS_FIELDS: Final = ("ingress_host", "ingress_path", "ingress_tls_secret", "ingress_class")
_PAIRS: Final = tuple(row.path for row in FIELDS if row.kind is InputKind.PAIRS)
_WHOLE: Final = ("replicas", "strategy")
# What is served moves on; how much of it, where and under which name belongs to each environment.
_SERVED: Final = frozenset({MODEL, "runtime", "image_override", "description", "grpc_port"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One thing to take over or to leave. In `changes`, before is the target's value and after the source's.

    `is_fixed`: it is taken over in any case, because a new deployment cannot be without it. `names`: the word by which
    its value names another environment than the target's.
    """

    key: str
    label: str
    section: str
    changes: tuple[FieldChange, ...]
    is_on: bool
    is_fixed: bool = False
    names: str = ""

    @property
    def only_in_target(self) -> bool:
        return all(not change.after for change in self.changes)


def settings(source: Spec, target: Spec | None, *, environment: Environment) -> tuple[Setting, ...]:
    """What differs, in the form's order. `target` None: the deployment will be created, in `environment`."""
    base = target if target is not None else _bare(source)
    differing = {key_of(change.path) for change in spec_diff(base, source)}
    grouped: dict[str, list[FieldChange]] = {}
    for change in spec_diff(target, source):
        grouped.setdefault(key_of(change.path), []).append(change)
    found = []
    for key, changes in grouped.items():
        fixed = target is None and key not in differing
        names = next((word for change in changes if (word := _names(change, environment))), "")
        found.append(
            Setting(
                key=key,
                label=_label(key, changes),
                section=changes[0].section,
                changes=tuple(changes),
                is_on=fixed or (not names and _is_on(key, changes, is_new=target is None)),
                is_fixed=fixed,
                names=names,
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
    if head in _MODEL_FIELDS:
        return MODEL
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
    if key == MODEL:
        return replace(target, artifact_uri=source.artifact_uri, model_version=source.model_version)
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
    # What only the target has was set there on purpose.
    if not any(change.after for change in changes):
        return False
    return key in _SERVED or key in PROBES or key.startswith("env.")


def _names(change: FieldChange, environment: Environment) -> str:
    # The host of an image is a registry; its path may well be of another environment.
    value = change.after.partition("/")[2] if change.path == "image_override" else change.after
    return other_environment(value, environment)


def _label(key: str, changes: list[FieldChange]) -> str:
    names = {MODEL: "Model", SIZE: "Size of a pod", INGRESS: "Ingress", "replicas": "Replicas", "strategy": "Strategy"}
    return names.get(key, changes[0].label)


def _without(pairs: tuple[tuple[str, str], ...], name: str) -> tuple[tuple[str, str], ...]:
    return tuple(pair for pair in pairs if pair[0] != name)


def _only(pairs: tuple[tuple[str, str], ...], name: str) -> tuple[tuple[str, str], ...]:
    return tuple(pair for pair in pairs if pair[0] == name)
