"""A cluster of the one-machine stack that is still being built is starting, in words, and fails nothing."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings

from deployments import breaker
from deployments.kube.api import NotConfigured
from deployments.models import Cluster, ClusterHealth
from deployments.tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def home(tmp_path: Path, settings: LazySettings) -> Path:
    settings.BARISTA = dataclasses.replace(settings.BARISTA, home=tmp_path)
    (tmp_path / "kubernetes").mkdir()
    return tmp_path


@pytest.fixture
def cluster(home: Path) -> Cluster:
    return factories.make_cluster("demo", kubeconfig=str(home / "kubernetes" / "barista.kubeconfig"))


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ({"state": "building", "step": "kube-apiserver", "done": 1, "of": 8}, "building kube-apiserver, 2 of 8"),
        ({"state": "starting", "step": "etcd", "done": 0, "of": 5}, "starting etcd, 1 of 5"),
        (
            {"state": "waiting", "step": "", "done": 0, "of": 0},
            "waiting for another build of the control plane on this machine",
        ),
        ({"state": "failed", "detail": "no space left"}, "the control plane could not start: no space left"),
    ],
)
def test_the_build_is_told(home: Path, cluster: Cluster, said: dict[str, Any], shown: str) -> None:
    (home / "kubernetes" / "build.json").write_text(json.dumps(said))

    for _ in range(8):
        with pytest.raises(NotConfigured):
            breaker.reach(cluster)

    health = ClusterHealth.objects.get(pk=cluster.pk)
    assert (health.state, health.consecutive_failures, health.open_until) == (ClusterHealth.State.STARTING, 0, None)
    assert health.last_error == shown


@pytest.mark.parametrize("text", ["", "{", "[]", '{"state": "ready"}', '{"state": 7}'])
def test_nonsense_in_the_file_is_no_build(home: Path, cluster: Cluster, text: str) -> None:
    (home / "kubernetes" / "build.json").write_text(text)

    assert breaker.build_progress(cluster) == ""


def test_the_build_says_nothing_about_other_clusters(home: Path) -> None:
    (home / "kubernetes" / "build.json").write_text('{"state": "building", "step": "x", "done": 0, "of": 1}')
    other = factories.make_cluster("other", kubeconfig=str(home / "other.kubeconfig"))

    assert breaker.build_progress(other) == ""
    with pytest.raises(NotConfigured, match="is not there yet"):
        breaker.reach(other)


def test_a_broken_kubeconfig_is_said(cluster: Cluster) -> None:
    Path(cluster.kubeconfig).write_text("clusters: {{{")

    with pytest.raises(NotConfigured, match="cannot be used"):
        breaker.reach(cluster)
