"""From the catalog to a cluster's price list, by the real client and the demo's server; faults keep the last list."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from baristaweb.lib.clock import now
from deployments import errands
from deployments.domain.cost.prices import Request, quote_request
from deployments.models import AuditEvent, Cluster, OpenNode, PricePull, PriceVersion
from deployments.prices import refresh
from deployments.queries.costs import prices_in_force
from deployments.tests import factories
from embedded.billing.server import CatalogServer, serving

pytestmark = pytest.mark.django_db
MACHINE = "a2-highgpu-1g"
GPU = "nvidia-tesla-a100"


@pytest.fixture(scope="module")
def catalog() -> Iterator[CatalogServer]:
    """Of one region: to read 20,000 prices takes the client seconds, which test_google_catalog spends once."""
    with serving(CatalogServer(region="us-central1")) as server:
        yield server


def ask(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "BARISTA", replace(settings.BARISTA, billing_endpoint=endpoint))


@pytest.fixture
def cluster(db: None, monkeypatch: pytest.MonkeyPatch, catalog: CatalogServer) -> Cluster:
    """One on Google, with a profile of a machine that the catalog has and one of a class that it has not."""
    ask(catalog.url, monkeypatch)
    factories.make_profile("gpu-a100", gpu_count=1, gpu_type=GPU, price_class=MACHINE)
    factories.make_profile("odd", price_class="no-such-machine")
    return factories.make_cluster("gke", provider="gke", location="us-central1-a")


def hour(cluster: Cluster) -> Decimal | None:
    """Of a pod that takes a whole a2-highgpu-1g."""
    found = prices_in_force([cluster.pk], at=now())[cluster.pk]
    whole = Request(cpu=Decimal(12), memory_gib=Decimal(85), gpus=((GPU, Decimal(1)),))
    return quote_request(whole, found.card(MACHINE, [GPU])).hourly


def test_a_pull_gives_the_cluster_a_list(cluster: Cluster) -> None:
    refresh.catalog(refresh.ROW)
    assert hour(cluster) == Decimal("3.673385")
    event = AuditEvent.objects.order_by("-seq")[0]
    assert (event.kind, event.actor_name) == ("priceversion.created", "prices")
    row = PricePull.objects.get()
    assert row.read_at == row.tried_at
    assert row.read_at is not None
    assert row.next_at == row.read_at + timedelta(days=1)
    assert row.fault == "gke: no-such-machine: no machine type of that name is known."
    refresh.catalog(refresh.ROW)
    assert PriceVersion.objects.count() == 1, "the same prices are no new version"


def test_on_a_fault_the_last_list_stays_and_it_is_tried_again(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    refresh.catalog(refresh.ROW)
    read_at = PricePull.objects.get().read_at
    ask("http://127.0.0.1:1", monkeypatch)
    refresh.catalog(refresh.ROW)
    row = PricePull.objects.get()
    assert "does not answer" in row.fault
    assert row.tried_at is not None
    assert row.read_at == read_at
    assert row.next_at == row.tried_at + timedelta(hours=1)
    assert hour(cluster) == Decimal("3.673385")
    with pytest.raises(CommandError, match="does not answer"):
        call_command("pull_prices")


def test_a_price_that_moved_far_waits_for_a_person(cluster: Cluster) -> None:
    factories.make_price_list(cluster, f"cpu,{MACHINE},,0.01", source="google")
    refresh.catalog(refresh.ROW)
    assert f"cpu in {MACHINE} moved by +216 %" in PricePull.objects.get().fault
    assert PriceVersion.objects.count() == 1
    call_command("pull_prices", "--accept")
    assert hour(cluster) == Decimal("3.673385")


def test_a_list_of_a_persons_own_is_not_replaced(cluster: Cluster) -> None:
    factories.make_price_list(cluster)
    refresh.catalog(refresh.ROW)
    assert PriceVersion.objects.count() == 1


def test_it_is_claimed_by_one_when_it_is_due(cluster: Cluster) -> None:
    errand = next(item for item in errands.ERRANDS if item.do is refresh.catalog)
    assert list(errand.due(5.0)) == [refresh.ROW]
    assert list(errand.due(5.0)) == [], "somebody is at it"
    PricePull.objects.update(next_at=now() + timedelta(hours=24))
    assert refresh.claim(at=now() + timedelta(hours=23)) == []
    assert refresh.claim(at=now() + timedelta(hours=25)) == [refresh.ROW]


def test_without_a_cluster_on_google_nobody_is_asked(cluster_row: Cluster) -> None:
    assert refresh.claim(at=now()) == []
    assert not PricePull.objects.exists()


def test_machines_that_run_get_prices_too(cluster: Cluster) -> None:
    OpenNode.objects.create(
        cluster=cluster, uid="u", node="n", machine="e2-standard-16", is_spot=True, millicores=16000, memory=2**36,
        start=now(),
    )  # fmt: skip
    refresh.catalog(refresh.ROW)
    found = prices_in_force([cluster.pk], at=now())[cluster.pk]
    assert {line.component.value for line in found.lines if line.price_class == "spot:e2-standard-16"} == {
        "cpu",
        "memory",
    }


def test_a_class_of_autopilot_gets_prices_by_the_pod(cluster: Cluster) -> None:
    factories.make_profile("pods", price_class="pod:general")
    refresh.catalog(refresh.ROW)
    found = prices_in_force([cluster.pk], at=now())[cluster.pk]
    assert len([line for line in found.lines if line.price_class == "pod:general"]) == 2
