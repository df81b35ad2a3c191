"""What is known of a running deployment that helps to fill in its form, by field path."""

from __future__ import annotations

from collections.abc import Collection

from deployments.domain.status.rollout import propose_deadline_s
from deployments.domain.status.usage import PodUse, uses_from_json
from deployments.domain.text.quantities import human_cpu, human_memory
from deployments.models import Deployment

STARTS_READ = 10
UNKNOWN_S = 0


def notes_of(deployment: Deployment) -> dict[str, str]:
    """Sentences beside fields; nothing is said of what was not measured."""
    return _pods(deployment) | _use(deployment) | _deadline(deployment)


def memory_used(deployment: Deployment) -> int | None:
    """The largest use of one pod in bytes, as last measured."""
    return max((use.memory_b for use in _uses(deployment)), default=0) or None


def _uses(deployment: Deployment) -> Collection[PodUse]:
    return uses_from_json(deployment.observation.shown.get("usage")).values()


def _pods(deployment: Deployment) -> dict[str, str]:
    seen = deployment.observation
    if seen.observed_at is None:
        return {}
    words = f"Now ready: {seen.ready} of {seen.desired}."
    return {"replicas.count": words, "replicas.min": words}


def _use(deployment: Deployment) -> dict[str, str]:
    cpu = max((use.cpu_m for use in _uses(deployment)), default=0)
    memory = memory_used(deployment)
    notes = {"resources.cpu_request": f"The busiest pod uses {human_cpu(cpu)} now."} if cpu else {}
    if memory is not None:
        words = f"The largest pod uses {human_memory(memory)} now."
        notes |= {"resources.memory_limit": words, "profile": words}
    return notes


def _deadline(deployment: Deployment) -> dict[str, str]:
    rows = deployment.rollouts.exclude(first_ready_at=None).exclude(first_pod_at=None)[:STARTS_READ]
    starts = [
        (row.first_ready_at - row.first_pod_at).total_seconds()
        for row in rows
        if row.first_ready_at and row.first_pod_at
    ]
    proposed = propose_deadline_s(starts, default_s=UNKNOWN_S)
    if proposed == UNKNOWN_S:
        return {}
    return {
        "progress_deadline_s": f"{proposed} s would fit: the slowest of {len(starts)} starts took {max(starts):.0f} s."
    }
