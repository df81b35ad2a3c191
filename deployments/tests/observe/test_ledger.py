"""Pods become rows of time once, whoever looks, however often, and whatever was missed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import DatabaseError, transaction

from baristaweb.lib.clock import now
from deployments.actions import records
from deployments.domain.cost.ledger import Asked
from deployments.domain.cost.machines import GIB
from deployments.domain.cost.placed import NodeFacts
from deployments.kube.api import ObjectKind
from deployments.models import ClusterHealth, CostDue, Deployment, NodeInterval, OpenNode, OpenPod, PodInterval
from deployments.observe import ledger, nodes
from deployments.observe.ledger import Ledger, PodSighting
from deployments.observe.store import KINDS, Store, Target
from deployments.tests import factories
from deployments.tests.fixtures import People, Places

pytestmark = pytest.mark.django_db
T0 = datetime(2026, 11, 10, 12, tzinfo=UTC)
SMALL = Asked(500, GIB)
PLACE = NodeFacts(size=Asked(16_000, 64 * GIB), machine="e2-standard-16", pool="cpu")


@pytest.fixture(autouse=True)
def _about_noon() -> Iterator[None]:
    """Rows are cut at midnight, which must not come between two looks of a test."""
    with time_machine.travel(T0, tick=True):
        yield


@pytest.fixture
def deployment(people: People, places: Places) -> Deployment:
    return factories.make_deployment(author=people.editor, namespace=places.dev)


def hour(count: float) -> datetime:
    return T0 + timedelta(hours=count)


@pytest.fixture
def see(deployment: Deployment) -> Callable[..., None]:
    """Tell one sighting of the pod."""

    def tell(at: float, asked: Asked = SMALL, *, ended: float | None = None, lost: bool = False, **more: Any) -> None:
        item = PodSighting(
            uid=more.pop("uid", "u1"),
            pod="ranker-1",
            deployment=deployment.pk,
            node=more.pop("node", "n1"),
            place=more.pop("place", PLACE),
            asked=asked,
            at=hour(at),
            scheduled_at=hour(more.pop("since", 0)),
            ended_at=None if ended is None else hour(ended),
            is_lost=lost,
        )
        ledger.write(deployment.namespace.cluster_id, [item], **{"last_seen": None} | more)

    return tell


def times() -> list[tuple[float, float, int]]:
    rows = PodInterval.objects.order_by("uid", "start")
    return [
        ((row.start - T0) / timedelta(hours=1), (row.end - T0) / timedelta(hours=1), row.millicores) for row in rows
    ]


def test_a_pod_is_charged_from_when_it_was_scheduled_to_its_end(see: Callable[..., None]) -> None:
    see(1)
    assert times() == []
    see(5, ended=4)
    assert times() == [(0, 4, 500)]
    row = PodInterval.objects.get()
    assert (row.node, row.machine, row.is_start_exact, row.is_end_exact, row.day) == (
        "n1",
        "e2-standard-16",
        True,
        True,
        T0.date(),
    )
    assert not OpenPod.objects.exists()


def test_seeing_it_again_adds_nothing(see: Callable[..., None]) -> None:
    for at in (1, 2, 2, 1):
        see(at)
    for _ in range(3):
        see(5, ended=4)
    see(3)  # a second watch that was behind: charged already, and nothing after it
    see(6, ended=4)
    assert times() == [(0, 4, 500)]


def test_a_resize_in_place_is_two_rows(see: Callable[..., None]) -> None:
    see(1)
    see(2, Asked(2000, GIB))
    see(3, Asked(2000, GIB), ended=3)
    assert times() == [(0, 2, 500), (2, 3, 2000)]


def test_each_day_has_rows_of_its_own_and_the_team_of_that_day(
    see: Callable[..., None], deployment: Deployment, people: People
) -> None:
    see(1)
    see(13)
    home = deployment.namespace
    old = home.team.slug
    home.team = people.other_team
    records.save(row=home, by=factories.BY)
    see(37)
    see(38, ended=38)
    day = T0.date()
    assert list(PodInterval.objects.order_by("start").values_list("day", "team__slug")) == [
        (day, old),
        (day + timedelta(days=1), old),
        (day + timedelta(days=2), people.other_team.slug),
    ]


def test_a_pod_that_was_lost_is_charged_as_far_as_it_was_seen(see: Callable[..., None]) -> None:
    see(1)
    see(9, ended=9, lost=True, last_seen=hour(3))
    row = PodInterval.objects.get()
    assert times() == [(0, 3, 500)]
    assert (row.is_end_exact, row.end_by) == (False, hour(9))


def test_what_ended_while_nobody_watched_is_found_at_the_next_start(
    see: Callable[..., None], deployment: Deployment
) -> None:
    see(1, uid="gone")
    see(1, uid="still")
    cluster = deployment.namespace.cluster_id
    ledger.sweep(cluster, {"still"}, last_seen=hour(2), at=hour(8))
    assert times() == [(0, 2, 500)]
    assert [row.uid for row in OpenPod.objects.all()] == ["still"]


def test_a_pod_that_another_watch_has_just_seen_is_not_lost(see: Callable[..., None], deployment: Deployment) -> None:
    see(8, uid="new", since=8)
    ledger.sweep(deployment.namespace.cluster_id, set(), last_seen=hour(2), at=hour(8) + timedelta(seconds=30))
    assert OpenPod.objects.count() == 1


def test_days_with_new_time_are_due(see: Callable[..., None], deployment: Deployment) -> None:
    see(1)
    CostDue.objects.all().delete()
    see(20, ended=20)
    due = CostDue.objects.order_by("day").values_list("deployment", "day")
    assert list(due) == [(deployment.pk, T0.date()), (deployment.pk, T0.date() + timedelta(days=1))]


@pytest.mark.parametrize("statement", ["update", "delete"])
def test_rows_of_time_never_change(see: Callable[..., None], statement: str) -> None:
    see(5, ended=4)
    rows = PodInterval.objects.all()
    change = {"update": lambda: rows.update(millicores=1), "delete": rows.delete}[statement]
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        change()


def pod(uid: str, owner: int, *, node: str = "n1", version: str = "1", **status: Any) -> dict[str, Any]:
    since = (now() - timedelta(minutes=30)).isoformat()
    return {
        "metadata": {
            "uid": uid,
            "name": uid,
            "namespace": "search-dev",
            "resourceVersion": version,
            "labels": {"barista.io/deployment-id": str(owner)},
        },
        "spec": {"nodeName": node, "containers": [{"name": "c", "resources": {"requests": {"cpu": "500m"}}}]},
        "status": {
            "phase": "Running",
            "conditions": [{"type": "PodScheduled", "status": "True", "lastTransitionTime": since}],
            **status,
        },
    }


@pytest.fixture
def watched(deployment: Deployment) -> tuple[Store, Ledger]:
    store = Store(mark="m")
    store.set_targets({deployment.pk: Target(deployment.pk, "search-dev", deployment.name)})
    for kind in KINDS:
        store.replace(kind, [])
    found = Ledger(store, deployment.namespace.cluster_id)
    found.place({"n1": PLACE})
    return store, found


def test_a_watch_writes_what_it_saw_and_when_that_was(watched: tuple[Store, Ledger], deployment: Deployment) -> None:
    store, found = watched
    store.put(ObjectKind.POD, pod("a", deployment.pk))
    assert found.flush(at=now(), is_heard=True) == 1
    assert found.flush(at=now(), is_heard=True) == 0
    assert OpenPod.objects.get().machine == "e2-standard-16"
    store.delete(ObjectKind.POD, pod("a", deployment.pk))
    assert found.flush(at=now(), is_heard=True) == 1
    assert PodInterval.objects.get().is_end_exact
    assert ClusterHealth.objects.get(cluster=deployment.namespace.cluster).measured_at is not None


def test_a_pod_that_came_and_went_between_two_looks_is_charged(
    watched: tuple[Store, Ledger], deployment: Deployment
) -> None:
    store, found = watched
    store.put(ObjectKind.POD, pod("a", deployment.pk))
    store.delete(ObjectKind.POD, pod("a", deployment.pk))
    found.flush(at=now(), is_heard=True)
    assert PodInterval.objects.get().uid == "a"


def test_a_pod_missing_from_a_list_ends_where_it_was_last_seen(
    watched: tuple[Store, Ledger], deployment: Deployment
) -> None:
    store, found = watched
    store.put(ObjectKind.POD, pod("a", deployment.pk))
    seen_at = now()
    found.flush(at=seen_at, is_heard=True)
    store.replace(ObjectKind.POD, [])
    found.flush(at=now(), is_heard=False)
    row = PodInterval.objects.get()
    assert (row.end, row.is_end_exact) == (seen_at, False)
    assert row.end_by is not None


def test_two_watches_of_one_cluster_charge_a_pod_once(deployment: Deployment) -> None:
    pairs = []
    for _ in range(2):
        store = Store(mark="m")
        store.set_targets({deployment.pk: Target(deployment.pk, "search-dev", deployment.name)})
        for kind in KINDS:
            store.replace(kind, [])
        one = Ledger(store, deployment.namespace.cluster_id)
        one.place({"n1": PLACE})
        store.put(ObjectKind.POD, pod("a", deployment.pk))
        one.flush(at=now(), is_heard=True)
        pairs.append((store, one))
    assert OpenPod.objects.count() == 1
    for store, one in pairs:
        store.delete(ObjectKind.POD, pod("a", deployment.pk))
        one.flush(at=now(), is_heard=True)
    assert PodInterval.objects.count() == 1


def test_a_pod_without_a_node_asks_for_nothing_yet(watched: tuple[Store, Ledger], deployment: Deployment) -> None:
    store, found = watched
    waiting = [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}]
    store.put(ObjectKind.POD, pod("a", deployment.pk, node="", conditions=waiting))
    found.flush(at=now(), is_heard=True)
    assert not OpenPod.objects.exists()


def node(name: str = "n1", **labels: str) -> dict[str, Any]:
    return {
        "metadata": {"uid": f"uid-{name}", "name": name, "labels": labels, "creationTimestamp": T0.isoformat()},
        "status": {"capacity": {"cpu": "16", "memory": "64Gi"}},
    }


def test_nodes_have_time_too_with_what_others_ask_for(deployment: Deployment) -> None:
    cluster = deployment.namespace.cluster_id
    found = nodes.NodeLedger(cluster)
    container = {"name": "c", "env": [{"name": "KEY", "value": "s3cret"}], "resources": {"requests": {"cpu": "2"}}}
    theirs = {"metadata": {"uid": "x"}, "spec": {"nodeName": "n1", "containers": [container]}}
    found.count([theirs, pod("ours", deployment.pk)], ours={"ours"}, at=hour(0.01))
    assert "s3cret" not in repr(found._pods), "nothing of other people's pods is held but what they ask for"
    found.write([node()], at=hour(0.01))
    row = OpenNode.objects.get()
    assert (row.others_millicores, row.millicores, row.start) == (2000, 16_000, T0)
    found.count([], ours=set(), at=hour(1))
    found.write([node()], at=hour(1))
    assert [(item.others_millicores, item.end) for item in NodeInterval.objects.all()] == [(2000, hour(1))]
    found.write([node()], at=hour(1.5))
    found.write([], at=hour(2))
    last = NodeInterval.objects.order_by("start").last()
    assert last is not None
    assert (last.end, last.is_end_exact, last.end_by) == (hour(1.5), False, hour(2))
    assert CostDue.objects.filter(deployment=None).count() == 1


def test_a_nodes_time_before_it_was_first_seen_is_not_told(deployment: Deployment) -> None:
    nodes.NodeLedger(deployment.namespace.cluster_id).write([node()], at=hour(50))
    row = OpenNode.objects.get()
    assert (row.start, row.is_start_exact) == (hour(50), False)
