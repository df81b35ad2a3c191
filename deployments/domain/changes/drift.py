"""What differs between the cluster and the current revision, and who made it differ.

The API server's own forced dry run is compared with the live object, so defaults and spellings cancel out. A dry run
does not see what somebody added beside our fields, nor the number of replicas; both are looked at separately.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any, Final, Self

from deployments.domain.apiserver.managed_fields import Owned, owned_fields, owners_of, path_of_cause
from deployments.domain.apiserver.objects import instant, message, number, obj, text
from deployments.domain.changes.diff import flatten, manifest_diff, strip_server_fields
from deployments.domain.changes.held import HeldField
from deployments.domain.manifests.managers import OUR_MANAGERS, SYSTEM_MANAGERS
from deployments.domain.spec.fields.field import CONTAINER, POD, Place
from deployments.domain.spec.fields.table import FIELDS


@dataclass(frozen=True, slots=True)
class DriftItem:
    """`path` begins with the kind. Values are JSON; None stands for "not there"."""

    path: str
    desired: Any
    live: Any
    manager: str
    at: datetime | None

    def to_json(self) -> dict[str, Any]:
        return {
            "path": self.path,
            "desired": self.desired,
            "live": self.live,
            "manager": self.manager,
            "at": self.at.isoformat() if self.at else None,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Of `to_json`, and of rows that were stored before it existed."""
        return cls(
            path=text(data, "path"),
            desired=data.get("desired"),
            live=data.get("live"),
            manager=text(data, "manager"),
            at=instant(data, "at"),
        )

    @property
    def is_missing_object(self) -> bool:
        """The whole object is gone; its kind is the path."""
        return self.desired == PRESENT and self.live is None and "." not in self.path

    @property
    def is_missing_deployment(self) -> bool:
        """The Deployment itself is gone."""
        return self.path == "Deployment" and self.live is None

    def as_held(self) -> HeldField:
        """In the shape of a conflict, so that a person can settle both in the same way."""
        kind, _, path = self.path.partition(".")
        return HeldField(kind, path, self.manager, self.live, self.desired, self.at, spec_path(path))


# What is wanted of an object that is gone.
PRESENT: Final = "present"
_REPLICAS: Final = "spec.replicas"
REPLICAS_PATH: Final = f"Deployment.{_REPLICAS}"
_MANAGER: Final = re.compile(r'conflict with "([^"]+)"')
# A field as the API server names it in a refusal: "spec.strategy.rollingUpdate: Forbidden: may not be ...".
_REFUSED_PATH: Final = re.compile(r"\[?(spec(?:\.[A-Za-z0-9_-]+|\[[^\[\]\s]*\])+):")
GENERATION_PATH: Final = "metadata.annotations[barista.io/generation]"
# Written with every apply, an older number there is no edit; and what objects applied by an older Barista lack.
_NO_EDIT: Final = (
    "metadata.annotations[barista.io/revision]",
    GENERATION_PATH,
    "metadata.labels[barista.io/install]",
    f"{CONTAINER}.terminationMessagePolicy",
)


# Notes of Google's own machinery about what it did to an object.
_OF_THE_CLOUD: Final = tuple(
    f"{place}metadata.annotations[{prefix}"
    for place in ("", "spec.template.")
    for prefix in ("autopilot.gke.io/", "cloud.google.com/")
)

# What nobody sets through Barista, and should not have set behind its back.
_UNOFFERED: Final = frozenset(
    (
        "spec.paused",
        "spec.revisionHistoryLimit",
        f"{POD}.serviceAccountName",
        f"{POD}.hostNetwork",
        f"{POD}.hostPID",
    )
)


def _root(place: Place) -> str:
    """Where a setting begins: the container as a whole, else a member of the pod's or the object's spec."""
    if place.path.startswith(f"{CONTAINER}."):
        return f"{CONTAINER}."
    base = f"{POD}." if place.path.startswith(f"{POD}.") else "spec."
    return base + re.split(r"[.\[]", place.path.removeprefix(base))[0]


