"""The pages of measured costs: whose they are, what they add up to, and that nothing unknown is summed away."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from baristaweb.lib.clock import now
from deployments.domain.cost.run_rate import month_before
from deployments.models import CostDay, Deployment, NodeDay
from deployments.tests import factories
from deployments.tests.fixtures import People, Places

pytestmark = pytest.mark.django_db
ClientAs = Callable[[str], Client]


@pytest.fixture
def deployment(people: People, places: Places) -> Deployment:
    return factories.make_deployment(author=people.editor, namespace=places.dev)


@pytest.fixture
def theirs(people: People) -> Deployment:
    """Of a team that the editor is no member of."""
    home = factories.make_namespace(team=people.other_team, cluster=factories.make_cluster())
    return factories.make_deployment(author=people.stranger, namespace=home)


def book(deployment: Deployment, day: date, amount: str | None = "2.50", **fields: Any) -> CostDay:
    value = None if amount is None else Decimal(amount)
    defaults = {
        "team": deployment.namespace.team,
        "currency": "USD" if amount else "",
        "reason": "" if amount else "Test prices has no price for GPU x.",
        "pod_hours": 24,
        "cpu_hours": 12,
        "memory_hours": 24,
        "cpu": value,
        "memory": None if amount is None else 0,
        "gpu": None if amount is None else 0,
        "amount": value,
        "pods": 1,
    }
    return CostDay.objects.create(day=day, deployment=deployment, **defaults | fields)


def today() -> date:
    return now().date()


def texts(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def page(client: Client, query: str = "") -> str:
    return texts(client, reverse("costs") + query)


def tab(client: Client, deployment: Deployment, query: str = "") -> str:
    return texts(client, reverse("deployment-cost", args=[deployment.slug]) + query)


def test_without_a_priced_day_the_page_says_so(client_as: ClientAs) -> None:
    assert "Nothing was measured yet" in page(client_as("editor"))


def test_the_page_sums_the_month_and_names_what_is_in_no_sum(client_as: ClientAs, deployment: Deployment) -> None:
    book(deployment, today())
    book(deployment, today(), "1234.25")
    book(deployment, today(), None)
    html = page(client_as("editor"))
    assert "1,236.75 USD + 1 unknown" in html
    assert "1 deployment in no sum: Test prices has no price for GPU x." in html


def test_nobody_sees_what_other_teams_spend(client_as: ClientAs, deployment: Deployment, theirs: Deployment) -> None:
    book(deployment, today(), "11.11")
    book(theirs, today(), "77.77")
    for name in ("viewer", "editor", "maintainer"):
        html = page(client_as(name)) + page(client_as(name), "?by=deployment")
        assert "77.77" not in html
        assert theirs.slug not in html
    assert "77.77" in page(client_as("stranger"))
    for name in ("auditor", "platform"):
        assert "88.88 USD" in page(client_as(name))
    download = client_as("editor").get(reverse("cost-days"))
    assert b"77.77" not in b"".join(download.streaming_content)


def test_money_stays_with_the_team_of_that_day(client_as: ClientAs, deployment: Deployment, people: People) -> None:
    book(deployment, today(), "33.33", team=people.other_team)
    assert "33.33" not in page(client_as("editor"))
    html = page(client_as("stranger"), "?by=deployment")
    assert "33.33" in html
    assert "no longer of the team" in html
    assert deployment.slug not in html


def test_currencies_are_never_added(client_as: ClientAs, deployment: Deployment) -> None:
    book(deployment, today(), "20.00")
    book(deployment, today(), "5.00", currency="EUR")
    html = page(client_as("editor"))
    assert "5.00 EUR + 20.00 USD" in html
    assert "25.00" not in html


@pytest.mark.parametrize("by", ["team", "model", "type", "environment", "cluster", "deployment"])
def test_the_page_is_divided_in_six_ways(client_as: ClientAs, deployment: Deployment, by: str) -> None:
    book(deployment, today(), "20.00")
    html = page(client_as("editor"), f"?by={by}")
    assert 'aria-current="true"' in html
    assert "20.00 USD" in html


def test_a_bar_leads_further_in_and_at_last_to_the_deployment(client_as: ClientAs, deployment: Deployment) -> None:
    book(deployment, today())
    client = client_as("editor")
    model = deployment.model.slug
    assert "?by=model&amp;team=search#where" in page(client)
    assert f"?by=deployment&amp;team=search&amp;model={model}#where" in page(client, "?by=model&team=search")
    inner = page(client, f"?by=deployment&team=search&model={model}")
    assert reverse("deployment-cost", args=[deployment.slug]) in inner


def test_a_filter_that_fits_nothing_shows_nothing(client_as: ClientAs, deployment: Deployment) -> None:
    book(deployment, today())
    assert "Nothing was measured yet" in page(client_as("editor"), "?team=ads")
    assert page(client_as("editor"), "?by=nonsense")


def test_the_forecast_says_its_formula(client_as: ClientAs, deployment: Deployment) -> None:
    for days in range(1, 8):
        book(deployment, today() - timedelta(days=days), "7.00")
    assert "+ 7.00 a day, the mean of the last 7 whole days, x" in page(client_as("editor"))


def test_what_moved_is_named_with_the_change_before_it(
    client_as: ClientAs, deployment: Deployment, people: People
) -> None:
    for days in range(1, 15):
        book(deployment, today() - timedelta(days=days), "7.00" if days <= 7 else "3.00")
    html = page(client_as("editor"))
    assert "3.00 → <b>7.00</b> USD" in html
    assert "+120.00 USD" in html
    assert "no change by a person" in html


def test_last_month_is_compared_by_its_same_days(client_as: ClientAs, deployment: Deployment) -> None:
    book(deployment, today().replace(day=1), "6.00")
    book(deployment, month_before(today()), "4.00")
    assert "this month is 50 % above" in page(client_as("editor"))


def test_csv_has_every_row_and_sums_to_the_page(client_as: ClientAs, deployment: Deployment) -> None:
    book(deployment, today(), "1.10")
    book(deployment, today(), "2.20")
    book(deployment, today(), None)
    answer = client_as("editor").get(reverse("cost-days"))
    lines = b"".join(answer.streaming_content).decode().splitlines()
    head = lines[0].split(",")
    amounts = [line.split(",")[head.index("amount")] for line in lines[1:]]
    assert sum(Decimal(amount) for amount in amounts if amount != "unknown") == Decimal("3.30")
    assert amounts.count("unknown") == 1


def test_idle_nodes_are_shown_to_those_who_see_all(client_as: ClientAs, deployment: Deployment) -> None:
    book(deployment, today())
    NodeDay.objects.create(
        day=today(), cluster=deployment.namespace.cluster, node="n", currency="USD", hours=24, total=50, ours=10,
        others=5, idle=35, shares={str(deployment.pk): "10"},
    )  # fmt: skip
    assert "35.00 USD" in page(client_as("platform"))
    assert "Idle of all nodes" not in page(client_as("editor"))
    html = tab(client_as("editor"), deployment)
    assert "70 %" in html
    assert "23.33 USD" in html  # 35 x 10 of the 15 that were asked for


def test_the_tab_has_a_chart_with_a_table_of_the_same_numbers(client_as: ClientAs, deployment: Deployment) -> None:
    book(deployment, today() - timedelta(days=1), "5.00", cpu=Decimal(3), gpu=Decimal(2), gpu_hours={"nvidia-l4": "24"})
    html = tab(client_as("editor"), deployment)
    for part in ('class="r-gpu"', 'class="r-cpu"', "<svg", "Table of this chart", "5.00 USD", ">measured<"):
        assert part in html
    assert "style=" not in html.split("<main")[1]


@pytest.mark.parametrize(("step", "count"), [("day", 30), ("week", 13), ("month", 12), ("nonsense", 30)])
def test_the_tab_goes_by_day_week_or_month(client_as: ClientAs, deployment: Deployment, step: str, count: int) -> None:
    book(deployment, today())
    html = tab(client_as("editor"), deployment, f"?step={step}")
    table = html.split('id="measured-table"')[1].split("</details>")[0]
    assert table.count("<tr>") == count + 1


def test_unknown_time_is_beside_the_sum_of_the_tab(client_as: ClientAs, deployment: Deployment) -> None:
    book(deployment, today())
    book(deployment, today(), None)
    html = tab(client_as("editor"), deployment)
    assert "2.50 USD" in html
    assert "24 pod hours have no price" in html
    assert "Test prices has no price for GPU x." in html


def test_the_demos_days_are_labelled(client_as: ClientAs, deployment: Deployment) -> None:
    book(deployment, today(), source="demo")
    assert ">demo<" in tab(client_as("editor"), deployment)
    assert ">demo<" in page(client_as("editor"))


def test_the_fleet_shows_what_was_measured_as_a_line(client_as: ClientAs, deployment: Deployment) -> None:
    client = client_as("editor")
    assert 'class="spark"' not in texts(client, reverse("fleet"))
    for days in (1, 2, 3):
        book(deployment, today() - timedelta(days=days), f"{days}.00")
    html = texts(client, reverse("fleet"))
    assert 'class="spark"' in html
    assert "measured: 3.00 to 1.00 USD a day in 14 days" in html
