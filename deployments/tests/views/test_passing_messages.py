"""What is said to be on its way goes when it has arrived."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from deployments.domain.status.states import State
from deployments.models import Deployment
from deployments.tests import factories
from deployments.tests.fixtures import People, Places
from deployments.tests.views.helpers import body
from deployments.tests.views.seen import see, soup_of

ClientAs = Callable[[str], Client]
GONE = '<div id="passing" hx-swap-oob="true"></div>'
HTMX = {"HX-Request": "true", "HX-Target": "fleet-rows"}


@pytest.fixture
def deployment(people: People, places: Places) -> Deployment:
    return see(factories.make_deployment(author=people.editor, namespace=places.dev, name="ranker"))


def test_what_is_on_its_way_stands_apart_from_what_is_done(client_as: ClientAs, deployment: Deployment) -> None:
    restart = reverse("deployment-restart", args=[deployment.slug])
    page = soup_of(client_as("editor").post(restart, follow=True))
    (passing,) = page.select("#passing")
    assert "ranker restarts" in passing.text
    assert page.select('[aria-label="Messages"] .note') == []


@pytest.mark.parametrize(("state", "is_over"), [(State.RUNNING, True), (State.ROLLING_OUT, False)])
def test_a_poll_takes_it_away_once_the_page_is_settled(
    client_as: ClientAs, deployment: Deployment, state: State, is_over: bool
) -> None:
    see(deployment, state)
    client = client_as("editor")
    status = body(client.get(reverse("deployment-status", args=[deployment.slug]), headers=HTMX))
    assert (GONE in status) == is_over
    assert (GONE in body(client.get(reverse("fleet"), headers=HTMX))) == is_over


def test_a_page_just_opened_takes_nothing_away(client_as: ClientAs, deployment: Deployment) -> None:
    for url in (reverse("deployment-detail", args=[deployment.slug]), reverse("fleet"), reverse("clusters")):
        page = body(client_as("editor").get(url))
        assert GONE not in page, url
        assert page.count('id="passing"') == 1, url
