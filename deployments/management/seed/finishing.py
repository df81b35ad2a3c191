"""What can only be done once the cluster is up: rollouts to watch, and a change that Barista did not make."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from django.db.models import F

from deployments.actions import deployments as actions
from deployments.actions.errors import Refused
from deployments.management.seed import making
from deployments.management.seed.shapes import DeploymentPlan
from deployments.models import AuditEvent, Cluster, Deployment, DeploymentState

POLL_S = 1.0


class NotReady(Exception):
    """The cluster did not accept the deployments in time."""


def wait_until_applied(demo: Cluster, *, seconds: float) -> None:
    """Return when the cluster accepted everything that is neither paused nor parked. Raises NotReady."""
    behind = (
        DeploymentState.objects.filter(deployment__namespace__cluster=demo, deployment__paused_at=None)
        .exclude(observed_generation=F("deployment__generation"))
        .exclude(failures__gt=3)
    )
    deadline = time.monotonic() + seconds
    while (left := behind.count()) > 0:
        if time.monotonic() > deadline:
            raise NotReady(f"{left} deployments were not applied within {seconds:.0f} s.")
        time.sleep(POLL_S)


def edit_later(demo: Cluster, plans: Iterable[DeploymentPlan], say: Callable[[str], None]) -> None:
    """Edits whose rollout the cluster shows as it happens; each once."""
    for plan in plans:
        deployment = making.find(demo, plan)
        if plan.later is None or deployment is None or deployment.current is None:
            continue
        if deployment.current.number != len(plan.edits) + 1:
            continue  # made already, or somebody else changed it since
        try:
            making.edit(deployment, plan.later)
        except Refused as refusal:
            say(f"{deployment.slug}: {refusal}")


def pause_and_retire(demo: Cluster, plans: Iterable[DeploymentPlan]) -> None:
    """What stopped changing, after it ran; each once, whatever people did since."""
    for plan in plans:
        deployment = making.find(demo, plan)
        if deployment is None:
            continue
        if plan.paused and not _happened(deployment, "deployment.paused"):
            actions.pause(deployment=deployment, by=making.actor(plan.by), note=plan.paused, until=None)
        if plan.retired and not _happened(deployment, "deployment.retired"):
            by = making.actor("maintainer")
            actions.retire(deployment=deployment, by=by, note=plan.retired, typed_name=deployment.name)


def _happened(deployment: Deployment, kind: str) -> bool:
    return AuditEvent.objects.filter(deployment_id=deployment.pk, kind=kind).exists()


def change_behind_our_back(
    demo: Cluster, plans: Iterable[DeploymentPlan], *, kubeconfig: Path, say: Callable[[str], None]
) -> None:
    """The change that somebody makes with kubectl. Doing it twice changes nothing."""
    kubectl = shutil.which("kubectl")
    for plan in plans:
        deployment = making.find(demo, plan)
        if not plan.changed_behind_our_back or deployment is None:
            continue
        if kubectl is None:
            say("There is no kubectl on PATH: nothing was changed behind Barista's back.")
            return
        _run(kubectl, kubeconfig, deployment, plan.changed_behind_our_back, say)


def _run(
    kubectl: str, kubeconfig: Path, deployment: Deployment, arguments: tuple[str, ...], say: Callable[[str], None]
) -> None:
    command = [kubectl, f"--kubeconfig={kubeconfig}", f"--namespace={deployment.namespace.name}", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    say(f"kubectl {' '.join(arguments)}: {(done.stdout or done.stderr).strip()}")
