"""The periodic look at a settled deployment: what differs from the current revision, and who made it differ."""

from __future__ import annotations

from deployments.domain.changes.drift import DriftItem, find_drift
from deployments.domain.manifests.managers import FIELD_MANAGER_CONFIG, FIELD_MANAGER_HPA
from deployments.kube.api import ClusterError, ErrorClass, Gateway, Object, ObjectKind
from deployments.reconcile.apply import remove
from deployments.reconcile.job import Job

OPTIONAL = (ObjectKind.HPA, ObjectKind.SERVICE, ObjectKind.INGRESS, ObjectKind.PDB)


def find(gateway: Gateway, job: Job) -> tuple[DriftItem, ...]:
    """Compare live objects with a forced dry run of ours. Raises a ClusterError or Superseded."""
    rendered = job.rendered()
    wanted = rendered.objects()
    kinds = {ObjectKind(obj["kind"]) for obj in wanted}
    for kind in OPTIONAL:
        if kind not in kinds:
            # Left behind when a worker died between two writes.
            remove(gateway, job, kind)
    live: dict[str, Object | None] = {}
    dry: dict[str, Object] = {}
    for obj in wanted:
        kind = ObjectKind(obj["kind"])
        found = gateway.get(kind, job.namespace, job.name)
        job.require_ours(found)
        live[kind.value] = found
        if found is not None and (answer := _dry_run(gateway, job, obj, kind)) is not None:
            dry[kind.value] = answer
    return find_drift(desired=wanted, live=live, dry_run=dry, replicas=job.replicas().held)


def _dry_run(gateway: Gateway, job: Job, obj: Object, kind: ObjectKind) -> Object | None:
    manager = FIELD_MANAGER_HPA if kind is ObjectKind.HPA else FIELD_MANAGER_CONFIG
    try:
        return gateway.apply(job.sealed(obj), manager=manager, force=True, dry_run=True).object
    except ClusterError as error:
        # A webhook may refuse dry runs: then it cannot be compared, which is not the same as being in step.
        if error.error_class is ErrorClass.PERMANENT:
            return None
        raise
