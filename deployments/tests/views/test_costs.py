"""What the pages say of money: now and after with its basis, why a number is what it is, and what is not known."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from baristaweb.lib.clock import now
from deployments.domain.cost.change import CostChange
from deployments.domain.spec.parts import Autoscale, Fixed
from deployments.models import AuditEvent, ClusterHealth, Deployment, OpenNode, PricePull, Proposal, UsageSample
from deployments.queries import costs, fleet_costs
from deployments.tests import factories
from deployments.tests.fixtures import People, Places

pytestmark = pytest.mark.django_db
ClientAs = Callable[[str], Client]
# One pod of cpu-small is 0.5 vCPU and 1 GiB: at these prices 0.025 an hour, 18.25 a month.
MONTH = Decimal("18.25")


@pytest.fixture
def deployment(people: People, places: Places) -> Deployment:
    factories.make_price_list(places.dev.cluster, effective_at=now() - timedelta(days=3))
    return factories.make_deployment(author=people.editor, namespace=places.dev)


def texts(client: Client, address: str) -> str:
    """The page with its white space made single."""
    answer = client.get(address)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def review(client: Client, proposal: Proposal) -> str:
    return texts(client, reverse("deployment-review", args=[proposal.pk]))


def edited(deployment: Deployment, people: People, **fields: object) -> Proposal:
    return factories.edit(deployment, author=people.editor, spec=factories.make_spec(**fields))


def sample(deployment: Deployment, pods: int, *, days_ago: float) -> None:
    at = now() - timedelta(days=days_ago)
    UsageSample.objects.create(deployment=deployment, at=at, cpu_m=1, memory=1, pods=pods)


def test_a_review_says_now_and_after(client_as: ClientAs, people: People, deployment: Deployment) -> None:
    html = review(client_as("editor"), edited(deployment, people, replicas=Autoscale(2, 4)))
    assert "Costs about 18.25 USD more a month at the usual load" in html
    for figure in ("18.25 USD", "36.50 USD", "73.00 USD", "+54.75 USD", "1 → 4 pods", "Replicas"):
        assert figure in html
    assert ">estimate<" in html
    assert "in force since" in html


def test_the_usual_load_is_the_mean_of_seven_days(client_as: ClientAs, people: People, deployment: Deployment) -> None:
    for pods, days in ((2, 1), (3, 2), (40, 8)):
        sample(deployment, pods, days_ago=days)
    html = review(client_as("editor"), edited(deployment, people, replicas=Autoscale(1, 4)))
    assert "1 → 2.5 pods" in html
    assert "mean number of pods of the last 7 days" in html


def test_without_samples_the_page_says_so(client_as: ClientAs, people: People, deployment: Deployment) -> None:
    html = review(client_as("editor"), edited(deployment, people, replicas=Autoscale(1, 4)))
    assert "No pods were measured in the last 7 days" in html


def test_the_drivers_are_named(client_as: ClientAs, people: People, deployment: Deployment) -> None:
    factories.make_profile("cpu-large", cpu_request=1500)
    html = review(client_as("editor"), edited(deployment, people, profile="cpu-large", replicas=Fixed(2)))
    assert "hardware profile cpu-small → cpu-large" in html
    assert "0.5 vCPU at 0.04 an hour → 1.5 vCPU at 0.04 an hour" in html


def test_unknown_is_said_with_its_reason_and_is_no_zero(client_as: ClientAs, people: People, places: Places) -> None:
    proposal = factories.make_proposal(author=people.editor, namespace=places.dev)
    html = review(client_as("editor"), proposal)
    assert "What this costs is not known" in html
    assert "demo has no price list." in html
    assert "0.00" not in html
    assert "USD" not in html


def test_a_new_deployment_has_a_price(client_as: ClientAs, people: People, places: Places) -> None:
    factories.make_price_list(places.dev.cluster)
    html = review(client_as("editor"), factories.make_proposal(author=people.editor, namespace=places.dev))
    assert "Costs about 18.25 USD a month at the usual load" in html


def test_prices_of_the_future_do_not_count(client_as: ClientAs, people: People, deployment: Deployment) -> None:
    cluster = deployment.namespace.cluster
    factories.make_price_list(cluster, "cpu,,,0.4", "memory,,,0.05", effective_at=now() + timedelta(days=1))
    html = review(client_as("editor"), edited(deployment, people, replicas=Fixed(2)))
    assert "Costs about 18.25 USD more" in html


def test_the_estimate_is_kept_with_the_revision_and_in_the_log(
    client_as: ClientAs, people: People, deployment: Deployment
) -> None:
    proposal = edited(deployment, people, replicas=Fixed(3))
    revision = factories.apply(proposal, by=people.editor)
    kept = CostChange.from_json(revision.estimate)
    assert (kept.before is not None and kept.before.month.typical.value, kept.after.month.typical.value) == (
        MONTH,
        3 * MONTH,
    )
    facts = AuditEvent.objects.order_by("-seq")[0].facts
    assert (facts["estimate_before"], facts["estimate_after"]) == ("18.25 USD a month", "54.75 USD a month")
    assert facts["price_list"].startswith("Test prices, version ")
    factories.make_price_list(deployment.namespace.cluster, "cpu,,,0.4", "memory,,,0.05")
    assert "Costs about 36.50 USD more" in review(client_as("editor"), proposal), "as it was then"


def tab(client: Client, deployment: Deployment) -> str:
    return texts(client, reverse("deployment-cost", args=[deployment.slug]))


def test_the_tab_says_what_why_and_what_it_was(client_as: ClientAs, people: People, deployment: Deployment) -> None:
    factories.apply(edited(deployment, people, replicas=Fixed(3)), by=people.editor)
    html = tab(client_as("viewer"), deployment)
    assert "at the 3 pods wanted now" in html
    assert "3 pods x 0.025 USD an hour x 730.00 h of 730 h a month = 54.75 USD" in html
    for figure in ("0.5 vCPU", "1 GiB", "0.04 USD", "0.005 USD", "+36.50 USD", "Test prices, version"):
        assert figure in html
    assert "What has no price" not in html, "that page is the platform team's"


def test_revisions_from_before_prices_say_so(client_as: ClientAs, deployment: Deployment) -> None:
    old = deployment.revisions.get()
    old.pk, old.number, old.proposal, old.estimate = None, 2, None, None
    old.save(force_insert=True)
    assert "saved before prices were kept with revisions" in tab(client_as("viewer"), deployment)


def test_the_fleet_has_a_price_for_each_and_sorts_by_it(
    client_as: ClientAs, people: People, places: Places, deployment: Deployment
) -> None:
    factories.make_profile("gpu", gpu_count=1, gpu_type="nvidia-l4")
    big = factories.make_spec(replicas=Fixed(10))
    for name, spec in (("big", big), ("unpriced", factories.make_spec(profile="gpu"))):
        factories.make_deployment(author=people.editor, namespace=places.dev, name=name, spec=spec)
    client = client_as("viewer")
    html = texts(client, reverse("fleet") + "?sort=cost")
    assert "18 USD" in html
    assert "Estimate: 182.50 USD in 730 h" in html
    assert "has no price for GPU nvidia-l4." in html
    assert html.index(">big<") < html.index(f">{deployment.name}<") < html.index(">unpriced<")
    turned = texts(client, reverse("fleet") + "?sort=-cost")
    assert turned.index(f">{deployment.name}<") < turned.index(">big<") < turned.index(">unpriced<")


@pytest.mark.parametrize("replicas", [Fixed(3), Autoscale(2, 5)])
def test_lists_and_tabs_agree(
    client_as: ClientAs, people: People, deployment: Deployment, replicas: Fixed | Autoscale
) -> None:
    factories.apply(edited(deployment, people, replicas=replicas), by=people.editor)
    row = Deployment.objects.related().get(pk=deployment.pk)
    found = costs.now_of(row, at=now())
    months = fleet_costs.months_of([fleet_costs.Size.of(row)], at=now())
    assert found is not None
    assert months == {row.pk: found.after.month.minimum}
    assert fleet_costs.sizes(Deployment.objects.filter(pk=row.pk)) == [fleet_costs.Size.of(row)]


def test_coverage_names_what_has_no_price(
    client_as: ClientAs, people: People, places: Places, deployment: Deployment
) -> None:
    factories.make_profile("gpu", gpu_count=1, gpu_type="nvidia-l4")
    spec = factories.make_spec(profile="gpu")
    factories.make_deployment(author=people.editor, namespace=places.dev, name="unpriced", spec=spec)
    pool = {"pool": "gpu-pool", "nodes": 2, "cpu_m": 8000, "memory_b": 32 << 30, "gpus": 2, "labels": {}}
    ClusterHealth.objects.update(capacity=[pool])
    html = texts(client_as("platform"), reverse("cost-coverage"))
    assert "1 deployment has a price" in html
    assert "1 deployment has none: Test prices, version" in html
    assert "has no price for GPU of any type in gpu-pool." in html
    assert "0.025 USD" in html


def test_coverage_tells_how_old_the_catalog_is(client_as: ClientAs, deployment: Deployment) -> None:
    PricePull.objects.create(read_at=now() - timedelta(hours=30), fault="The billing service does not answer.")
    html = texts(client_as("platform"), reverse("cost-coverage"))
    assert "last read <time" in html
    assert ">1 d ago</time>" in html
    assert "The billing service does not answer." in html


def test_coverage_has_nodes_and_skus(client_as: ClientAs, deployment: Deployment) -> None:
    cluster = deployment.namespace.cluster
    for number, machine in enumerate(("e2-standard-4", "e2-standard-4", "g9-mega")):
        OpenNode.objects.create(
            cluster=cluster, uid=str(number), node=f"n{number}", machine=machine, is_spot=machine == "g9-mega",
            millicores=4000, memory=16 << 30, start=now(),
        )  # fmt: skip
    PricePull.objects.create(pk=1, fault=f"{cluster.name}: g9-mega: no SKU fits.\nother: g9: no SKU fits.")
    html = texts(client_as("platform"), reverse("cost-coverage"))
    assert 'e2-standard-4<span class="sub">one of 2 nodes</span>' in html
    assert "It ran on a Spot node, and Test prices" in html
    assert html.count("no SKU fits.") == 3, "as it was read, twice, and in the row of this cluster"
