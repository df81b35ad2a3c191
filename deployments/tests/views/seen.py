"""What the cluster is said to have answered, for tests of pages; and HTML helpers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from bs4 import BeautifulSoup, Tag
from django.http import HttpResponse

from baristaweb.lib.clock import now
from deployments.domain.status.states import State
from deployments.models import Deployment, DeploymentState, Observation


def make_pod(name: str, *, ready: bool = True, template: str = "aaa") -> dict[str, Any]:
    waiting = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off restarting"}}
    status = {"name": "model", "ready": ready, "restartCount": 0 if ready else 4, "state": {} if ready else waiting}
    return {
        "metadata": {
            "name": name,
            "uid": f"uid-{name}",
            "labels": {"pod-template-hash": template},
            "creationTimestamp": (now() - timedelta(hours=1)).isoformat(),
        },
        "spec": {
            "nodeName": "node-1",
            "containers": [{"name": "model", "resources": {"requests": {"cpu": "500m", "memory": "1Gi"}}}],
        },
        "status": {
            "phase": "Running",
            "containerStatuses": [status],
            "conditions": [{"type": "Ready", "status": str(ready)}, {"type": "PodScheduled", "status": "True"}],
        },
    }


def see(deployment: Deployment, state: State = State.RUNNING, **fields: Any) -> Deployment:
    """The cluster accepted the newest generation and shows `state`."""
    at = now()
    DeploymentState.objects.filter(deployment=deployment).update(
        phase="applied", observed_generation=deployment.generation, applied_at=at, applied_revision=1
    )
    values = {"observed_at": at, "sentence": "All 1 pod is ready.", "ready": 1, "desired": 1, "view": {}} | fields
    Observation.objects.filter(deployment=deployment).update(state=state.value, severity=state.severity, **values)
    return Deployment.objects.related().get(pk=deployment.pk)


def soup_of(answer: HttpResponse) -> BeautifulSoup:
    return BeautifulSoup(answer.content, "html.parser")


def part(answer: HttpResponse, selector: str) -> str:
    """One element's HTML, as it stands in the page after a patch: htmx takes the out-of-band mark away."""
    found = soup_of(answer).select_one(selector)
    assert isinstance(found, Tag), f"no {selector} in the answer"
    del found["hx-swap-oob"]
    for token in found.select("input[name=csrfmiddlewaretoken]"):
        # Masked anew in every answer.
        token["value"] = ""
    return " ".join(str(found).split())
