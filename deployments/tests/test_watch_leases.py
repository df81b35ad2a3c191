"""One watch process leads each cluster; another takes over when it does not say that it lives."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db.models.functions import Now

from deployments import watch
from deployments.models import Cluster, ClusterHealth
from deployments.tests import factories

pytestmark = pytest.mark.django_db


def led(holder: str) -> set[str]:
    return {cluster.slug for cluster in watch.led_by(holder)}


def let_run_out(*slugs: str) -> None:
    ClusterHealth.objects.filter(cluster__slug__in=slugs).update(watch_until=Now() - timedelta(milliseconds=1))


@pytest.fixture(autouse=True)
def _clusters() -> None:
    factories.make_cluster("eu")
    factories.make_cluster("us")
    factories.make_cluster("off", is_active=False)


def test_the_first_leads_all_that_are_active_and_the_second_none() -> None:
    assert led("a") == {"eu", "us"}
    assert led("b") == set()
    assert led("a") == {"eu", "us"}


def test_what_was_not_renewed_is_taken_over() -> None:
    led("a")
    let_run_out("eu")
    assert led("b") == {"eu"}
    assert led("a") == {"us"}


def test_a_leader_that_ends_is_followed_at_once() -> None:
    led("a")
    watch.release("a")
    assert led("b") == {"eu", "us"}


def test_releasing_takes_nothing_from_others() -> None:
    led("a")
    watch.release("b")
    assert led("b") == set()


def test_a_late_leader_keeps_what_nobody_took() -> None:
    led("a")
    let_run_out("eu", "us")
    assert led("a") == {"eu", "us"}


def test_a_cluster_without_a_health_row_is_led_at_the_next_look() -> None:
    ClusterHealth.objects.filter(cluster__slug="eu").delete()
    assert led("a") == {"us"}
    assert led("a") == {"eu", "us"}


def test_a_takeover_takes_less_than_ten_seconds() -> None:
    assert watch.LEASE.total_seconds() + watch.LOOK_EVERY_S < 10
    assert watch.LEASE.total_seconds() > watch.STOP_S + 2 * watch.LOOK_EVERY_S


class Watcher:
    """In place of the threads of a ClusterWatcher."""

    is_alive = True

    def __init__(self, cluster: Cluster) -> None:
        self.slug = cluster.slug
        self.is_started = self.is_stopped = False

    def start(self) -> None:
        self.is_started = True

    def stop(self, seconds: float = 5.0) -> None:
        self.is_stopped = True


@pytest.fixture
def process(monkeypatch: pytest.MonkeyPatch) -> watch.WatchProcess:
    monkeypatch.setattr(watch, "ClusterWatcher", Watcher)
    return watch.WatchProcess(threading.Event())


def test_a_leader_that_lost_a_cluster_stops_watching_it(process: watch.WatchProcess) -> None:
    process._follow()
    watchers = list(process._watchers.values())
    let_run_out("eu")
    led("b")
    process._follow()
    assert {(item.slug, item.is_stopped) for item in watchers} == {("eu", True), ("us", False)}  # type: ignore[attr-defined]


def test_a_cluster_whose_way_of_access_changes_is_watched_anew(process: watch.WatchProcess) -> None:
    process._follow()
    Cluster.objects.filter(slug="eu").update(access="gke", project="acme-models", location="europe-west4")
    process._follow()
    Cluster.objects.filter(slug="eu").update(service_account="other@acme-models.iam.gserviceaccount.com")
    before = [key for key in process._watchers if "gke" in key[1]]
    process._follow()
    after = [key for key in process._watchers if "gke" in key[1]]
    assert before != after
    assert len(after) == 1


def test_two_processes_have_two_names(process: watch.WatchProcess) -> None:
    assert watch.WatchProcess(threading.Event()).holder != process.holder
