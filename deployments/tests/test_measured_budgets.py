"""Budgets by what was measured: which time that covers, and what is estimated beside it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine

from deployments.domain.cost.budgets import Basis, Forecast
from deployments.models import ClusterHealth, CostDay, Deployment, NodeDay
from deployments.queries import budgets as queries
from deployments.tests import factories
from deployments.tests.fixtures import People, Places

pytestmark = pytest.mark.django_db
HOUR = Decimal("0.025")  # one pod of cpu-small at the test prices
START = datetime(2026, 11, 6, tzinfo=UTC)
MIDDLE = datetime(2026, 11, 16, 12, tzinfo=UTC)  # 348 h of November are left


@pytest.fixture
def deployment(people: People, places: Places) -> Deployment:
    """One pod since 6 November."""
    with time_machine.travel(START, tick=False):
        factories.make_price_list(places.dev.cluster, effective_at=START - timedelta(days=400))
        return factories.make_deployment(author=people.editor, namespace=places.dev, name="ranker")


@pytest.fixture(autouse=True)
def middle() -> Any:
    with time_machine.travel(MIDDLE, tick=False) as traveller:
        yield traveller


def seen(deployment: Deployment, first: int, last: int, *, upto: datetime = MIDDLE) -> None:
    """The watch saw a node of the cluster on these days of November; the last was priced at `upto`."""
    cluster = deployment.namespace.cluster
    for day in range(first, last + 1):
        NodeDay.objects.create(
            cluster=cluster,
            day=START.date().replace(day=day),
            node="node-1",
            hours=24,
            reason="no price",
            priced_at=min(upto, datetime(2026, 11, day, 23, 59, tzinfo=UTC)),
        )
    ClusterHealth.objects.filter(cluster=cluster).update(measured_at=upto)


def cost(deployment: Deployment, day: int, amount: int | None, **fields: Any) -> CostDay:
    given = {
        "currency": "USD" if amount is not None else "",
        "reason": "" if amount is not None else "a Spot node",
        "priced_at": min(MIDDLE, datetime(2026, 11, day, 23, 59, tzinfo=UTC)),
    }
    return CostDay.objects.create(
        deployment=deployment,
        team=deployment.team,
        day=START.date().replace(day=day),
        amount=amount,
        pod_hours=24,
        cpu_hours=24,
        memory_hours=24,
        **{**given, **fields},
    )


def heading(deployment: Deployment) -> Forecast:
    budget = factories.make_budget(deployment=deployment, soft=1)
    (found,) = queries.standings([budget], at=MIDDLE)
    return found.forecast


def test_measured_days_take_the_place_of_the_estimate(deployment: Deployment) -> None:
    seen(deployment, 6, 16)
    for day in range(7, 17):
        cost(deployment, day, 3)
    found = heading(deployment)
    # 6 November, on which the watch began somewhere, is an estimate.
    assert (found.measured, found.estimated, found.rest) == (Decimal(30), HOUR * 24, HOUR * 348)


def test_a_measured_day_without_a_pod_cost_nothing(deployment: Deployment) -> None:
    seen(deployment, 6, 16)
    found = heading(deployment)
    assert (found.measured, found.spent) == (Decimal(0), HOUR * 24)


def test_days_on_which_the_watch_was_away_are_estimated(deployment: Deployment) -> None:
    seen(deployment, 1, 9)
    seen(deployment, 12, 16)
    for day in (8, 12):
        cost(deployment, day, 3)
    assert (heading(deployment).measured, heading_again(deployment).estimated) == (Decimal(6), HOUR * 48)


def heading_again(deployment: Deployment) -> Forecast:
    (found,) = queries.standings(queries.Budget.objects.all(), at=MIDDLE)
    return found.forecast


def test_what_was_measured_before_the_month_makes_its_first_day_whole(deployment: Deployment) -> None:
    NodeDay.objects.create(
        cluster=deployment.namespace.cluster, day=START.date().replace(month=10), node="n", hours=1, reason="no price"
    )
    seen(deployment, 6, 16)
    cost(deployment, 6, 5)
    found = heading(deployment)
    assert (found.measured, found.estimated) == (Decimal(5), Decimal(0))


@pytest.mark.parametrize(("priced", "told"), [(10, 12), (12, 10)])
def test_today_is_measured_until_it_was_priced_or_the_watch_was_heard(
    deployment: Deployment, priced: int, told: int
) -> None:
    seen(deployment, 1, 16, upto=MIDDLE.replace(hour=9))
    cost(deployment, 16, 1, priced_at=MIDDLE.replace(hour=priced))
    ClusterHealth.objects.update(measured_at=MIDDLE.replace(hour=told))
    found = heading(deployment)
    assert (found.measured, found.estimated) == (Decimal(1), HOUR * 2)


def test_today_without_pods_is_measured_until_its_nodes_were_priced(deployment: Deployment) -> None:
    seen(deployment, 1, 16, upto=MIDDLE.replace(hour=11))
    assert heading(deployment).estimated == HOUR


def test_measured_time_without_a_price_is_unknown_beside_the_sum(deployment: Deployment) -> None:
    seen(deployment, 1, 16)
    cost(deployment, 8, 3)
    cost(deployment, 9, None)
    found = heading(deployment)
    assert (found.measured, found.unknown, found.reasons) == (Decimal(3), 1, ("a Spot node",))


def test_measured_in_another_currency_is_in_no_sum(deployment: Deployment) -> None:
    seen(deployment, 1, 16)
    cost(deployment, 8, 3, currency="EUR")
    found = heading(deployment)
    assert (found.spent, found.measured, found.unknown) == (Decimal(0), None, 1)


def test_another_clusters_measurements_are_not_this_ones(deployment: Deployment) -> None:
    other = factories.make_cluster("second")
    NodeDay.objects.create(cluster=other, day=START.date(), node="n", hours=1, reason="no price")
    found = heading(deployment)
    assert found.bases == ((Basis.ESTIMATE, HOUR * 252),)


def test_a_change_keeps_what_was_measured(people: People, deployment: Deployment) -> None:
    seen(deployment, 1, 16)
    cost(deployment, 8, 3)
    factories.make_budget(deployment=deployment, soft=1)
    spec = factories.make_spec(model_version="2")
    revision = factories.apply(factories.edit(deployment, author=people.editor, spec=spec), by=people.editor)
    (effect,) = queries.kept_with(revision)
    assert (effect.before.measured, effect.after.measured) == (Decimal(3), Decimal(3))
