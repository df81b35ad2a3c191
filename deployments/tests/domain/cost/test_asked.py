"""What a live pod asks for is what Kubernetes' scheduler sets aside for it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from deployments.domain.cost.asked import asked_of, ended_at, scheduled_at
from deployments.domain.cost.ledger import Asked

MIB = 2**20
AT = datetime(2026, 11, 20, 12, tzinfo=UTC)


def container(cpu: str, memory: str = "0", **more: Any) -> dict[str, Any]:
    return {"name": more.pop("name", "c"), "resources": {"requests": {"cpu": cpu, "memory": memory}}, **more}


def pod(*containers: dict[str, Any], init: Any = (), status: Any = None, **spec: Any) -> dict[str, Any]:
    return {"spec": {"containers": [*containers], "initContainers": [*init], **spec}, "status": status or {}}


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (pod(container("500m", "100Mi"), container("1", "28Mi")), Asked(1500, 128 * MIB)),
        # An init container that ends counts only where it asks for more than what runs later.
        (pod(container("500m", "100Mi"), init=[container("2", "1Mi")]), Asked(2000, 100 * MIB)),
        (pod(container("500m"), init=[container("300m"), container("400m")]), Asked(500, 0)),
        # A sidecar runs beside the containers, and beside the init containers that come after it.
        (pod(container("500m"), init=[container("200m", restartPolicy="Always")]), Asked(700, 0)),
        (
            pod(container("500m"), init=[container("1"), container("200m", restartPolicy="Always"), container("900m")]),
            Asked(1100, 0),
        ),
        (pod(container("500m", "64Mi"), overhead={"cpu": "250m", "memory": "120Mi"}), Asked(750, 184 * MIB)),
        (pod(container("500m", "64Mi"), resources={"requests": {"cpu": "2"}}), Asked(2000, 64 * MIB)),
        (pod({"name": "c", "resources": {"limits": {"cpu": "1", "memory": "1Mi"}}}), Asked(1000, MIB)),
        (pod(container("0.1m")), Asked(1, 0)),
        (pod({"name": "c"}), Asked(0, 0)),
        ({}, Asked(0, 0)),
        ({"spec": {"containers": "none", "overhead": ["x"]}}, Asked(0, 0)),
        (pod(container("-1", "many")), Asked(0, 0)),
    ],
)
def test_effective_requests(found: dict[str, Any], expected: Asked) -> None:
    assert asked_of(found, "") == expected


def test_a_resize_in_place_counts_as_the_larger_of_wanted_and_given() -> None:
    given = {"containerStatuses": [{"name": "c", "allocatedResources": {"cpu": "3", "memory": "1Mi"}}]}
    assert asked_of(pod(container("1", "2Mi"), status=given), "") == Asked(3000, 2 * MIB)


def test_gpus_are_named_by_the_nodes_label_and_else_by_their_resource() -> None:
    wants = {"name": "c", "resources": {"limits": {"nvidia.com/gpu": "2", "nvidia.com/mig-1g.5gb": "1"}}}
    assert asked_of(pod(wants), "nvidia-l4").gpus == (("nvidia-l4", 2), ("nvidia.com/mig-1g.5gb", 1))
    assert asked_of(pod(wants), "").gpus == (("nvidia.com/gpu", 2), ("nvidia.com/mig-1g.5gb", 1))


def test_a_pod_without_a_node_has_not_begun() -> None:
    waiting = {
        "conditions": [{"type": "PodScheduled", "status": "False", "lastTransitionTime": "2026-11-20T11:00:00Z"}]
    }
    given = {"conditions": [{"type": "PodScheduled", "status": "True", "lastTransitionTime": "2026-11-20T11:00:00Z"}]}
    assert scheduled_at(pod(status=waiting)) is None
    assert scheduled_at(pod(status=given)) == AT.replace(hour=11)


def test_a_pod_ends_with_its_last_container() -> None:
    ends = [{"state": {"terminated": {"finishedAt": f"2026-11-20T11:{minute}:00Z"}}} for minute in (10, 40, 20)]
    assert ended_at(pod(status={"phase": "Running", "containerStatuses": ends}), seen_at=AT) is None
    assert ended_at(pod(status={"phase": "Succeeded", "containerStatuses": ends}), seen_at=AT) == AT.replace(
        hour=11, minute=40
    )
    # An evicted pod has no word of its containers.
    assert ended_at(pod(status={"phase": "Failed"}), seen_at=AT) == AT
