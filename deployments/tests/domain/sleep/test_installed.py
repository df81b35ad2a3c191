"""Other downscalers, told by the pods of a cluster."""

from __future__ import annotations

from typing import Any

import pytest

from deployments.domain.sleep.dialects.installed import Installed, installed


def pod(name: str, image: str, *, owner: str = "", kind: str = "ReplicaSet", phase: str = "Running") -> dict[str, Any]:
    owners = [{"kind": kind, "name": owner}] if owner else []
    return {
        "metadata": {"name": name, "namespace": "tools", "ownerReferences": owners},
        "spec": {"containers": [{"image": "registry.k8s.io/pause:3.9"}, {"image": image}]},
        "status": {"phase": phase},
    }


@pytest.mark.parametrize(
    ("name", "image", "program"),
    [
        ("py-kube-downscaler-5d9f", "ghcr.io/caas-team/py-kube-downscaler:25.1.0", "py-kube-downscaler"),
        ("scaler-5d9f", "ghcr.io/caas-team/py-kube-downscaler@sha256:00", "py-kube-downscaler"),
        ("kube-downscaler-5d9f", "localhost:5000/mirror:1", "py-kube-downscaler"),
        ("night-5d9f", "hjacobs/kube-downscaler:23.2.0", "py-kube-downscaler"),
        ("night-5d9f", "ghcr.io/caas-team/gokubedownscaler:1", "GoKubeDownscaler"),
        ("prod-go-kube-downscaler-5d9f", "mirror", "GoKubeDownscaler"),
        ("kube-green-controller-manager-5d9f", "mirror", "kube-green"),
        ("night-5d9f", "docker.io/kubegreen/kube-green:0.7.1", "kube-green"),
    ],
)
def test_a_downscaler_is_known_by_its_name_or_its_image(name: str, image: str, program: str) -> None:
    (found,) = installed([pod(f"{name}-x", image, owner=name)])
    assert found == Installed(program, "tools", name.rsplit("-", 1)[0])


@pytest.mark.parametrize(
    "item",
    [
        pod("ranker-1", "acme/ranker:kube-green", owner="ranker-5d"),
        pod("kube-greenhouse-1", "acme/greenhouse", owner="kube-greenhouse-5d"),
        pod("nokube-downscalers-1", "acme/kube-green/ranker:1", owner="nokube-downscalers-5d"),
        pod("kube-green-1", "kube-green", owner="kube-green-28", kind="Job", phase="Succeeded"),
        {},
        {"metadata": {"ownerReferences": "x"}, "spec": {"containers": None}},
    ],
)
def test_what_is_none(item: dict[str, Any]) -> None:
    assert installed([item]) == ()


def test_its_pods_are_one_finding_and_a_pod_without_an_owner_has_its_own_name() -> None:
    two = [pod(f"kube-green-1-{number}", "x", owner="kube-green-1") for number in range(2)]
    alone = pod("kube-downscaler", "x", phase="Pending")
    assert [one.name for one in installed([*two, alone])] == ["kube-green", "kube-downscaler"]


def test_it_is_read_as_it_was_kept() -> None:
    one = Installed("kube-green", "tools", "kube-green")
    assert Installed.from_json(one.to_json()) == one
