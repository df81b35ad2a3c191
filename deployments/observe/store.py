"""What the watch knows of one cluster, in memory: objects by kind, and which deployment each belongs to."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from baristaweb.lib.clock import now
from deployments.domain.apiserver.objects import condition, instant, message, number, obj, objects, text
from deployments.domain.manifests.managers import OUR_MANAGERS, SYSTEM_MANAGERS
from deployments.domain.manifests.metadata import ANNOTATION_INSTALL, LABEL_ID
from deployments.domain.status import unmet
from deployments.domain.status.pods import HASH_LABEL, PULL_FAILED, REVISION_ANNOTATION, TELLING_REASONS, event_time
from deployments.domain.status.states import ClusterView
from deployments.domain.status.usage import PodUse
from deployments.kube.api import Object, ObjectKind
from deployments.kube.redact import redact

# Watched by Barista's own label; a Deployment's children carry it through the pod template.
KINDS: Final = (
    ObjectKind.DEPLOYMENT,
    ObjectKind.REPLICA_SET,
    ObjectKind.POD,
    ObjectKind.HPA,
    ObjectKind.SERVICE,
    ObjectKind.INGRESS,
    ObjectKind.PDB,
)
SINGLE: Final = {
    ObjectKind.HPA: "hpa",
    ObjectKind.SERVICE: "service",
    ObjectKind.INGRESS: "ingress",
    ObjectKind.PDB: "pdb",
}
REPLICA_SETS_KEPT: Final = 4
PODS_KEPT: Final = 200
UIDS_KEPT: Final = 50_000
TOLD_KEPT: Final = 10_000
STRANGERS_KEPT: Final = 5_000


@dataclass(frozen=True, slots=True)
class Target:
    """A deployment's row, as far as telling its objects from others needs it."""

    id: int
    namespace: str
    name: str
    is_retired: bool = False


@dataclass(frozen=True, slots=True)
class Gone:
    """A pod that is no more. `is_seen`: the watch told its deletion; else it was missing from a list."""

    uid: str
    deployment: int
    pod: Object
    at: datetime
    is_seen: bool