# Where people with kubectl change a model. Outside of it others may add what they like: sidecars, mesh annotations.
# The number of replicas is looked at separately, and metadata is everybody's.
_VOCABULARY: Final = tuple(
    _UNOFFERED
    | {"spec.minAvailable", "spec.maxUnavailable"}
    | {
        _root(row.place)
        for row in FIELDS
        if row.place
        and row.place.path.startswith("spec.")
        and row.place.path != _REPLICAS
        and ".metadata." not in row.place.path
    }
)

_SPEC_PATHS: Final = {row.place.path: row.path for row in FIELDS if row.place and row.place.is_value}
_ENV: Final = re.compile(re.escape(f"{CONTAINER}.env[") + r"([A-Za-z_][A-Za-z0-9_]*)\]")


def find_drift(
    *,
    desired: Sequence[Mapping[str, Any]],
    live: Mapping[str, Mapping[str, Any] | None],
    dry_run: Mapping[str, Mapping[str, Any]],
    replicas: int | None,
    least: int | None = None,
) -> tuple[DriftItem, ...]:
    """`live` and `dry_run` (forced) are the API server's answers by kind; `replicas` None when an HPA owns them.

    `least`: pods below which it should not be then. An HPA leaves 0 alone, so that is somebody's, and stays.
    """
    items: list[DriftItem] = []
    for wanted in desired:
        kind = text(wanted, "kind")
        actual = live.get(kind)
        if actual is None:
            items.append(DriftItem(kind, PRESENT, None, "", None))
            continue
        owned = owned_fields(actual)
        if kind in dry_run:
            items.extend(_changed(kind, wanted, actual, dry_run[kind], owned))
        known = {item.path for item in items}
        items.extend(item for item in _added(kind, wanted, actual, owned) if item.path not in known)
        if kind == "Deployment":
            is_none = replicas is None and number(obj(actual, "spec"), "replicas", default=1) == 0
            wanted_now = least if is_none else replicas
            items.extend(_scaled(actual, owned, wanted_now) if wanted_now is not None else [])
    return tuple(items)


def conflicts_from_causes(
    causes: Sequence[Mapping[str, Any]], live: Mapping[str, Any] | None, desired: Mapping[str, Any]
) -> tuple[HeldField, ...]:
    """The rows of a 409: `causes` as in the answer's details (reason, message, field)."""
    now = flatten(strip_server_fields(live)) if live is not None else {}
    want = flatten(strip_server_fields(desired))
    owned = owned_fields(live) if live is not None else ()
    rows = []
    for cause in causes:
        if text(cause, "reason") not in ("FieldManagerConflict", ""):
            continue
        path = path_of_cause(text(cause, "field"))
        named = _MANAGER.search(text(cause, "message"))
        manager = message(named.group(1), 128) if named else "another writer"
        at = next((item.at for item in owners_of(path, owned) if item.manager == manager), None)
        rows.append(
            HeldField(text(desired, "kind"), path, manager, _under(path, now), _under(path, want), at, spec_path(path))
        )
    return tuple(rows)


def left_by_others(said: str, live: Mapping[str, Any] | None, desired: Mapping[str, Any]) -> tuple[HeldField, ...]:
    """Fields that only others keep in `live`, because of which the API server refused `desired` in the words `said`.

    A spec that turns a variable into one of a Secret gives up its value, and a rollout that becomes Recreate its steps:
    whoever set them by kubectl holds them there all the same.
    """
    if live is None:
        return ()
    refused = {_shape(path) for path in _refused(said)}
    now, want = flatten(strip_server_fields(live)), flatten(strip_server_fields(desired))
    kind, rows = text(desired, "kind"), {}
    for field in owned_fields(live):
        is_foreign = field.manager not in OUR_MANAGERS | SYSTEM_MANAGERS and field.subresource != "status"
        value = _under(field.path, now)
        if not is_foreign or value is None or _under(field.path, want) is not None:
            continue
        if any(_is_in_the_way(field.path, path, want) for path in refused):
            rows[field.path] = HeldField(
                kind, field.path, field.manager, value, None, field.at, spec_path(field.path), is_left=True
            )
    return tuple(rows.values())


