"""The cluster is slow, silent, gone or cuts its answers: nothing blocks, nothing is lost, and it is said."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path

import pytest

from baristaweb.lib.clock import now
from deployments import breaker, errands
from deployments.domain.status.states import Phase
from deployments.kube.api import ObjectKind, Unreachable
from deployments.kube.connect import connect
from deployments.models import Cluster, ClusterHealth, Deployment, DeploymentState
from deployments.observe import ClusterWatcher
from deployments.reconcile import Outcome
from deployments.tests.cluster.conftest import Bench, wait_until
from deployments.tests.faults.proxy import Fault, FaultProxy

pytestmark = [pytest.mark.cluster, pytest.mark.faults, pytest.mark.django_db(databases=["default", "locks"])]

State = ClusterHealth.State
BREAKING = [Fault.BLACK_HOLE, Fault.RESET, Fault.REFUSE, Fault.CUT]


def health(cluster: Cluster) -> ClusterHealth:
    return ClusterHealth.objects.get(pk=cluster.pk)


def close_breaker(cluster: Cluster) -> None:
    """As if its time had run out."""
    ClusterHealth.objects.filter(pk=cluster.pk).update(open_until=now() - timedelta(seconds=1))


@pytest.mark.parametrize("fault", BREAKING)
def test_every_fault_is_unreachable_within_the_limit(live_cluster: Cluster, proxy: FaultProxy, fault: Fault) -> None:
    gateway = connect(live_cluster)
    gateway.ready()
    proxy.fault = fault
    began = time.monotonic()

    with pytest.raises(Unreachable) as caught:
        gateway.within(3).list_objects(ObjectKind.NODE)

    assert time.monotonic() - began < 4.5
    assert "0x" not in str(caught.value)
    proxy.fault = Fault.NONE
    gateway.ready()


def test_latency_is_waited_for(bench: Bench, proxy: FaultProxy) -> None:
    proxy.latency_s = 0.2
    proxy.fault = Fault.LATENCY

    bench.create()

    assert bench.live()["spec"]["replicas"] == 1


@pytest.mark.parametrize("fault", BREAKING)
def test_an_outage_is_survived(bench: Bench, proxy: FaultProxy, live_cluster: Cluster, fault: Fault) -> None:
    deployment = bench.create()
    proxy.fault = fault
    bench.edit(deployment, run=False, env=(("A", "1"),))

    assert bench.run(deployment) is Outcome.DEFERRED

    state = bench.state(deployment)
    assert (state.phase, state.last_error_class, state.failures) == (Phase.UNREACHABLE, "transient", 1)
    assert state.observed_generation == 1
    assert state.next_reconcile_at > now() - timedelta(seconds=1)
    proxy.fault = Fault.NONE
    assert bench.run(deployment) is Outcome.APPLIED
    assert health(live_cluster).state == State.OK
    assert bench.state(deployment).last_error == ""


def test_the_breaker_opens_and_nothing_is_sent(bench: Bench, proxy: FaultProxy, live_cluster: Cluster) -> None:
    deployment = bench.create()
    bench.edit(deployment, run=False, env=(("A", "1"),))
    proxy.fault = Fault.RESET
    for _ in range(breaker.OPENS_AFTER):
        bench.run(deployment)
    row = health(live_cluster)
    assert row.state == State.AWAY
    assert row.consecutive_failures == breaker.OPENS_AFTER
    assert row.open_until is not None
    assert timedelta(seconds=3) < row.open_until - now() <= timedelta(seconds=5)
    before = proxy.connections

    for _ in range(10):
        assert bench.run(deployment) is Outcome.DEFERRED

    assert proxy.connections == before
    state = bench.state(deployment)
    assert state.next_reconcile_at >= row.open_until
    DeploymentState.objects.update(next_reconcile_at=now())
    assert errands.claim(lease_s=5) == []


def test_half_open_probes_once_and_doubles(bench: Bench, proxy: FaultProxy, live_cluster: Cluster) -> None:
    deployment = bench.create()
    proxy.fault = Fault.REFUSE
    for _ in range(breaker.OPENS_AFTER):
        bench.run(deployment)
    close_breaker(live_cluster)

    bench.run(deployment)

    row = health(live_cluster)
    assert row.consecutive_failures == breaker.OPENS_AFTER + 1
    assert row.open_until is not None
    assert row.open_until - now() > timedelta(seconds=8)


def test_the_first_answer_wakes_what_waited(bench: Bench, proxy: FaultProxy, live_cluster: Cluster) -> None:
    deployment = bench.create()
    bench.edit(deployment, run=False, env=(("A", "1"),))
    proxy.fault = Fault.RESET
    for _ in range(breaker.OPENS_AFTER + 1):
        bench.run(deployment)
    proxy.fault = Fault.NONE
    close_breaker(live_cluster)

    breaker.probe(live_cluster, breaker.reach(live_cluster))

    assert health(live_cluster).state == State.OK
    assert errands.claim(lease_s=5) == [deployment.pk]
    assert bench.run(deployment) is Outcome.APPLIED


def test_refused_credentials_say_so_and_recover(bench: Bench, live_cluster: Cluster) -> None:
    deployment = bench.create()
    kubeconfig = Path(live_cluster.kubeconfig)
    good = kubeconfig.read_text()
    kubeconfig.write_text(good.replace('"token": "', '"token": "x'))
    bench.edit(deployment, run=False, env=(("A", "1"),))

    assert bench.run(deployment) is Outcome.BLOCKED

    assert health(live_cluster).state == State.REFUSED
    assert bench.state(deployment).last_error_class == "credentials"
    kubeconfig.write_text(good)
    breaker.probe(live_cluster)
    assert errands.claim(lease_s=5) == [deployment.pk]
    assert bench.run(deployment) is Outcome.APPLIED


def test_a_missing_kubeconfig_is_starting_not_failing(bench: Bench, live_cluster: Cluster) -> None:
    deployment = bench.create(run=False)
    kubeconfig = Path(live_cluster.kubeconfig)
    held = kubeconfig.rename(kubeconfig.with_suffix(".later"))

    assert bench.run(deployment) is Outcome.DEFERRED

    row = health(live_cluster)
    assert (row.state, row.consecutive_failures) == (State.STARTING, 0)
    assert bench.state(deployment).phase == Phase.SAVED
    assert errands.claim(lease_s=5) == []
    held.rename(kubeconfig)
    breaker.probe(live_cluster)
    assert errands.claim(lease_s=5) == [deployment.pk]
    assert bench.run(deployment) is Outcome.APPLIED


@pytest.mark.django_db(transaction=True, databases=["default", "locks"])
@pytest.mark.parametrize("fault", [Fault.BLACK_HOLE, Fault.RESET])
def test_the_watch_comes_back_by_itself(bench: Bench, proxy: FaultProxy, live_cluster: Cluster, fault: Fault) -> None:
    watcher = ClusterWatcher(live_cluster)
    watcher.start()
    try:
        deployment = bench.create()
        wait_until(lambda: _seen(deployment) == (1, 1), what="Running")
        proxy.fault = fault
        wait_until(lambda: health(live_cluster).state == State.AWAY, what="the outage to be noticed")
        bench.eyes.scale("ranker", 2)
        proxy.fault = Fault.NONE
        wait_until(lambda: _seen(deployment) == (2, 2), what="the change made meanwhile")
        assert health(live_cluster).state == State.OK
        assert health(live_cluster).open_until is None
    finally:
        watcher.stop()


def _seen(deployment: Deployment) -> tuple[int, int]:
    row = Deployment.objects.select_related("observation").get(pk=deployment.pk).observation
    return row.ready, row.desired
