"""Taking a retired deployment out of the cluster: only objects that carry our marks, the Deployment last."""

from __future__ import annotations

from deployments.kube.api import Gateway, Kind
from deployments.reconcile.apply import remove
from deployments.reconcile.job import Job

# What leads traffic here goes first, what would start pods again before the pods.
ORDER = (Kind.INGRESS, Kind.HPA, Kind.PDB, Kind.SERVICE, Kind.DEPLOYMENT)


def retire(gateway: Gateway, job: Job) -> bool:
    """Ask for the deletion of everything; True when nothing of ours is left."""
    left = [kind for kind in ORDER if remove(gateway, job, kind)]
    return not left