@dataclass(slots=True)
class Store:
    """Threads put objects in; the writer takes out what changed."""

    mark: str
    targets: dict[int, Target] = field(default_factory=dict)
    # Set when an object of a deployment came whose row was not read yet.
    has_strangers: threading.Event = field(default_factory=threading.Event)
    usage: dict[tuple[str, str], PodUse] = field(default_factory=dict)
    _told_usage: dict[tuple[str, str], PodUse] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _objects: dict[ObjectKind, dict[str, Object]] = field(default_factory=lambda: {kind: {} for kind in KINDS})
    _by_deployment: dict[int, dict[ObjectKind, set[str]]] = field(default_factory=dict)
    _owner: OrderedDict[str, int] = field(default_factory=OrderedDict)
    _changed: dict[int, datetime] = field(default_factory=dict)
    _suspects: set[int] = field(default_factory=set)
    _strangers: OrderedDict[str, tuple[ObjectKind, Object]] = field(default_factory=OrderedDict)
    _told: OrderedDict[str, dict[str, Object]] = field(default_factory=OrderedDict)
    _synced: set[ObjectKind] = field(default_factory=set)
    _gone: list[Gone] = field(default_factory=list)
    _pods_heard: set[str] = field(default_factory=set)

    @property
    def is_synced(self) -> bool:
        """Whether every kind was listed once: before that a view would miss objects that exist."""
        return len(self._synced) == len(KINDS)

    def replace(self, kind: ObjectKind, items: Iterable[Object]) -> None:
        """The answer of a list: what is not in it is gone."""
        with self._lock:
            fresh = {str(item["metadata"]["uid"]): item for item in items}
            for uid in self._objects[kind].keys() - fresh.keys():
                self._drop(kind, self._objects[kind][uid])
            for item in fresh.values():
                self.put(kind, item)
            self._synced.add(kind)

    def put(self, kind: ObjectKind, item: Object) -> None:
        with self._lock:
            uid, owner = str(item["metadata"]["uid"]), _deployment_id(item)
            if owner is None:
                return
            if not self._is_of(owner, kind, item):
                self._set_aside(uid, kind, item)
                return
            before = self._objects[kind].get(uid)
            version = item["metadata"].get("resourceVersion")
            if before is not None and before["metadata"].get("resourceVersion") == version:
                return
            if kind in (ObjectKind.DEPLOYMENT, *SINGLE) and before is not None and _is_foreign_edit(before, item):
                self._suspects.add(owner)
            item["metadata"].pop("managedFields", None)
            self._objects[kind][uid] = item
            self._by_deployment.setdefault(owner, defaultdict(set))[kind].add(uid)
            self._remember(uid, owner)
            self._changed[owner] = now()
            if kind is ObjectKind.POD:
                self._pods_heard.add(uid)

    def delete(self, kind: ObjectKind, item: Object) -> None:
        with self._lock:
            self._strangers.pop(str(item["metadata"]["uid"]), None)
            self._drop(kind, item, is_seen=True)

    def set_targets(self, targets: dict[int, Target]) -> None:
        """The rows as they are now; objects that came before their row was read find their place."""
        with self._lock:
            new = targets.keys() - self.targets.keys()
            self.targets = targets
            self.has_strangers.clear()
            for uid, (kind, item) in list(self._strangers.items()):
                if _deployment_id(item) in new:
                    del self._strangers[uid]
                    self.put(kind, item)

    def _set_aside(self, uid: str, kind: ObjectKind, item: Object) -> None:
        is_new = uid not in self._strangers
        self._strangers[uid] = (kind, item)
        while len(self._strangers) > STRANGERS_KEPT:
            self._strangers.popitem(last=False)
        if is_new:
            self.has_strangers.set()

    def _drop(self, kind: ObjectKind, item: Object, *, is_seen: bool = False) -> None:
        uid, owner = str(item["metadata"]["uid"]), _deployment_id(item)
        if self._objects[kind].pop(uid, None) is None or owner is None:
            return
        if kind is ObjectKind.POD:
            # As the watch tells a deletion, the object is the pod's last state.
            self._gone.append(Gone(uid, owner, item, now(), is_seen))
        self._by_deployment.get(owner, {}).get(kind, set()).discard(uid)
        self._told.pop(uid, None)
        self._changed[owner] = now()
        if kind in (ObjectKind.DEPLOYMENT, *SINGLE):
            self._suspects.add(owner)

    def _is_of(self, owner: int, kind: ObjectKind, item: Object) -> bool:
        """Ids repeat between installations: namespace, name and mark must fit too."""
        target, metadata = self.targets.get(owner), item["metadata"]
        if target is None or metadata.get("namespace") != target.namespace:
            return False
        if kind in (ObjectKind.REPLICA_SET, ObjectKind.POD):
            return True
        annotations = metadata.get("annotations") or {}
        return metadata.get("name") == target.name and annotations.get(ANNOTATION_INSTALL) == self.mark

    def _is_marked(self, item: Object) -> bool:
        """Of this installation: the Deployment's annotations are copied onto its ReplicaSets."""
        return text(item, "metadata", "annotations", ANNOTATION_INSTALL) == self.mark

    def _remember(self, uid: str, owner: int) -> None:
        """Events of a pod arrive also after it is gone."""
        self._owner[uid] = owner
        self._owner.move_to_end(uid)
        while len(self._owner) > UIDS_KEPT:
            self._owner.popitem(last=False)

    def owner_of(self, uid: str) -> int | None:
        with self._lock:
            return self._owner.get(uid)

    def put_event(self, event: Object) -> None:
        """Keep what was last told of a pod, by reason: an event may come before its pod."""
        uid, reason = text(event, "involvedObject", "uid"), text(event, "reason")
        if text(event, "involvedObject", "kind") != "Pod" or reason not in TELLING_REASONS:
            return
        told = {
            "reason": reason,
            "message": message(redact(text(event, "message"))),
            "involvedObject": {"uid": uid},
            "lastTimestamp": (event_time(event) or now()).isoformat(),
        }
        with self._lock:
            about = self._told.setdefault(uid, {})
            before = about.get(_subject(told))
            if before is not None and before["lastTimestamp"] > told["lastTimestamp"]:
                return
            about[_subject(told)] = told
            self._told.move_to_end(uid)
            while len(self._told) > TOLD_KEPT:
                self._told.popitem(last=False)
            if uid in self._owner and (before is None or before["message"] != told["message"]):
                self._changed.setdefault(self._owner[uid], now())

    def touch(self, ids: Iterable[int]) -> None:
        """Have these written again although the cluster said nothing new about them."""
        with self._lock:
            for owner in ids:
                self._changed.setdefault(owner, now())

    def take_changed(self, is_due: Mapping[int, float], limit: int = 500) -> dict[int, datetime]:
        """Deployments that changed and were not written in the last moment: id and when it was heard."""
        with self._lock:
            clock = time.monotonic()
            taken = {owner: at for owner, at in self._changed.items() if is_due.get(owner, 0.0) <= clock}
            taken = dict(list(taken.items())[:limit])
            for owner in taken:
                del self._changed[owner]
            return taken

    def take_suspects(self) -> set[int]:
        """Deployments that somebody else may have changed."""
        with self._lock:
            taken, self._suspects = self._suspects, set()
            return taken

    def pods(self) -> dict[str, tuple[int, Object]]:
        """All pods of ours by uid, each with its deployment; those that ended and are still there too."""
        with self._lock:
            return self._with_owner(self._objects[ObjectKind.POD])

    def take_pods(self) -> dict[str, tuple[int, Object]]:
        """Those of them that are new or were changed since this was last asked."""
        with self._lock:
            heard, self._pods_heard = self._pods_heard, set()
            return self._with_owner(heard)

    def _with_owner(self, uids: Iterable[str]) -> dict[str, tuple[int, Object]]:
        here = self._objects[ObjectKind.POD]
        found = ((uid, _deployment_id(here[uid]), here[uid]) for uid in uids if uid in here)
        return {uid: (owner, pod) for uid, owner, pod in found if owner is not None}

    def take_gone(self) -> list[Gone]:
        """Pods that are no more, oldest first, since this was last asked."""
        with self._lock:
            taken, self._gone = self._gone, []
            return taken

    def put_back(self, gone: Iterable[Gone]) -> None:
        """What was taken and could not be written."""
        with self._lock:
            self._gone = [*gone, *self._gone]

    def put_usage(self, usage: Mapping[tuple[str, str], PodUse], *, is_told: bool = True) -> None:
        """CPU and memory by namespace and pod; marks the deployments whose figures moved since they were last told.
        What was never measured before is told at once."""
        with self._lock:
            self.usage = dict(usage)
            new = {pod: value for pod, value in usage.items() if is_told or pod not in self._told_usage}
            moved = {pod for pod, value in new.items() if value.has_moved(self._told_usage.get(pod))}
            self._told_usage = {pod: value for pod, value in self._told_usage.items() if pod in usage} | new
            for uid, pod in self._objects[ObjectKind.POD].items():
                if (pod["metadata"]["namespace"], pod["metadata"]["name"]) in moved and uid in self._owner:
                    self._changed.setdefault(self._owner[uid], now())

    def turns_with_time(self, owner: int) -> bool:
        """Whether its state changes although the cluster says nothing: it is not there, or something takes its time."""
        with self._lock:
            mine = self._by_deployment.get(owner, {})
            live, pods, hpas = (
                [self._objects[kind][uid] for uid in mine.get(kind, ())]
                for kind in (ObjectKind.DEPLOYMENT, ObjectKind.POD, ObjectKind.HPA)
            )
        return not live or unmet.turns_with_time(live, pods, hpas)

    def view(self, owner: int) -> ClusterView:
        """The newest objects of one deployment."""
        with self._lock:
            mine = self._by_deployment.get(owner, {})
            found = {kind: [self._objects[kind][uid] for uid in mine.get(kind, ())] for kind in KINDS}
            told = {uid: dict(self._told.get(uid, {})) for uid in mine.get(ObjectKind.POD, ())}
            usage = self.usage
        deployment = next(iter(found[ObjectKind.DEPLOYMENT]), None)
        parent = deployment["metadata"]["uid"] if deployment else ""
        # Without the Deployment: somebody took our label from it, and what it made goes on.
        sets = [
            item
            for item in found[ObjectKind.REPLICA_SET]
            if (_is_child(item, {parent}) if parent else self._is_marked(item))
        ]
        sets.sort(key=lambda item: _revision(item), reverse=True)
        children = {item["metadata"]["uid"] for item in sets}
        pods = [item for item in found[ObjectKind.POD] if _is_child(item, children)]
        pods.sort(key=lambda item: str(item["metadata"].get("creationTimestamp")), reverse=True)
        own = {item["metadata"]["uid"] for item in pods}
        kept = [
            item for rank, item in enumerate(sets) if rank < REPLICA_SETS_KEPT or number(item, "status", "replicas")
        ]
        pods = pods[:PODS_KEPT]
        named = ((pod["metadata"]["namespace"], pod["metadata"]["name"]) for pod in pods)
        single: dict[str, Any] = {name: next(iter(found[kind]), None) for kind, name in SINGLE.items()}
        return ClusterView(
            deployment=deployment,
            replica_sets=tuple(kept),
            pods=tuple(pods),
            events=tuple(event for pod in pods for event in told[pod["metadata"]["uid"]].values()),
            usage={name: usage[namespace, name] for namespace, name in named if (namespace, name) in usage},
            strays=tuple(sorted(_strays(found[ObjectKind.POD], own, single["service"])))[:PODS_KEPT] if parent else (),
            **single,
        )


