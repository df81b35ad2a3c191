"""What pages cost on the way: compressed, and not sent again while nothing is new."""

from __future__ import annotations

import gzip
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.http import HttpResponse
from django.template import Context, Template
from django.test import Client, RequestFactory
from django.urls import resolve, reverse

from baristaweb.shell.compression import CompressionMiddleware
from baristaweb.shell.polls import HEARD, validator
from deployments.models import Deployment, Observation
from deployments.tests import factories
from deployments.tests.fixtures import People, Places

PACKED = {"Accept-Encoding": "gzip"}
AT = datetime(2026, 11, 20, 12, tzinfo=UTC)


def drawn(text: str, **context: object) -> bytes:
    return Template(text).render(Context(context)).encode()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('<input type="hidden" name="csrfmiddlewaretoken" value="abc">', "abc|xyz"),
        ('<time datetime="2026" title="then" data-ago>4 s ago</time>', "4 s|1 min"),
        ('<time datetime="2026" title="then" data-ago data-heard="status">4 s ago</time>', "2026|2027"),
    ],
)
def test_tokens_and_ages_are_nothing_new(one: str, other: str) -> None:
    old, new = other.split("|")
    assert one.replace(old, new) != one
    assert validator(one.encode()) == validator(one.replace(old, new).encode())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("<p>1 of 2 ready</p>", "1|2"),
        ('<time datetime="2026" title="then" data-ago>4 s ago</time>', "2026|2027"),
        ('<input name="other" value="abc">', "abc|xyz"),
        ('<time datetime="2026" title="then" data-ago data-heard="a">4 s ago</time>', '"a"|"b"'),
    ],
)
def test_everything_else_is_new(one: str, other: str) -> None:
    old, new = other.split("|")
    assert validator(one.encode()) != validator(one.replace(old, new, 1).encode())


def test_the_tag_is_as_the_validator_expects_it() -> None:
    tag = '{% heard moment "cluster" 7 %}'
    assert validator(drawn(tag, moment=AT)) == validator(drawn(tag, moment=AT + timedelta(hours=1)))


@pytest.fixture
def deployment(people: People, places: Places) -> Deployment:
    return factories.make_deployment(author=people.maintainer, namespace=places.dev)


def poll(client: Client, deployment: Deployment, tag: str = "") -> HttpResponse:
    headers = {"HX-Request": "true", "HX-Target": "status"} | ({"If-None-Match": tag} if tag else {})
    return client.get(reverse("deployment-status", args=[deployment.slug]), headers=headers)  # type: ignore[return-value]


def test_a_poll_with_nothing_new_is_answered_without_a_body(
    deployment: Deployment, client_as: Callable[[str], Client]
) -> None:
    client = client_as("platform")
    first = poll(client, deployment)
    again = poll(client, deployment, first.headers["ETag"])
    assert (again.status_code, again.content) == (304, b"")
    assert "no-store" in again.headers["Cache-Control"]


def test_a_poll_with_news_is_answered_in_full(deployment: Deployment, client_as: Callable[[str], Client]) -> None:
    client = client_as("platform")
    first = poll(client, deployment)
    Deployment.objects.filter(pk=deployment.pk).update(paused_at=AT, paused_by="mara", paused_reason="a freeze")
    again = poll(client, deployment, first.headers["ETag"])
    assert again.status_code == 200
    assert b"a freeze" in again.content


def test_a_quiet_poll_tells_when_the_cluster_was_heard(
    deployment: Deployment, client_as: Callable[[str], Client]
) -> None:
    client = client_as("platform")
    Observation.objects.filter(deployment=deployment).update(observed_at=AT)
    first = poll(client, deployment)
    Observation.objects.filter(deployment=deployment).update(observed_at=AT + timedelta(seconds=20))
    again = poll(client, deployment, first.headers["ETag"])
    assert again.status_code == 304
    assert again.headers[HEARD] == f"status={(AT + timedelta(seconds=20)).isoformat()}"


def test_a_whole_page_has_no_validator(client_as: Callable[[str], Client], db: None) -> None:
    assert "ETag" not in client_as("platform").get(reverse("home")).headers


def test_pages_are_compressed(client_as: Callable[[str], Client], db: None) -> None:
    client = client_as("platform")
    answer = client.get(reverse("fleet"), headers=PACKED)
    assert answer.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(answer.content).startswith(b"<!doctype html>")
    assert len(answer.content) * 3 < len(client.get(reverse("fleet")).content)


@pytest.mark.parametrize(("query", "packed"), [("", True), ("q=", True), ("q=secret", False)])
def test_a_search_through_logs_is_not_compressed(query: str, packed: bool) -> None:
    url = reverse("deployment-log-lines", args=["demo.search-dev.ranker", uuid.uuid4()])
    request = RequestFactory(headers=PACKED).get(f"{url}?{query}")
    request.resolver_match = resolve(url)
    answer = CompressionMiddleware(lambda _: HttpResponse("x" * 1000))(request)
    assert ("Content-Encoding" in answer.headers) == packed


def test_only_the_login_may_be_kept_for_the_back_button(client_as: Callable[[str], Client], db: None) -> None:
    assert "no-store" not in Client(headers={"host": "localhost"}).get(reverse("login")).headers["Cache-Control"]
    assert "no-store" in client_as("viewer").get(reverse("home")).headers["Cache-Control"]
