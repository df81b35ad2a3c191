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
from deployments.models import AuditEvent, Deployment, Proposal, UsageSample
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
    assert "0.5 vCPU at 0.04 → 1.5 vCPU at 0.04 an hour" in html


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
