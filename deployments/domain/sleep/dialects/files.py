"""Objects of a file that other downscalers act on: what was written for each, and what it amounts to here.

Takes parsed objects, as `kubectl get -o yaml` or a repository has them; reading text is the caller's.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from deployments.domain.apiserver.objects import obj
from deployments.domain.sleep.dialects import kube_green
from deployments.domain.sleep.dialects.annotations import PREFIX, Proposal, Understood, understand
from deployments.domain.sleep.dialects.kube_green import SleepInfo
from deployments.domain.sleep.dialects.spans import Defaults, Dialect
from deployments.domain.sleep.schedule.windows import Window

MOST_OBJECTS: Final = 500
MOST_BYTES: Final = 20_000  # of one object; what a person writes has a few hundred
# Annotations on these are of everything below them.
KINDS: Final = frozenset({"Deployment", "Namespace", "StatefulSet", "ReplicaSet", "HorizontalPodAutoscaler"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One object. `windows` None: nothing of a weekly schedule could be taken over."""

    kind: str
    name: str
    namespace: str
    read: tuple[Understood, ...]
    zone: str
    windows: tuple[Window, ...] | None
    target: int | None = None
    awake_until: datetime | None = None
    saved_replicas: int | None = None
    ranges: int = 0

    @property
    def text(self) -> str:
        """The windows as the form of a schedule takes them."""
        return "\n".join(window.text for window in self.windows or ())

    @property
    def is_complete(self) -> bool:
        return all(one.is_used for one in self.read)


def understood(documents: Iterable[object], dialect: Dialect, defaults: Defaults, *, at: datetime) -> list[Found]:
    """Every SleepInfo, and every object with an annotation of kube-downscaler; at most 500, the rest is left out."""
    found: list[Found] = []
    for one in _objects(documents):
        if len(found) == MOST_OBJECTS:
            break
        if one.get("kind") == "SleepInfo":
            found.append(_of_sleep_info(one, kube_green.understand(one)))
            continue
        metadata = one.get("metadata")
        said = metadata.get("annotations") if isinstance(metadata, Mapping) else None
        if not isinstance(said, Mapping):
            continue
        named = {str(key): value for key, value in said.items()}
        if any(key.startswith(PREFIX) for key in named):
            found.append(_of_annotations(one, understand(named, dialect, defaults, at=at)))
    return found


def kept(objects: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Of each object of a cluster no more than `understood` reads; those that it reads nothing of are left out."""
    found: list[dict[str, Any]] = []
    for one in objects:
        if len(found) == MOST_OBJECTS:
            break
        metadata = {"name": _text(one, "name"), "namespace": _text(one, "namespace")}
        if one.get("kind") == "SleepInfo":
            spec = one.get("spec")
            if len(json.dumps(spec)) <= MOST_BYTES:
                found.append({"kind": "SleepInfo", "metadata": metadata, "spec": spec})
            continue
        annotations = obj(one, "metadata", "annotations")
        said = {key: str(value)[:MOST_BYTES] for key, value in annotations.items() if key.startswith(PREFIX)}
        if said:
            found.append({"kind": str(one.get("kind", ""))[:60], "metadata": metadata | {"annotations": said}})
    return found


def _objects(documents: Iterable[object]) -> Iterator[Mapping[str, Any]]:
    for document in documents:
        if not isinstance(document, Mapping):
            continue
        items = document.get("items")
        if isinstance(items, list):
            yield from (item for item in items if isinstance(item, Mapping))
        else:
            yield document


def _of_sleep_info(one: Mapping[str, Any], info: SleepInfo) -> Found:
    return Found(
        kind="SleepInfo",
        name=info.name,
        namespace=_text(one, "namespace"),
        read=info.read,
        zone=info.zone,
        windows=info.windows,
    )


def _of_annotations(one: Mapping[str, Any], proposal: Proposal) -> Found:
    kind = one.get("kind")
    return Found(
        kind=kind if isinstance(kind, str) else "object",
        name=_text(one, "name"),
        namespace=_text(one, "namespace"),
        read=proposal.read,
        zone=proposal.zone,
        windows=proposal.windows,
        target=proposal.target,
        awake_until=proposal.awake_until,
        saved_replicas=proposal.saved_replicas,
        ranges=len(proposal.ranges),
    )


def _text(one: Mapping[str, Any], name: str) -> str:
    metadata = one.get("metadata")
    value = metadata.get(name) if isinstance(metadata, Mapping) else None
    return str(value)[:253] if isinstance(value, str | int) else ""