def _subject(told: Object) -> str:
    """What replaces what was told before. Beside "Error: ImagePullBackOff" the registry's answer is kept."""
    return f"{told['reason']} {PULL_FAILED in told['message'].lower()}"


def _deployment_id(item: Object) -> int | None:
    value = text(item, "metadata", "labels", LABEL_ID)
    return int(value) if value.isascii() and value.isdigit() and len(value) < 18 else None


def _is_child(item: Object, parents: set[str]) -> bool:
    return any(text(owner, "uid") in parents for owner in objects(item, "metadata", "ownerReferences"))


def _strays(pods: Iterable[Object], own: set[str], service: Object | None) -> Iterable[str]:
    """Names of pods that are not the deployment's own, and to which its Service sends requests all the same."""
    selector = obj(service, "spec", "selector").items()
    return (
        text(pod, "metadata", "name")
        for pod in pods
        if pod["metadata"]["uid"] not in own
        and selector
        and selector <= obj(pod, "metadata", "labels").items()
        and not text(pod, "metadata", "deletionTimestamp")
        and condition(pod, "Ready").get("status") == "True"
    )


def _revision(item: Object) -> int:
    value = text(item, "metadata", "annotations", REVISION_ANNOTATION)
    return int(value) if value.isascii() and value.isdigit() else 0


