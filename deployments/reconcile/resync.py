"""The periodic look at a settled deployment: what differs from the current revision, and who made it differ."""

from __future__ import annotations

from dataclasses import replace

from deployments.domain.apiserver.objects import message, obj, text
from deployments.domain.changes.drift import REPLICAS_PATH, DriftItem, find_drift
from deployments.domain.manifests.managers import FIELD_MANAGER_CONFIG, FIELD_MANAGER_HPA
from deployments.kube.api import ClusterError, ErrorClass, Gateway, Object, ObjectKind
from deployments.reconcile.apply import remove
from deployments.reconcile.job import Job

OPTIONAL = (ObjectKind.HPA, ObjectKind.SERVICE, ObjectKind.INGRESS, ObjectKind.PDB)


def find(gateway: Gateway, job: Job) -> tuple[DriftItem, ...]:
    """Compare live objects with a forced dry run of ours. Raises a ClusterError or Superseded."""
    rendered = job.rendered()
    wanted = rendered.objects()
    kinds = {ObjectKind(item["kind"]) for item in wanted}
    for kind in OPTIONAL:
        if kind not in kinds:
            # Left behind when a worker died between two writes.
            remove(gateway, job, kind)
    live: dict[str, Object | None] = {}
    dry: dict[str, Object] = {}
    for item in wanted:
        kind = ObjectKind(item["kind"])
        found = gateway.get(kind, job.namespace, job.name)
        job.require_ours(found)
        live[kind.value] = found
        if found is not None and (answer := _dry_run(gateway, job, item, kind)) is not None:
            dry[kind.value] = answer
    pods = job.replicas()
    least = pods.count if pods.is_autoscaled and not pods.is_left and job.deployment.open_sleep is None else None
    drift = find_drift(desired=wanted, live=live, dry_run=dry, replicas=pods.held, least=least)
    return tuple(_named(gateway, job, difference) for difference in drift)


def _named(gateway: Gateway, job: Job, item: DriftItem) -> DriftItem:
    """A number of pods that another autoscaler set is that autoscaler's: managers of /scale are not written down."""
    if item.path != REPLICAS_PATH:
        return item
    for hpa in gateway.list_objects(ObjectKind.HPA, namespace=job.namespace).items:
        target = obj(hpa, "spec", "scaleTargetRef")
        is_same = target.get("kind") == "Deployment" and target.get("name") == job.name
        if is_same and text(hpa, "metadata", "name") != job.name:
            return replace(item, manager=f"the autoscaler {message(text(hpa, 'metadata', 'name'), 100)}")
    return item


def _dry_run(gateway: Gateway, job: Job, obj: Object, kind: ObjectKind) -> Object | None:
    manager = FIELD_MANAGER_HPA if kind is ObjectKind.HPA else FIELD_MANAGER_CONFIG
    try:
        return gateway.apply(job.sealed(obj), manager=manager, force=True, dry_run=True).object
    except ClusterError as error:
        # A webhook may refuse dry runs: then it cannot be compared, which is not the same as being in step.
        if error.error_class is ErrorClass.PERMANENT:
            return None
        raise
