"""Differences for people: between specs in words, between manifests line by line, and three-way for conflicts."""

import difflib
import json
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final, Literal

from baristaweb.lib.visible import visible
from deployments.domain.spec.fields.field import SECTIONS
from deployments.domain.spec.fields.table import FIELDS, field_for
from deployments.domain.spec.parts import RollingUpdate
from deployments.domain.spec.spec import Spec
from deployments.domain.spec.wording import ABSENT, values

_ORDER: Final = {field.path: index for index, field in enumerate(FIELDS)}
_SECTION_ORDER: Final = {section: index for index, section in enumerate(SECTIONS)}


@dataclass(frozen=True, slots=True)
class FieldChange:
    """`before` and `after` are texts for people; an empty text means the field is not set."""

    path: str
    label: str
    section: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class ThreeWayRow:
    path: str
    label: str
    section: str
    base: str
    yours: str
    theirs: str
    is_conflict: bool


Op = Literal["add", "remove", "change"]


@dataclass(frozen=True, slots=True)
class ManifestChange:
    op: Op
    path: str
    before: Any
    after: Any


def spec_diff(old: Spec | None, new: Spec) -> tuple[FieldChange, ...]:
    """What changes, in the form's order. `old` None: everything that is set is new."""
    before = values(old) if old is not None else {}
    after = values(new)
    changes = []
    for path in sorted(before.keys() | after.keys(), key=_order):
        left, right = before.get(path, ABSENT), after.get(path, ABSENT)
        if left != right:
            changes.append(FieldChange(path, label(path), field_for(path).section, left, right))
    return tuple(changes)


def three_way(base: Spec, yours: Spec, theirs: Spec) -> tuple[ThreeWayRow, ...]:
    """Fields that either side changed since `base`; a conflict where both did, to different values."""
    left, mine, other = values(base), values(yours), values(theirs)
    rows = []
    for path in sorted(left.keys() | mine.keys() | other.keys(), key=_order):
        was, you, they = (side.get(path, ABSENT) for side in (left, mine, other))
        if was == you == they:
            continue
        clash = you not in (was, they) and they != was
        rows.append(ThreeWayRow(path, label(path), field_for(path).section, was, you, they, clash))
    return tuple(rows)


def label(path: str) -> str:
    """The field's label; members of a collection are named: "Variable LOG_LEVEL"."""
    found = field_for(path)
    return found.label if found.path == path else f"{found.label} {path[len(found.path) + 1 :]}"


def manifest_diff(live: Mapping[str, Any] | None, desired: Mapping[str, Any]) -> list[ManifestChange]:
    """Changes from live to desired, by path. Server-written fields are left out of both."""
    before = flatten(strip_server_fields(live)) if live is not None else {}
    after = flatten(strip_server_fields(desired))
    changes = []
    for path in sorted(before.keys() | after.keys()):
        if path not in before:
            changes.append(ManifestChange("add", path, None, after[path]))
        elif path not in after:
            changes.append(ManifestChange("remove", path, before[path], None))
        elif before[path] != after[path]:
            changes.append(ManifestChange("change", path, before[path], after[path]))
    return changes


def unified_lines(live: Mapping[str, Any] | None, desired: Mapping[str, Any], *, context: int = 3) -> list[str]:
    """The same as text, as `diff -u` prints it, without the file header."""
    before = _lines(live) if live is not None else []
    return list(difflib.unified_diff(before, _lines(desired), lineterm="", n=context))[2:]


def strip_server_fields(obj: Mapping[str, Any]) -> dict[str, Any]:
    """A copy without what the API server and its controllers write."""
    copy = deepcopy(dict(obj))
    copy.pop("status", None)
    metadata = copy.get("metadata")
    if isinstance(metadata, dict):
        for key in ("managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink"):
            metadata.pop(key, None)
        annotations = metadata.get("annotations")
        if isinstance(annotations, dict):
            annotations.pop("deployment.kubernetes.io/revision", None)
            # Not ours, and a full copy of an old object inside the object.
            annotations.pop("kubectl.kubernetes.io/last-applied-configuration", None)
    return copy


def needs_restart(live_template: Mapping[str, Any], dry_template: Mapping[str, Any]) -> bool:
    """Whether a new ReplicaSet will appear: both templates as the API server answered them."""
    is_same: bool = _normal(live_template) == _normal(dry_template)
    return not is_same


def blast_radius(
    changes: tuple[FieldChange, ...],
    *,
    restarts: bool | None,
    pods: int,
    environment_label: str,
    new: Spec | None = None,
    is_asleep: bool = True,
) -> str:
    """One sentence: what applying this does to the pods that serve now. `restarts` None: not known yet.

    `is_asleep`: where no pod runs, a schedule put it to sleep; else somebody took the pods away.
    """
    where = environment_label.lower()
    if not changes and not restarts:
        return "Nothing changes."
    noun = "pod" if pods == 1 else f"{pods} pods"
    also = _resized(changes)
    if restarts is None:
        restarts = any(field_for(change.path).restarts for change in changes)
        if not restarts:
            return f"Probably changes settings in {where} without touching a pod{also}; the cluster is being asked."
        return f"Probably replaces {'the' if pods == 1 else 'all'} {noun} in {where}{also}; the cluster is being asked."
    if not restarts:
        return f"Changes settings in {where} without replacing a pod{also}."
    if pods == 0:
        rest = "it takes effect when it wakes" if is_asleep else "applying starts them"
        return f"No pods run in {where} now: {rest}."
    every = f"{'the' if pods == 1 else 'all'} {noun}"
    if new is not None and not isinstance(new.strategy, RollingUpdate):
        return f"Stops {every} in {where} first, then starts new ones: an interruption{also}."
    return f"Replaces {every} in {where}, gradually{also}."


def _resized(changes: tuple[FieldChange, ...]) -> str:
    """The end of the sentence that tells of more or fewer pods."""
    by_path = {change.path: change for change in changes}
    count, most = by_path.get("replicas.count"), by_path.get("replicas.max")
    if count is not None and count.before and count.after:
        return f", and goes from {count.before} to {count.after} pods"
    if most is not None and most.after:
        return f", and lets the autoscaler run up to {most.after} pods"
    return ""


def flatten(value: Any, path: str = "") -> dict[str, Any]:
    """Leaves by path; list items with a name are keyed by it, as server-side apply merges them."""
    if isinstance(value, Mapping) and value:
        leaves: dict[str, Any] = {}
        for key, item in value.items():
            step = f"[{key}]" if "." in str(key) or "/" in str(key) else f".{key}"
            leaves |= flatten(item, f"{path}{step}".removeprefix("."))
        return leaves
    if isinstance(value, list) and value:
        leaves = {}
        for index, item in enumerate(value):
            name = item.get("name") if isinstance(item, Mapping) else None
            leaves |= flatten(item, f"{path}[{name if isinstance(name, str) else index}]")
        return leaves
    return {path: value}


def _lines(obj: Mapping[str, Any]) -> list[str]:
    text = json.dumps(strip_server_fields(obj), indent=2, sort_keys=True, ensure_ascii=False)
    return visible(text).splitlines()


def _normal(value: Any) -> Any:
    """Nulls and empty collections mean the same as absent in a pod template's metadata (creationTimestamp: null)."""
    if isinstance(value, Mapping):
        return {key: _normal(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_normal(item) for item in value]
    return value


def _order(path: str) -> tuple[int, int, str]:
    field = field_for(path)
    return _SECTION_ORDER[field.section], _ORDER[field.path], path
