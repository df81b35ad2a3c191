"""Which digest a tag stands for, by what ready pods report."""

from typing import Any

import pytest

from deployments.domain.status.running_image import pin
from deployments.domain.status.states import ClusterView
from deployments.tests.domain.cluster import NOW, pod

IMAGE = "docker.io/tensorflow/serving:2.16.1"
FIRST, SECOND = "sha256:" + "1" * 64, "sha256:" + "2" * 64


def running(name: str, image_id: str, *, image: str = IMAGE, ready: bool = True) -> dict[str, Any]:
    found = pod(name, ready=ready)
    found["spec"] = {"containers": [{"name": "sidecar", "image": "x:1"}, {"name": "model", "image": image}]}
    found["status"]["containerStatuses"] = [
        {"name": "sidecar", "imageID": f"docker.io/library/x@{SECOND}"},
        {"name": "model", "imageID": image_id},
    ]
    return found


def view(*pods: dict[str, Any]) -> ClusterView:
    return ClusterView(pods=pods, observed_at=NOW)


@pytest.mark.parametrize("prefix", ["", "docker-pullable://"])
def test_one_digest_of_all_ready_pods_pins(prefix: str) -> None:
    pods = [running(name, f"{prefix}docker.io/tensorflow/serving@{FIRST}") for name in ("a", "b")]
    unready = running("c", f"docker.io/tensorflow/serving@{SECOND}", ready=False)
    found = pin(IMAGE, view(*pods, unready))
    assert found.image == f"{IMAGE}@{FIRST}"
    assert found.words == "All 2 ready pods run sha256:111111111111, so the tag is pinned to it."


def test_a_short_reference_and_its_full_name_are_the_same() -> None:
    found = pin("nginx:1", view(running("a", f"docker.io/library/nginx@{FIRST}", image="nginx:1")))
    assert found.image == f"nginx:1@{FIRST}"
    assert found.words.startswith("The only ready pod runs")


def test_what_is_pinned_stays() -> None:
    found = pin(f"{IMAGE}@{FIRST}", ClusterView())
    assert (found.image, found.words) == (f"{IMAGE}@{FIRST}", "The image is pinned already: sha256:111111111111.")


@pytest.mark.parametrize(
    ("pods", "says"),
    [
        ([], "no pod is ready"),
        ([running("a", f"docker.io/tensorflow/serving@{FIRST}", ready=False)], "no pod is ready"),
        ([running("a", "")], "does not say which digest a runs"),
        ([running("a", FIRST)], "does not say which digest a runs"),
        ([running("a", f"docker.io/tensorflow/serving@{FIRST}", image="x:2")], "a still runs another image"),
        ([running("a", f"mirror.example.com/serving@{FIRST}")], "pulled it from mirror.example.com/serving"),
        (
            [
                running("a", f"docker.io/tensorflow/serving@{d}") | {"metadata": {"name": d[-3:]}}
                for d in (FIRST, SECOND)
            ],
            "run 2 different digests",
        ),
    ],
)
def test_otherwise_it_says_why_not(pods: list[dict[str, Any]], says: str) -> None:
    found = pin(IMAGE, view(*pods))
    assert found.image is None
    assert says in found.words


def test_a_cluster_that_never_reported_and_a_strange_reference() -> None:
    assert "has not reported" in pin(IMAGE, ClusterView()).words
    assert pin("NOT AN IMAGE", view()).image is None
