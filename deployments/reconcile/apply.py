"""Making the cluster agree with one revision. Every write carries a fence; replicas go through /scale only."""

from __future__ import annotations

from typing import Any, Final

from deployments.domain.changes.drift import conflicts_from_causes, left_by_others
from deployments.domain.changes.held import HeldField
from deployments.domain.manifests.managers import FIELD_MANAGER_CONFIG, FIELD_MANAGER_HPA, FIELD_MANAGER_SCALER
from deployments.domain.replicas import EffectiveReplicas
from deployments.kube import sealing
from deployments.kube.api import FieldConflict, Gateway, Invalid, Object, ObjectKind
from deployments.reconcile.job import FieldsHeld, Job, NotOurs

CONTROLLER_REVISION: Final = "deployment.kubernetes.io/revision"


def apply(gateway: Gateway, job: Job) -> None:
    """Apply all objects of the job's revision and delete those it no longer wants.

    Raises a ClusterError, FieldsHeld (fields that others hold), or Superseded (a newer intent was saved or applied).
    """
    wanted = job.rendered()
    replicas = job.replicas()
    live = _read(gateway, job, ObjectKind.DEPLOYMENT)
    if live is None or is_unfinished(live):
        live = _create(gateway, job, live, replicas.count, wanted.deployment)
    else:
        live = _send(gateway, job, wanted.deployment, live)
    _scaling(gateway, job, live, replicas, wanted.hpa)
    _companion(gateway, job, ObjectKind.SERVICE, wanted.service)
    _companion(gateway, job, ObjectKind.INGRESS, wanted.ingress)
    _companion(gateway, job, ObjectKind.PDB, wanted.pdb)


def is_unfinished(live: Object) -> bool:
    """Created paused by us and never started: the controller numbers a Deployment when it makes the first pods."""
    annotations = live["metadata"].get("annotations") or {}
    return bool(live["spec"].get("paused")) and CONTROLLER_REVISION not in annotations


def _create(gateway: Gateway, job: Job, live: Object | None, first: int, wanted: Object) -> Object:
    """Paused, then the number, then started: a plain create would start a pod even for zero replicas."""
    if live is None and (problem := sealing.other_installation(gateway, job.namespace, mark=job.mark)):
        raise NotOurs(problem)
    live = _send(gateway, job, job.rendered(paused=True).deployment, live)
    live = _scale(gateway, job, live, first)
    return _send(gateway, job, wanted, live)


def _scaling(gateway: Gateway, job: Job, live: Object, replicas: EffectiveReplicas, wanted: Object | None) -> None:
    """One owner of the number: the autoscaler while it exists, else we, through /scale; nobody while it is held."""
    if replicas.is_autoscaled:
        existing = _read(gateway, job, ObjectKind.HPA)
        # An autoscaler never wakes what stands at zero, and does nothing to it.
        # Forced: a person settles that somebody took the pods away.
        is_settled = job.is_forced and job.deployment.open_sleep is None
        must_start = (existing is None or replicas.starts_from_zero or is_settled) and _replicas(live) == 0
        if not replicas.is_left and (replicas.is_resting or must_start):
            _scale(gateway, job, live, replicas.count)
        if wanted is not None:
            _send(gateway, job, wanted, existing, manager=FIELD_MANAGER_HPA)
        return
    if remove(gateway, job, ObjectKind.HPA):
        # Until it was gone the autoscaler may have written a number of its own: ask again.
        live = _read(gateway, job, ObjectKind.DEPLOYMENT) or live
    if not replicas.is_left:
        _scale(gateway, job, live, replicas.count)


def _companion(gateway: Gateway, job: Job, kind: ObjectKind, wanted: Object | None) -> None:
    if wanted is None:
        remove(gateway, job, kind)
        return
    _send(gateway, job, wanted, _read(gateway, job, kind))


def remove(gateway: Gateway, job: Job, kind: ObjectKind) -> Object | None:
    """Delete the object if it exists and is ours; what of ours was there."""
    live = gateway.get(kind, job.namespace, job.name)
    if live is None:
        return None
    try:
        job.require_ours(live | {"metadata": live["metadata"] | {"deletionTimestamp": None}})
    except NotOurs:
        return None
    if not live["metadata"].get("deletionTimestamp"):
        job.require_current()
        gateway.delete(kind, job.namespace, job.name, uid=live["metadata"]["uid"])
    return live


def _read(gateway: Gateway, job: Job, kind: ObjectKind) -> Object | None:
    live = gateway.get(kind, job.namespace, job.name)
    job.require_ours(live)
    return live


def _send(
    gateway: Gateway, job: Job, wanted: Object, live: Object | None, *, manager: str = FIELD_MANAGER_CONFIG
) -> Object:
    """Server-side apply, refused when the object changed since `live` was read."""
    body: dict[str, Any] = dict(wanted)
    if live is not None:
        body["metadata"] = wanted["metadata"] | {"resourceVersion": live["metadata"]["resourceVersion"]}
    sealed = job.sealed(body)
    job.require_current()
    try:
        return gateway.apply(sealed, manager=manager, force=job.is_forced).object
    except FieldConflict as error:
        raise FieldsHeld(error, _held(error, live, wanted)) from error
    except Invalid as error:
        left = left_by_others(str(error), live, wanted)
        if not left:
            raise
        if not job.is_forced or wanted["kind"] != ObjectKind.DEPLOYMENT or (before := job.applied_before()) is None:
            raise FieldsHeld(error, left) from error
    return _in_two_steps(gateway, job, wanted, before)


def _in_two_steps(gateway: Gateway, job: Job, wanted: Object, before: Job) -> Object:
    """What others keep is not ours to give up: the revision before takes it over, and then this one drops it.

    Paused in between, so that no pod is made of the step.
    """
    first = _read(gateway, job, ObjectKind.DEPLOYMENT)
    _force(gateway, before, before.rendered(paused=True).deployment, first)
    return _force(gateway, job, wanted, _read(gateway, job, ObjectKind.DEPLOYMENT))


def _force(gateway: Gateway, job: Job, wanted: Object, live: Object | None) -> Object:
    version = {"resourceVersion": live["metadata"]["resourceVersion"]} if live is not None else {}
    sealed = job.sealed({**wanted, "metadata": wanted["metadata"] | version})
    job.require_current()
    return gateway.apply(sealed, manager=FIELD_MANAGER_CONFIG, force=True).object


def _held(error: FieldConflict, live: Object | None, wanted: Object) -> tuple[HeldField, ...]:
    causes = [
        {"field": item.path, "message": f'conflict with "{item.manager}"', "reason": "FieldManagerConflict"}
        for item in error.fields
    ]
    return conflicts_from_causes(causes, live, wanted)


def _scale(gateway: Gateway, job: Job, live: Object, count: int) -> Object:
    """Write the number unless it is there already; `live` with the version it has afterwards."""
    if _replicas(live) == count:
        return live
    job.require_current()
    answer = gateway.scale(
        job.namespace,
        job.name,
        count,
        manager=FIELD_MANAGER_SCALER,
        resource_version=live["metadata"]["resourceVersion"],
    )
    version = answer["metadata"]["resourceVersion"]
    return live | {
        "metadata": live["metadata"] | {"resourceVersion": version},
        "spec": live["spec"] | {"replicas": count},
    }


def _replicas(live: Object) -> int:
    return int(live["spec"].get("replicas", 1))
