"""Taking a retired deployment out of the cluster: only objects that carry our marks, the Deployment last."""

from __future__ import annotations

from deployments.domain.apiserver.objects import finalizers
from deployments.kube.api import Gateway, Object, ObjectKind
from deployments.reconcile.apply import remove
from deployments.reconcile.job import Job

# What leads traffic here goes first, what would start pods again before the pods.
ORDER = (ObjectKind.INGRESS, ObjectKind.HPA, ObjectKind.PDB, ObjectKind.SERVICE, ObjectKind.DEPLOYMENT)


def retire(gateway: Gateway, job: Job) -> list[Object]:
    """Ask for the deletion of everything; what of ours is left."""
    return [live for kind in ORDER if (live := remove(gateway, job, kind)) is not None]


def waits_for(left: list[Object]) -> str:
    """Who else has to let go before the rest is gone; empty when it is only a matter of time."""
    held = {f"{live.get('kind', 'an object')} waits for {name}" for live in left for name in finalizers(live)}
    if not held:
        return ""
    return f"{'; '.join(sorted(held))}. Ask whoever set these finalizers, or the platform team, to remove them."
