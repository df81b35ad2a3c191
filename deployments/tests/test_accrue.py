"""Measured time becomes days with prices; closed months stand, and what comes later is booked as an adjustment."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import DatabaseError, transaction

from deployments import accrue
from deployments.actions import due
from deployments.domain.cost.ledger import Asked
from deployments.domain.cost.machines import GIB
from deployments.domain.cost.placed import NodeFacts
from deployments.models import ClosedMonth, ClusterHealth, CostDay, CostDue, Deployment, NodeDay
from deployments.observe import ledger, nodes
from deployments.observe.ledger import PodSighting
from deployments.tests import factories
from deployments.tests.fixtures import People, Places

pytestmark = pytest.mark.django_db
T0 = datetime(2026, 10, 20, tzinfo=UTC)
PLACE = NodeFacts(size=Asked(4_000, 8 * GIB), machine="m", pool="p")
HOUR = Decimal("0.045")  # of a pod with 1 vCPU and 1 GiB by the list of the factory
Ran = Callable[..., None]


@pytest.fixture
def deployment(people: People, places: Places) -> Deployment:
    factories.make_price_list(places.dev.cluster, effective_at=T0 - timedelta(days=30))
    return factories.make_deployment(author=people.editor, namespace=places.dev)


def hour(count: float) -> datetime:
    return T0 + timedelta(hours=count)


@pytest.fixture
def ran(deployment: Deployment) -> Ran:
    def tell(uid: str, since: float, end: float, asked: Asked = Asked(1000, GIB)) -> None:  # noqa: B008
        item = PodSighting(
            uid=uid, pod=uid, deployment=deployment.pk, node="n", place=PLACE, asked=asked, at=hour(end),
            scheduled_at=hour(since), ended_at=hour(end),
        )  # fmt: skip
        ledger.write(deployment.namespace.cluster_id, [item], last_seen=None)

    return tell


def amounts() -> list[tuple[date, date | None, Decimal | None]]:
    rows = CostDay.objects.order_by("day", "pk").values_list("day", "adjusts", "amount")
    return [(day, adjusts, amount and amount.normalize()) for day, adjusts, amount in rows]


def test_what_is_due_is_priced_and_due_no_more(ran: Ran) -> None:
    ran("a", 20, 30)
    assert accrue.run(at=hour(40)) == 2
    assert amounts() == [(T0.date(), None, 4 * HOUR), (hour(24).date(), None, 6 * HOUR)]
    row = CostDay.objects.filter(day=T0.date()).get()
    assert (row.cpu, row.memory, row.gpu) == (Decimal("0.16"), Decimal("0.02"), Decimal(0))
    assert (row.cpu_hours, row.pods, row.is_exact) == (Decimal(4), 1, True)
    assert not CostDue.objects.exists()


def test_pricing_a_day_again_replaces_it(ran: Ran, deployment: Deployment) -> None:
    ran("a", 1, 3)
    accrue.run(at=hour(40))
    ran("b", 2, 4)
    accrue.run(at=hour(41))
    due.mark(deployment.namespace.cluster_id, [(deployment.pk, T0.date())])
    accrue.run(at=hour(42))
    assert amounts() == [(T0.date(), None, 4 * HOUR)]


def test_a_day_that_was_marked_meanwhile_stays_due(
    ran: Ran, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran("a", 1, 3)
    price = accrue.price_lists
    calls: list[int] = []

    def meanwhile(cluster_id: int) -> object:
        if not calls:
            calls.append(cluster_id)
            ran("b", 5, 6)
        return price(cluster_id)

    monkeypatch.setattr(accrue, "price_lists", meanwhile)
    accrue._batch(hour(40))
    assert CostDue.objects.filter(day=T0.date()).exists()


def test_what_runs_is_priced_as_far_as_it_was_measured(deployment: Deployment) -> None:
    cluster = deployment.namespace.cluster
    item = PodSighting(
        uid="a", pod="a", deployment=deployment.pk, node="n", place=PLACE, asked=Asked(1000, GIB), at=hour(2),
        scheduled_at=hour(1),
    )  # fmt: skip
    ledger.write(cluster.pk, [item], last_seen=None)
    accrue.run(at=hour(9))
    assert amounts() == [], "nothing says up to when it was watched"
    ClusterHealth.objects.filter(cluster=cluster).update(measured_at=hour(5))
    due.mark_running(hour(9), nodes=False)
    accrue.run(at=hour(9))
    assert amounts() == [(T0.date(), None, 4 * HOUR)]


def test_a_new_price_counts_from_its_instant_on(ran: Ran, deployment: Deployment) -> None:
    ran("a", 1, 5)
    accrue.run(at=hour(40))
    factories.make_price_list(deployment.namespace.cluster, "cpu,,,0.08", "memory,,,0.01", effective_at=hour(3))
    accrue.run(at=hour(41))
    assert [amount for _, _, amount in amounts()] == [2 * HOUR, 4 * HOUR]


def test_what_has_no_price_is_unknown_with_its_reason(ran: Ran) -> None:
    ran("a", 1, 3)
    ran("b", 1, 3, Asked(1000, GIB, (("nvidia-h100-80gb", 1),)))
    accrue.run(at=hour(40))
    rows = CostDay.objects.order_by("amount")
    assert [(row.amount, bool(row.reason)) for row in rows] == [(2 * HOUR, False), (None, True)]
    assert rows[1].pod_hours == 2


def closed(deployment: Deployment) -> datetime:
    """Close October on 4 November."""
    at = datetime(2026, 11, 4, 1, tzinfo=UTC)
    assert accrue.close_months(at=at) == [date(2026, 10, 1)]
    return at


def test_a_month_is_closed_some_days_after_its_end_when_nothing_of_it_is_due(ran: Ran, deployment: Deployment) -> None:
    ran("a", 1, 3)
    late = datetime(2026, 11, 5, tzinfo=UTC)
    assert accrue.close_months(at=late) == []
    accrue.run(at=late)
    assert accrue.close_months(at=datetime(2026, 11, 3, 23, tzinfo=UTC)) == []
    assert accrue.close_months(at=late) == [date(2026, 10, 1)]
    assert accrue.close_months(at=late) == []


def test_what_comes_after_the_close_is_an_adjustment_of_the_day_it_came(ran: Ran, deployment: Deployment) -> None:
    ran("a", 1, 3)
    accrue.run(at=hour(40))
    at = closed(deployment)
    ran("late", 2, 5)
    accrue.run(at=at)
    accrue.run(at=at)
    assert amounts() == [(T0.date(), None, 2 * HOUR), (at.date(), T0.date(), 3 * HOUR)]
    due.mark(deployment.namespace.cluster_id, [(deployment.pk, T0.date())])
    accrue.run(at=at + timedelta(days=1))
    assert len(amounts()) == 2, "what was booked is not booked again"


def test_a_back_dated_price_adjusts_a_closed_month(ran: Ran, deployment: Deployment) -> None:
    ran("a", 1, 3)
    accrue.run(at=hour(40))
    at = closed(deployment)
    cluster = deployment.namespace.cluster
    factories.make_price_list(cluster, "cpu,,,0.03", "memory,,,0.005", effective_at=T0 - timedelta(days=1))
    accrue.run(at=at)
    assert amounts() == [(T0.date(), None, 2 * HOUR), (at.date(), T0.date(), Decimal("-0.02"))]


def test_rows_of_a_closed_month_stand(ran: Ran, deployment: Deployment) -> None:
    ran("a", 1, 3)
    accrue.run(at=hour(40))
    closed(deployment)
    for change in (
        lambda: CostDay.objects.update(amount=0),
        lambda: CostDay.objects.all().delete(),
        lambda: ClosedMonth.objects.all().delete(),
    ):
        with pytest.raises(DatabaseError, match="closed"), transaction.atomic():
            change()


def test_a_nodes_day_is_ours_others_and_idle(ran: Ran, deployment: Deployment) -> None:
    cluster = deployment.namespace.cluster_id
    seen = {"u": ("n", PLACE, Asked(1000, GIB), hour(0))}
    nodes.write(cluster, seen, last_seen=None, at=hour(0.01))
    nodes.write(cluster, seen, last_seen=None, at=hour(25))
    ran("a", 2, 4, Asked(2000, 2 * GIB))
    accrue.run(at=hour(26))
    row = NodeDay.objects.get(day=T0.date())
    assert row.total == 24 * (4 * Decimal("0.04") + 8 * Decimal("0.005"))
    assert (row.ours, row.others) == (4 * HOUR, 24 * HOUR)
    assert row.ours is not None
    assert row.others is not None
    assert row.idle is not None
    assert row.total == row.ours + row.others + row.idle
    assert {int(owner): Decimal(share) for owner, share in row.shares.items()} == {deployment.pk: 4 * HOUR}
