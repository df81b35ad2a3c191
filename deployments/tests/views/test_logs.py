"""Logs: asked for by POST, readable by the one who asked, and only as long as the right to read lasts."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from baristaweb.lib.clock import now
from deployments.actions import people as people_actions
from deployments.models import Deployment, LogRequest, Membership
from deployments.tests import factories
from deployments.tests.fixtures import People, Places
from deployments.tests.views.seen import make_pod, see, soup_of

ClientAs = Callable[[str], Client]
HX = {"HX-Request": "true", "HX-Target": "log"}


@pytest.fixture
def ranker(people: People, places: Places) -> Deployment:
    deployment = factories.make_deployment(author=people.editor, namespace=places.prod, name="ranker")
    return see(deployment, view={"pods": [make_pod("ranker-a"), make_pod("ranker-b")]})


def ask(client: Client, deployment: Deployment, **data: str) -> LogRequest:
    answer = client.post(reverse("deployment-logs", args=[deployment.slug]), data)
    assert answer.status_code == 302
    row = LogRequest.objects.latest("created_at")
    assert answer.headers["Location"] == address(row)
    return row


def address(row: LogRequest) -> str:
    return reverse("deployment-log-lines", args=[row.deployment.slug, row.pk])


def test_asking_writes_what_was_chosen(client_as: ClientAs, ranker: Deployment) -> None:
    row = ask(client_as("viewer"), ranker, pod="ranker-b", previous="on", since="300", tail="100")
    assert (row.pod, row.previous, row.since_s, row.tail) == ("ranker-b", True, 300, 100)


@pytest.mark.parametrize("pod", ["kube-apiserver", "../../secrets", "ranker-a\x00", "x" * 5000])
def test_only_pods_that_were_seen_reach_a_worker(client_as: ClientAs, ranker: Deployment, pod: str) -> None:
    row = ask(client_as("viewer"), ranker, pod=pod, container=pod, since="1; rm", tail="9" * 400)
    assert (row.pod, row.container, row.since_s, row.tail) == ("", "", 3600, 500)


def test_looking_writes_nothing(client_as: ClientAs, ranker: Deployment) -> None:
    client = client_as("viewer")
    page = soup_of(client.get(reverse("deployment-logs", args=[ranker.slug]) + "?pod=ranker-b&previous=on"))
    chosen = page.select_one("select[name=pod] option[selected]")
    assert chosen is not None
    assert chosen["value"] == "ranker-b"
    assert not LogRequest.objects.exists()


def test_it_polls_while_it_waits_and_then_shows_the_lines(client_as: ClientAs, ranker: Deployment) -> None:
    client = client_as("viewer")
    row = ask(client, ranker)
    waiting = soup_of(client.get(address(row), headers=HX)).select_one("#log")
    assert waiting is not None
    assert waiting["hx-trigger"] == "every 1s"
    hostile = "</pre><script>alert(1)</script>"
    LogRequest.objects.filter(pk=row.pk).update(
        answer="done",
        answered_at=now(),
        lines=[[now().isoformat(), "ranker-a", "model", "ready"], ["", "ranker-b", "model", hostile]],
        problems=[["ranker-c", "the container has not started"]],
    )
    for headers in ({}, HX):
        answer = client.get(address(row), headers=headers)
        log = soup_of(answer).select_one("#log")
        assert log is not None
        assert "hx-trigger" not in log.attrs
        assert hostile in log.select_one("#log-lines").text  # type: ignore[union-attr]
        assert "ranker-c: the container has not started" in log.text
        assert hostile not in answer.content.decode()


def test_only_the_one_who_asked_may_read(client_as: ClientAs, ranker: Deployment) -> None:
    row = ask(client_as("viewer"), ranker)
    for other in ("editor", "platform", "stranger"):
        assert client_as(other).get(address(row)).status_code == 404


def test_the_right_to_read_is_checked_at_every_poll(client_as: ClientAs, people: People, ranker: Deployment) -> None:
    client = client_as("viewer")
    row = ask(client, ranker)
    assert client.get(address(row), headers=HX).status_code == 200
    people_actions.remove(member=Membership.objects.get(user=people.viewer), by=factories.BY)
    assert client.get(address(row), headers=HX).status_code == 404


def test_a_request_of_another_deployment(
    client_as: ClientAs, people: People, places: Places, ranker: Deployment
) -> None:
    row = ask(client_as("viewer"), ranker)
    other = factories.make_deployment(author=people.editor, namespace=places.dev)
    foreign = reverse("deployment-log-lines", args=[other.slug, row.pk])
    assert client_as("viewer").get(foreign).status_code == 404


def test_it_gives_up_in_words(client_as: ClientAs, ranker: Deployment) -> None:
    client = client_as("viewer")
    row = ask(client, ranker)
    LogRequest.objects.filter(pk=row.pk).update(created_at=now() - timedelta(minutes=6))
    log = soup_of(client.get(address(row), headers=HX)).select_one("#log")
    assert log is not None
    assert "hx-trigger" not in log.attrs
    assert "No worker answered" in log.text


def test_strangers_cannot_ask(client_as: ClientAs, ranker: Deployment) -> None:
    answer = client_as("stranger").post(reverse("deployment-logs", args=[ranker.slug]))
    assert answer.status_code == 404
    assert not LogRequest.objects.exists()
