"""Views of the fleet that people keep: named, shown as tabs to their owner, deleted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.http import QueryDict
from django.test import Client
from django.urls import reverse

from deployments.actions import saved_views as actions
from deployments.actions.errors import Refused
from deployments.models import AuditEvent, SavedView
from deployments.queries.fleet import COST_SORTS, SORTS, USE_SORTS, Filters
from deployments.tests import factories
from deployments.tests.fixtures import People, Places
from deployments.tests.views.helpers import body
from deployments.views.fleet import SORT_WORDS, filters_of, query_of

ClientAs = Callable[[str], Client]
QUERY = "view=prod&state=crash-looping&sort=name"


def save(client: Client, name: str, query: str = QUERY) -> Any:
    return client.post(reverse("fleet-views"), {"name": name, "query": query})


def tabs(client: Client, query: str = "") -> str:
    text = body(client.get(f"{reverse('fleet')}?{query}"))
    return text[text.index('<nav class="tabs"') : text.index("</nav>", text.index('<nav class="tabs"'))]


def test_filters_become_a_tab_of_their_owner(client_as: ClientAs, people: People, places: Places) -> None:
    factories.make_deployment(author=people.editor, namespace=places.dev)
    client = client_as("viewer")
    assert "Save this view" not in tabs(client), "the whole fleet is no view of one's own"
    assert f'href="/fleet/views/?{QUERY.replace("&", "&amp;")}"' in tabs(client, f"{QUERY}&page=3&other=1")
    page = client.get(f"{reverse('fleet-views')}?{QUERY}")
    assert "Prod, Crash-looping, by name" in body(page)
    assert "by name" in body(page)
    answer = save(client, "  Broken in prod ")
    assert answer["Location"] == f"/fleet/?{QUERY}"
    view = SavedView.objects.get()
    assert (view.user, view.name, view.query) == (people.viewer, "Broken in prod", QUERY)
    shown = tabs(client, QUERY)
    assert f'id="saved-{view.pk}" href="/fleet/?{QUERY.replace("&", "&amp;")}" aria-current="page"' in shown
    assert shown.count("aria-current") == 1
    assert "Save this view" not in shown
    assert "Broken in prod" not in tabs(client_as("editor"))


def test_a_filtered_list_brings_the_link_along(client_as: ClientAs, people: People, places: Places) -> None:
    factories.make_deployment(author=people.editor, namespace=places.dev)
    answer = client_as("viewer").get(
        reverse("fleet"), {"q": "ranker"}, headers={"HX-Request": "true", "HX-Target": "fleet-rows"}
    )
    assert 'href="/fleet/views/?q=ranker"' in body(answer)


@pytest.mark.parametrize(
    ("name", "query", "says"),
    [
        ("", QUERY, "Give the view a name."),
        ("x" * 41, QUERY, "at most 40 fit"),
        ("a\u202eb", QUERY, "Remove it and try again"),
        ("All", "", "Choose a filter first"),
        ("All", "page=2&state=", "Choose a filter first"),
        ("Mine", QUERY, "You have a view Mine already"),
        ("Other", "environment=dev", "You keep these filters already, as Mine."),
        ("Long", "&".join(f"{name}={'%C3%A9' * 100}" for name in ("q", "team", "cluster")), "too long to keep"),
    ],
)
def test_what_cannot_be_kept_is_said_and_the_name_stays(
    client_as: ClientAs, people: People, name: str, query: str, says: str
) -> None:
    actions.save(by=people.viewer, name="Mine", query="environment=dev")
    answer = save(client_as("viewer"), name, query)
    assert answer.status_code == 422
    assert says in body(answer)
    assert f'name="name" value="{name}"' in body(answer)
    assert SavedView.objects.count() == 1


def test_two_people_may_use_the_same_name(people: People) -> None:
    for user in (people.viewer, people.editor):
        actions.save(by=user, name="Mine", query=QUERY)
    assert SavedView.objects.count() == 2


def test_there_are_at_most_twenty(people: People) -> None:
    for number in range(actions.MOST):
        actions.save(by=people.viewer, name=f"view {number}", query=f"q={number}")
    with pytest.raises(Refused, match="Delete one first"):
        actions.save(by=people.viewer, name="one more", query=QUERY)
    assert people.viewer.saved_views.count() == 20


def test_only_the_owner_deletes(client_as: ClientAs, people: People) -> None:
    view = actions.save(by=people.viewer, name="Mine", query=QUERY)
    url = reverse("fleet-view-delete", args=[view.pk])
    before = AuditEvent.objects.count()
    assert client_as("viewer").get(url).status_code == 405
    assert client_as("platform").post(url).status_code == 404
    assert SavedView.objects.exists()
    answer = client_as("viewer").post(url, follow=True)
    assert "Mine is deleted." in body(answer)
    assert "None yet." in body(answer)
    assert not SavedView.objects.exists()
    assert AuditEvent.objects.count() == before, "what a person keeps for itself is nobody's intent"


@pytest.mark.parametrize("query", ["", "sort=state", "view=prod", "q=a+b&team=search&sort=-changed"])
def test_a_query_has_one_spelling(query: str) -> None:
    filters = filters_of(QueryDict(query))
    assert filters_of(QueryDict(query_of(filters))) == filters
    assert query_of(Filters()) == ""


def test_every_order_has_words() -> None:
    assert SORT_WORDS.keys() == SORTS.keys() | USE_SORTS.keys() | set(COST_SORTS)
