"""The box of the Cost tab that says what 1,000 predictions cost."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from django.test import Client
from django.urls import reverse

from baristaweb.lib.clock import now
from deployments.models import CostDay, Deployment
from deployments.tests import factories
from deployments.tests.fixtures import People, Places
from observability.tests.stored import connected, fill

pytestmark = pytest.mark.django_db


@pytest.fixture
def deployment(people: People, places: Places) -> Deployment:
    return factories.make_deployment(author=people.maintainer, namespace=places.dev)


@pytest.fixture
def viewer(client_as: Callable[[str], Client]) -> Client:
    return client_as("viewer")


def words(client: Client, url: str) -> str:
    answer = client.get(url)
    assert answer.status_code == 200
    return " ".join(BeautifulSoup(answer.content, "html.parser").get_text(" ").split())


def box(deployment: Deployment) -> str:
    return reverse("deployment-per-thousand", args=[deployment.slug])


def test_it_is_the_cost_of_days_that_the_log_covers(deployment: Deployment, viewer: Client, tmp_path: Path) -> None:
    source = connected(deployment, tmp_path)
    assert "none of the last 30 whole days has both" in words(viewer, box(deployment))
    midnight = now().replace(hour=0, minute=0, second=0, microsecond=0)
    fill(source, hours=24, rows=100, until=midnight)
    yesterday = (midnight - timedelta(days=1)).date()
    hours = dict.fromkeys(("pod_hours", "cpu_hours", "memory_hours"), 24)
    CostDay.objects.create(
        deployment=deployment, team=deployment.team, day=yesterday, currency="USD", amount=6, **hours
    )
    said = words(viewer, box(deployment))
    assert "Last 7 whole days 2.5000 USD 6.00 USD ÷ 2,400 predictions" in said
    assert "The 7 before unknown none of its days has both cost and volume" in said


def test_without_a_log_the_volume_is_unknown(deployment: Deployment, viewer: Client) -> None:
    assert "it has no prediction log" in words(viewer, box(deployment))


def test_the_cost_tab_loads_it_by_its_address(deployment: Deployment, viewer: Client) -> None:
    tab = BeautifulSoup(viewer.get(reverse("deployment-cost", args=[deployment.slug])).content, "html.parser")
    assert tab.select_one(f'[hx-get="{box(deployment)}"] a')
    part = viewer.get(box(deployment), headers={"HX-Request": "true", "HX-Target": "x"}).content.decode()
    assert part.lstrip().startswith("<section")