def _is_in_the_way(path: str, refused: str, want: Mapping[str, Any]) -> bool:
    """Whether a field lies below the refused one, or beside it in an object that is sent."""
    shape = _shape(path)
    if shape == refused or shape.startswith((f"{refused}.", f"{refused}[")):
        return True
    beside = path.rpartition(".")[0]
    return shape.rpartition(".")[0] == refused.rpartition(".")[0] and _under(beside, want) is not None


def _refused(said: str) -> Iterator[str]:
    """The fields that a refusal names, each before its reason: word by word, since a search would be quadratic."""
    for word, reason in pairwise(said.split()):
        if (found := _REFUSED_PATH.fullmatch(word)) and reason[:1].isupper():
            yield found.group(1)


def _shape(path: str) -> str:
    """Without which member of a list: the API server counts them, managers name them."""
    return re.sub(r"\[[^\[\]]*\]", "[]", path)


def spec_path(path: str) -> str:
    """The form's field for a path of the Deployment or HPA, empty when there is none."""
    variable = _ENV.match(path)
    return f"env.{variable.group(1)}" if variable else _SPEC_PATHS.get(path, "")


def _changed(
    kind: str, wanted: Mapping[str, Any], live: Mapping[str, Any], dry: Mapping[str, Any], owned: Sequence[Owned]
) -> list[DriftItem]:
    declared, items = flatten(wanted), []
    for change in manifest_diff(live, dry):
        if change.path == _REPLICAS or change.path in _NO_EDIT or change.path.startswith(_OF_THE_CLOUD):
            continue
        manager, at = _culprit(change.path, owned)
        if not manager and _is_the_clusters(change.path, declared, owned):
            continue
        items.append(DriftItem(f"{kind}.{change.path}", change.after, change.before, manager, at))
    return items


def _added(kind: str, wanted: Mapping[str, Any], live: Mapping[str, Any], owned: Sequence[Owned]) -> list[DriftItem]:
    ours, now = flatten(wanted), flatten(strip_server_fields(live))
    items = []
    for field in owned:
        is_foreign = field.manager not in OUR_MANAGERS | SYSTEM_MANAGERS and field.subresource != "status"
        if not is_foreign or not field.path.startswith(_VOCABULARY):
            continue
        if _under(field.path, ours) is None and (value := _under(field.path, now)) is not None:
            items.append(DriftItem(f"{kind}.{field.path}", None, value, field.manager, field.at))
    return items


def _scaled(live: Mapping[str, Any], owned: Sequence[Owned], replicas: int) -> list[DriftItem]:
    actual = number(obj(live, "spec"), "replicas", default=1)
    if actual == replicas:
        return []
    manager, at = _culprit(_REPLICAS, owned)
    return [DriftItem(REPLICAS_PATH, replicas, actual, manager, at)]


def _culprit(path: str, owned: Sequence[Owned]) -> tuple[str, datetime | None]:
    for item in owners_of(path, owned):
        if item.manager not in OUR_MANAGERS:
            return item.manager, item.at
    return "", None


def _is_the_clusters(path: str, declared: Mapping[str, Any], owned: Sequence[Owned]) -> bool:
    """Whether a difference that no other writer owns is the cluster's own doing.

    What a webhook sets in an apply belongs to nobody, and what it raises of ours stays ours: when its rules change, as
    Autopilot's do, live and dry run differ though nobody touched anything. Somebody who removes a field of ours leaves
    no name, but takes it out of our set.
    """
    if _under(path, declared) is None:
        return True
    return any(
        path == item.path or path.startswith((f"{item.path}.", f"{item.path}[")) for item in owners_of(path, owned)
    )


def _under(path: str, leaves: Mapping[str, Any]) -> Any:
    """The value at a path, or what lies below it as a mapping; None when nothing does."""
    if path in leaves:
        return leaves[path]
    below = {key[len(path) :].lstrip("."): leaves[key] for key in leaves if key.startswith((f"{path}.", f"{path}["))}
    return below or None


def digest_of(drift: Sequence[DriftItem]) -> str:
    """The same as long as the same fields have the same values in the cluster."""
    found = sorted((item.path, json.dumps(item.live, sort_keys=True)) for item in drift)
    return hashlib.sha256(json.dumps(found).encode()).hexdigest()
