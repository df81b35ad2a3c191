"""Home: what needs this person, and nothing else."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from baristaweb.lib.clock import now
from deployments.actions import proposals
from deployments.domain.status.states import State
from deployments.models import Deployment
from deployments.tests import factories
from deployments.tests.fixtures import People, Places
from deployments.tests.views.seen import part, see, soup_of

ClientAs = Callable[[str], Client]


@pytest.fixture
def ranker(people: People, places: Places) -> Deployment:
    return see(factories.make_deployment(author=people.maintainer, namespace=places.prod, name="ranker"))


def needs(client: Client) -> str:
    return " ".join(soup_of(client.get(reverse("home"))).select_one("#needs").text.split())  # type: ignore[union-attr]


def test_nothing_needs_you(client_as: ClientAs, ranker: Deployment) -> None:
    text = needs(client_as("editor"))
    assert text.startswith("Nothing needs you 1 of 1 deployment runs as their revisions say.")
    assert "All is in order" in text


@pytest.mark.parametrize("state", [State.UNKNOWN, State.STARTING])
def test_what_nobody_has_seen_is_not_in_order(
    client_as: ClientAs, people: People, places: Places, state: State
) -> None:
    deployment = factories.make_deployment(author=people.maintainer, namespace=places.prod, name="ranker")
    if state is State.STARTING:
        see(deployment, state)
    text = needs(client_as("editor"))
    assert "All is in order" not in text
    assert "0 of 1 are known to run" in text
    assert ("is not known yet" in text) == (state is State.UNKNOWN)
    fleet = client_as("editor").get(reverse("fleet")).content.decode()
    assert "are in order" not in " ".join(fleet.split())


def test_trouble_comes_first_with_its_reason(client_as: ClientAs, ranker: Deployment) -> None:
    see(ranker, State.CRASH_LOOPING, sentence="0 of 1 ready.", next_action="rollback")
    text = needs(client_as("editor"))
    assert text.startswith("1 item needs you It is in prod.")
    assert "0 of 1 ready." in text
    assert "Inspect" in text


def test_a_proposal_waits_for_those_who_may_apply_it(client_as: ClientAs, people: People, ranker: Deployment) -> None:
    spec = replace(factories.make_spec(), model_version="2")
    proposal = factories.edit(ranker, author=people.editor, spec=spec)
    assert "You prepared a change of model version and did not apply it." in needs(client_as("editor"))
    proposals.send(proposal=proposal, by=factories.Actor.as_user(people.editor), note="v2 is better")
    assert "editor asks you to apply a change: “v2 is better”" in needs(client_as("maintainer"))
    for other in ("editor", "viewer", "stranger", "auditor"):
        assert "v2 is better" not in needs(client_as(other))
    waiting = soup_of(client_as("editor").get(reverse("home"))).select_one("aside")
    assert waiting is not None
    assert "with the maintainers of Search" in " ".join(waiting.text.split())


def test_a_draft_that_was_overtaken_is_not_mentioned(client_as: ClientAs, people: People, ranker: Deployment) -> None:
    factories.edit(ranker, author=people.editor, spec=replace(factories.make_spec(), model_version="2"))
    newer = factories.edit(ranker, author=people.maintainer, spec=replace(factories.make_spec(), model_version="3"))
    factories.apply(newer, by=people.maintainer)
    assert "did not apply" not in needs(client_as("editor"))


def test_the_auditor_has_nothing_to_mend(client_as: ClientAs, ranker: Deployment) -> None:
    see(ranker, State.CRASH_LOOPING)
    assert needs(client_as("auditor")).startswith("Nothing needs you")


def test_strangers_see_nothing_of_it(client_as: ClientAs, ranker: Deployment) -> None:
    see(ranker, State.CRASH_LOOPING)
    assert "ranker" not in client_as("stranger").get(reverse("home")).content.decode()


def test_page_patched_equals_page_fresh(client_as: ClientAs, ranker: Deployment) -> None:
    see(ranker, State.ROLLING_OUT)
    client = client_as("editor")
    with time_machine.travel(now(), tick=False):
        fresh = client.get(reverse("home"))
        patch = client.get(reverse("home"), headers={"HX-Request": "true", "HX-Target": "needs"})
    assert part(fresh, "#needs") == part(patch, "#needs")
    assert 'hx-trigger="every 3s"' in part(patch, "#needs")


def test_it_takes_few_queries(client_as: ClientAs, people: People, places: Places, ranker: Deployment) -> None:
    client = client_as("maintainer")
    client.get(reverse("home"))
    for _ in range(4):
        see(factories.make_deployment(author=people.editor, namespace=places.dev), State.STALLED)
    with CaptureQueriesContext(connection) as queries:
        client.get(reverse("home"))
    assert len(queries) <= 16