def _same(before: Object, after: Object) -> bool:
    """Not every kind numbers its changes, and none those of its labels and annotations."""
    paths = (("spec",), ("metadata", "labels"), ("metadata", "annotations"))
    return all(obj(before, *path) == obj(after, *path) for path in paths)


def _is_foreign_edit(before: Object, after: Object) -> bool:
    """A change of spec, labels or annotations that was not ours, by the newest entry of managedFields.

    A scale leaves no entry at all.
    """
    if number(after, "metadata", "generation") == number(before, "metadata", "generation") and _same(before, after):
        return False
    if obj(before, "spec").get("replicas") != obj(after, "spec").get("replicas"):
        return True
    entries = [item for item in objects(after, "metadata", "managedFields") if item.get("subresource") != "status"]
    newest = max((text(item, "time") for item in entries), default="")
    managers = {text(item, "manager") for item in entries if text(item, "time") == newest}
    return bool(managers - OUR_MANAGERS - SYSTEM_MANAGERS)


def pods_of_current(view: ClusterView) -> list[Object]:
    """Pods of the Deployment's newest template."""
    wanted = text(view.deployment, "metadata", "annotations", REVISION_ANNOTATION)
    hashes = {
        text(item, "metadata", "labels", HASH_LABEL)
        for item in view.replica_sets
        if wanted and text(item, "metadata", "annotations", REVISION_ANNOTATION) == wanted
    }
    return [pod for pod in view.pods if text(pod, "metadata", "labels", HASH_LABEL) in hashes]


def created_at(item: Object) -> datetime | None:
    return instant(item, "metadata", "creationTimestamp")
