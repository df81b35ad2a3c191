"""Samples of use: at most one each 5 minutes, kept for a week, thinned for the charts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from deployments.domain.manifests.metadata import ANNOTATION_INSTALL, LABEL_ID
from deployments.domain.spec.parts import Resources
from deployments.domain.status.pods import HASH_LABEL, REVISION_ANNOTATION
from deployments.domain.status.usage import PodUse
from deployments.kube.api import ObjectKind
from deployments.models import Deployment, UsageSample
from deployments.observe.store import Store, Target
from deployments.observe.usage import UsageSampler, slot_of
from deployments.queries.usage_history import history_of
from deployments.tests import factories
from deployments.tests.fixtures import People, Places

AT = datetime(2026, 1, 5, 12, 3, 20, tzinfo=UTC)
GIB = 2**30


@pytest.fixture
def deployment(people: People, places: Places) -> Deployment:
    return factories.make_deployment(author=people.editor, namespace=places.dev, name="ranker")


def part(row: Deployment, kind: str, name: str, parent: str = "", **metadata: Any) -> dict[str, Any]:
    """An object of the deployment, as far as the store looks at it."""
    owners = [{"uid": f"uid-{parent}"}] if parent else []
    return {
        "kind": kind,
        "metadata": {
            "uid": f"uid-{name}",
            "name": name,
            "namespace": row.namespace.name,
            "resourceVersion": "1",
            "labels": {LABEL_ID: str(row.pk), HASH_LABEL: "h"},
            "annotations": {ANNOTATION_INSTALL: "mark", REVISION_ANNOTATION: "1"},
            "ownerReferences": owners,
            **metadata,
        },
    }


def store_of(row: Deployment, pods: int = 2) -> Store:
    store = Store(mark="mark")
    store.set_targets({row.pk: Target(row.pk, row.namespace.name, row.name)})
    store.put(ObjectKind.DEPLOYMENT, part(row, "Deployment", row.name))
    store.put(ObjectKind.REPLICA_SET, part(row, "ReplicaSet", "rs", parent=row.name))
    for number in range(pods):
        store.put(ObjectKind.POD, part(row, "Pod", f"pod-{number}", parent="rs"))
    return store


def use(store: Store, row: Deployment, *cpu_m: int) -> None:
    store.put_usage(
        {(row.namespace.name, f"pod-{number}"): PodUse(cpu_m=value, memory_b=GIB) for number, value in enumerate(cpu_m)}
    )


def sample(row: Deployment, at: datetime, cpu_m: int = 100, memory: int = GIB, pods: int = 1) -> None:
    UsageSample.objects.create(deployment=row, at=at, cpu_m=cpu_m, memory=memory, pods=pods)


def test_slots_begin_every_five_minutes() -> None:
    assert slot_of(AT) == datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
    assert slot_of(AT + timedelta(minutes=2)) == datetime(2026, 1, 5, 12, 5, tzinfo=UTC)


def test_pods_are_added_up_once_in_five_minutes(deployment: Deployment) -> None:
    store = store_of(deployment)
    sampler = UsageSampler(store)
    assert sampler.sample(AT) == 0, "nothing is measured yet"
    assert not UsageSample.objects.exists()
    use(store, deployment, 300, 200)
    assert sampler.sample(AT + timedelta(seconds=15)) == 1
    use(store, deployment, 900, 900)
    assert sampler.sample(AT + timedelta(seconds=30)) == 0
    row = UsageSample.objects.get()
    assert (row.at, row.cpu_m, row.memory, row.pods) == (slot_of(AT), 500, 2 * GIB, 2)
    assert sampler.sample(AT + timedelta(minutes=5)) == 1
    assert list(UsageSample.objects.values_list("cpu_m", flat=True)) == [500, 1800]


def test_a_second_watch_of_the_same_cluster_adds_nothing(deployment: Deployment) -> None:
    store = store_of(deployment)
    use(store, deployment, 300, 200)
    for _ in range(2):
        UsageSampler(store).sample(AT)
    assert UsageSample.objects.count() == 1


def test_a_week_is_kept(deployment: Deployment) -> None:
    sample(deployment, AT - timedelta(days=7, minutes=5))
    sample(deployment, AT - timedelta(days=6, hours=23))
    UsageSampler(store_of(deployment)).sample(AT)
    assert list(UsageSample.objects.values_list("at", flat=True)) == [AT - timedelta(days=6, hours=23)]


def test_without_samples_there_is_no_history(deployment: Deployment) -> None:
    sample(deployment, AT - timedelta(days=8))
    assert history_of(deployment, None, at=AT) is None


@pytest.mark.parametrize(
    ("age", "window", "step"),
    [
        (timedelta(hours=1), "3 h", 5),
        (timedelta(hours=20), "24 h", 10),
        (timedelta(days=2), "3 d", 30),
        (timedelta(days=5), "7 d", 60),
    ],
)
def test_the_window_grows_with_what_is_known(deployment: Deployment, age: timedelta, window: str, step: int) -> None:
    sample(deployment, AT - age, cpu_m=1200)
    sample(deployment, AT - timedelta(minutes=7), cpu_m=900)
    sample(deployment, AT - timedelta(minutes=2), cpu_m=400, memory=3 * GIB, pods=2)
    size = Resources(cpu_request=500, memory_request=GIB, memory_limit=GIB)
    found = history_of(deployment, size, at=AT)
    assert found is not None
    assert (found.window, found.step_minutes, found.pods) == (window, step, 2)
    assert found.newest_at == AT - timedelta(minutes=2)
    cpu, memory = found.charts
    assert (cpu.now, cpu.peak, cpu.reserved) == ("400m", "1.2 cores", "1 core")
    assert (memory.now, memory.peak, memory.reserved) == ("3 GiB", "3 GiB", "2 GiB")
    assert cpu.drawn.line.count("M") == 2, "a gap, then the newest"
    assert cpu.drawn.request
    assert "highest 1.2 cores, newest 400m, reserved: 1 core" in cpu.words


def test_the_highest_of_a_slot_is_shown(deployment: Deployment) -> None:
    sample(deployment, AT - timedelta(days=2))
    for minutes, cpu_m in ((20, 100), (15, 800), (10, 200)):
        sample(deployment, AT - timedelta(minutes=minutes), cpu_m=cpu_m)
    found = history_of(deployment, None, at=AT)
    assert found is not None
    assert (found.charts[0].peak, found.charts[0].reserved) == ("800m", "")
    assert found.charts[0].drawn.top == 800
    assert found.charts[0].drawn.request == ""
