"""Negotiated prices in the price lists: new versions where they begin and end, whatever comes first."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from baristaweb.lib.clock import now
from deployments.actions import prices
from deployments.actions.errors import Refused, Wrong
from deployments.models import AuditEvent, Cluster, PriceTerm, PriceVersion
from deployments.queries.costs import prices_in_force
from deployments.tests import factories
from deployments.tests.fixtures import People, Places

pytestmark = pytest.mark.django_db
MIDDLE = datetime(2026, 11, 16, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def middle() -> Any:
    with time_machine.travel(MIDDLE, tick=False) as traveller:
        yield traveller


@pytest.fixture
def cluster(places: Places) -> Cluster:
    """Its list costs 0.04 for a vCPU since ten days."""
    factories.make_price_list(places.dev.cluster, effective_at=MIDDLE - 10 * DAY)
    return places.dev.cluster


def agree(cluster: Cluster, value: str = "25", kind: str = "discount", **fields: Any) -> PriceTerm:
    given = {"effective_at": now(), **fields}
    return prices.agree(row=PriceTerm(cluster=cluster, kind=kind, value=Decimal(value), **given), by=factories.BY)


def cpu(cluster: Cluster, at: datetime | None = None) -> Decimal:
    found = prices_in_force([cluster.pk], at=at or now())[cluster.pk]
    (rate,) = (line.rate for line in found.card("", []).lines if line.component == "cpu")
    assert rate is not None
    return rate


def test_it_counts_from_its_instant_on_and_is_in_the_log(cluster: Cluster) -> None:
    agree(cluster, effective_at=MIDDLE - 2 * DAY)
    assert cpu(cluster, MIDDLE - 2 * DAY - timedelta(seconds=1)) == Decimal("0.04")
    assert cpu(cluster, MIDDLE - 2 * DAY) == cpu(cluster) == Decimal("0.03")
    version, term = AuditEvent.objects.order_by("-seq")[:2]
    assert (term.kind, version.kind) == ("priceterm.created", "priceversion.created")
    assert {"path": "lines", "label": "cpu", "before": "0.04 USD", "after": "0.03 USD"} in version.changes


def test_a_list_that_came_after_it_has_it_too(cluster: Cluster) -> None:
    factories.make_price_list(cluster, "cpu,,,0.08", "memory,,,0.01", effective_at=MIDDLE - DAY)
    agree(cluster, effective_at=MIDDLE - 2 * DAY)
    assert (cpu(cluster, MIDDLE - 2 * DAY), cpu(cluster)) == (Decimal("0.03"), Decimal("0.06"))


def test_a_new_list_gets_what_was_agreed_on(cluster: Cluster) -> None:
    agree(cluster)
    version = factories.make_price_list(cluster, "cpu,,,0.08", "memory,,,0.01")
    assert cpu(cluster) == Decimal("0.06")
    assert [str(line.per_hour) for line in prices.without_terms(version)] == ["0.08", "0.01"]


def test_an_override_wins(cluster: Cluster) -> None:
    agree(cluster, "0.02", "override", component="cpu")
    agree(cluster)
    assert cpu(cluster) == Decimal("0.02")


def test_it_ends_by_itself_at_its_instant_though_the_relay_looks_later(cluster: Cluster, middle: Any) -> None:
    agree(cluster, ends_at=MIDDLE + DAY)
    count = PriceVersion.objects.count()
    assert (prices.settle_all(), PriceVersion.objects.count()) == (0, count)
    middle.move_to(MIDDLE + DAY + timedelta(seconds=40))
    assert (prices.settle_all(), prices.settle_all()) == (1, 0)
    assert cpu(cluster, MIDDLE + DAY - timedelta(seconds=1)) == Decimal("0.03")
    assert cpu(cluster, MIDDLE + DAY) == Decimal("0.04")


def test_one_that_begins_later_begins_by_itself(cluster: Cluster, middle: Any) -> None:
    agree(cluster, effective_at=MIDDLE + DAY)
    assert cpu(cluster) == Decimal("0.04")
    middle.move_to(MIDDLE + 2 * DAY)
    prices.settle_all()
    assert cpu(cluster, MIDDLE + DAY) == Decimal("0.03")


def test_ending_it_brings_the_list_back_and_once_only(cluster: Cluster, middle: Any) -> None:
    row = agree(cluster)
    middle.move_to(MIDDLE + DAY)
    prices.end(row=row, by=factories.BY)
    assert (cpu(cluster), cpu(cluster, MIDDLE)) == (Decimal("0.04"), Decimal("0.03"))
    with pytest.raises(Refused, match="ended already"):
        prices.end(row=row, by=factories.BY)


def test_it_is_not_changed(cluster: Cluster) -> None:
    row = agree(cluster)
    row.value = Decimal(50)
    with pytest.raises(Refused, match="not changed"):
        prices.agree(row=row, by=factories.BY)


def test_a_price_by_the_month_and_a_time_long_ago_are_refused(cluster: Cluster) -> None:
    with pytest.raises(Wrong, match="outside"):
        agree(cluster, "29", "override", component="cpu")
    with pytest.raises(Wrong, match="days ago"):
        agree(cluster, effective_at=MIDDLE - 400 * DAY)


def test_the_database_refuses_what_the_action_would(cluster: Cluster) -> None:
    for value in (0, 100):
        with pytest.raises(IntegrityError), transaction.atomic():
            PriceTerm.objects.create(cluster=cluster, kind="discount", value=value, effective_at=MIDDLE)


def test_the_platform_team_agrees_on_it_in_the_admin(
    cluster: Cluster, people: People, client_as: Callable[[str], Client]
) -> None:
    fields = {
        "cluster": cluster.pk, "kind": "discount", "value": "12.5", "component": "cpu", "reason": "contract 2027",
        "effective_at_0": "2026-11-16", "effective_at_1": "00:00:00", "ends_at_0": "", "ends_at_1": "",
    }  # fmt: skip
    url = reverse("admin:deployments_priceterm_add")
    assert client_as("maintainer").post(url, fields).status_code in (302, 403)
    assert not PriceTerm.objects.exists()
    client = client_as("platform")
    wrong = client.post(url, fields | {"value": "100"})
    assert "below 100 percent" in wrong.content.decode()
    assert client.post(url, fields).status_code == 302
    assert cpu(cluster) == Decimal("0.035")
    version = cluster.price_versions.all()[0]
    page = client.get(reverse("admin:deployments_priceversion_change", args=[version.pk])).content.decode()
    assert "cpu, less 12.5 % of 0.04: 0.035" in page
