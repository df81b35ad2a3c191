"""The demo's sixty days: made by the code that measures, labelled, once, and beside what the watch has seen."""

from __future__ import annotations

from datetime import timedelta

import pytest

from baristaweb.lib.clock import now
from deployments import accrue
from deployments.domain.cost.ledger import Asked
from deployments.domain.cost.machines import GIB
from deployments.domain.cost.placed import NodeFacts
from deployments.management.seed import costs
from deployments.models import CostDay, Deployment, NodeDay, OpenNode, OpenPod, PodInterval
from deployments.observe import ledger, nodes
from deployments.observe.ledger import PodSighting
from deployments.queries.seen_sizes import seen_sizes
from deployments.tests import factories
from deployments.tests.fixtures import People, Places

pytestmark = pytest.mark.django_db
PLACE = NodeFacts(size=Asked(16_000, 64 * GIB), machine="e2-standard-16", pool="cpu")


@pytest.fixture
def deployment(people: People, places: Places) -> Deployment:
    """One with a pod and a node that the watch has seen."""
    at = now()
    factories.make_price_list(places.dev.cluster, effective_at=at - timedelta(days=90))
    deployment = factories.make_deployment(author=people.editor, namespace=places.dev)
    item = PodSighting(
        uid="real", pod="real", deployment=deployment.pk, node="n1", place=PLACE, asked=Asked(500, GIB), at=at,
        scheduled_at=at - timedelta(minutes=2),
    )  # fmt: skip
    ledger.write(places.dev.cluster_id, [item], last_seen=None)
    nodes.write(
        places.dev.cluster_id,
        {"uid-n1": ("n1", PLACE, Asked(0, 0), at - timedelta(minutes=3))},
        last_seen=None,
        at=at,
    )
    return deployment


def test_sixty_days_are_made_up_and_labelled(deployment: Deployment) -> None:
    at = now()
    assert costs.seed(deployment.namespace.cluster, at=at) > 8
    rows = PodInterval.objects.filter(source="demo")
    assert rows.values("day").distinct().count() >= 60
    assert set(rows.values_list("node", "machine")) == {("n1", "e2-standard-16")}
    accrue.run(at=at)
    assert set(CostDay.objects.values_list("source", flat=True)) == {"demo"}
    assert NodeDay.objects.filter(source="demo", day=at.date() - timedelta(days=30)).get().total is not None


def test_what_the_watch_has_seen_is_left_alone(deployment: Deployment) -> None:
    pods, seen = list(OpenPod.objects.values()), list(OpenNode.objects.values())
    costs.seed(deployment.namespace.cluster, at=now())
    assert list(OpenPod.objects.values()) == pods
    assert list(OpenNode.objects.values()) == seen


def test_doing_it_again_makes_nothing(deployment: Deployment) -> None:
    costs.seed(deployment.namespace.cluster, at=now())
    count = PodInterval.objects.count()
    assert costs.seed(deployment.namespace.cluster, at=now()) == 0
    assert PodInterval.objects.count() == count


def test_no_pod_of_the_past_runs_into_the_real_ones(deployment: Deployment) -> None:
    costs.seed(deployment.namespace.cluster, at=now())
    last = PodInterval.objects.order_by("-end").values_list("end", flat=True)[0]
    assert last <= OpenPod.objects.get().start


def test_changes_of_size_are_spread_over_what_the_cost_tab_shows(deployment: Deployment) -> None:
    at = now()
    costs.seed(deployment.namespace.cluster, at=at)
    in_month = seen_sizes(deployment, since=at.date() - timedelta(days=30), explained_by=[])
    assert len(in_month) == 2
    assert in_month[1].at - in_month[0].at > timedelta(days=7)
    assert len(seen_sizes(deployment, since=at.date() - timedelta(days=70), explained_by=[])) == 3
