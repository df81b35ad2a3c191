"""A cluster that somebody is still building is starting, in their words, and those count for a minute."""

from __future__ import annotations

import io
import os
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from baristaweb.lib.clock import now
from deployments import breaker
from deployments.actions import clusters
from deployments.kube.api import NotConfigured
from deployments.management.commands import cluster_progress
from deployments.models import Cluster, ClusterHealth
from deployments.tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    return factories.make_cluster("demo", kubeconfig=str(tmp_path / "barista.kubeconfig"))


def told(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))
    call_command("cluster_progress", "demo")


def problem(cluster: Cluster) -> str:
    with pytest.raises(NotConfigured) as caught:
        breaker.reach(cluster)
    return str(caught.value)


def test_what_is_told_is_why_it_cannot_be_reached(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    told(monkeypatch, "building etcd, 1 of 8\nbuilding kube-apiserver, 2 of 8\n")
    for _ in range(8):
        assert problem(cluster) == "building kube-apiserver, 2 of 8"
    health = ClusterHealth.objects.get(pk=cluster.pk)
    assert (health.state, health.consecutive_failures, health.open_until) == (ClusterHealth.State.STARTING, 0, None)
    assert health.last_error == "building kube-apiserver, 2 of 8"


def test_an_empty_line_takes_it_back(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    told(monkeypatch, "starting etcd, 1 of 5\n\n")
    assert "not there yet" in problem(cluster)


def test_a_dead_builders_word_ends_after_a_minute(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    told(monkeypatch, "starting etcd, 1 of 5\n")
    ClusterHealth.objects.update(progress_at=now() - timedelta(seconds=61))
    assert "not there yet" in problem(cluster)


def test_a_word_says_nothing_about_other_clusters(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    told(monkeypatch, "starting etcd, 1 of 5\n")
    other = factories.make_cluster("other", kubeconfig=str(tmp_path / "other.kubeconfig"))
    assert "not there yet" in problem(other)


def test_what_is_told_is_cut_and_cleaned(cluster: Cluster) -> None:
    assert clusters.tell(slug="demo", words="\x1b[31m\x00red" + "x" * 900)
    assert ClusterHealth.objects.get(pk=cluster.pk).progress == ("[31mred" + "x" * 900)[:200]


def test_it_waits_until_the_cluster_is_registered(monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[str] = []

    def tell(*, slug: str, words: str) -> bool:
        tries.append(words)
        return len(tries) > 2

    monkeypatch.setattr(cluster_progress, "TRY_S", 0.01)
    monkeypatch.setattr(clusters, "tell", tell)
    told(monkeypatch, "building\n")
    assert tries == ["building"] * 3


def test_a_cluster_that_never_comes_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_progress, "TRY_S", 0.01)
    monkeypatch.setattr(cluster_progress, "PROGRESS_S", 0)
    with pytest.raises(CommandError, match="No cluster demo"):
        told(monkeypatch, "building\n")


def test_the_last_line_is_repeated_while_the_builder_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    often, ends = threading.Event(), os.pipe()
    tries: list[str] = []

    def tell(*, slug: str, words: str) -> bool:
        tries.append(words)
        if len(tries) > 3:
            often.set()
        return True

    monkeypatch.setattr(cluster_progress, "AGAIN_S", 0.01)
    monkeypatch.setattr(clusters, "tell", tell)
    with os.fdopen(ends[0]) as reads, os.fdopen(ends[1], "w") as writes:
        monkeypatch.setattr("sys.stdin", reads)
        running = threading.Thread(target=call_command, args=("cluster_progress", "demo"), daemon=True)
        running.start()
        writes.write("building\n")
        writes.flush()
        assert often.wait(20)
        writes.close()
        running.join(timeout=20)
    assert not running.is_alive()
    assert set(tries) == {"building"}


def test_a_broken_kubeconfig_is_said(cluster: Cluster) -> None:
    Path(cluster.kubeconfig).write_text("clusters: {{{")
    assert "cannot be used. It is not YAML" in problem(cluster)
