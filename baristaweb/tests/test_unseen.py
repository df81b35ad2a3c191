"""Wherever a page shows what somebody typed, nothing in it hides or turns the text round."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from baristaweb.shell.unseen import marked
from deployments.models import Deployment
from deployments.tests import factories
from deployments.tests.fixtures import People, Places
from deployments.tests.views.helpers import body
from deployments.tests.views.seen import soup_of

TURNED = "a\u202egpj.exe"
SHOWN = "a\u27e8U+202E\u27e9gpj.exe"


@pytest.mark.parametrize(
    ("page", "shown"),
    [
        (f"<p>{TURNED}</p>", f"<p>{SHOWN}</p>"),
        (f'<a title="{TURNED}">x</a>', f'<a title="{TURNED}">x</a>'),
        (f"<textarea>{TURNED}</textarea>{TURNED}", f"<textarea>{TURNED}</textarea>{SHOWN}"),
        (f"<script>'{TURNED}'</script><b>in\u200bfo</b>", f"<script>'{TURNED}'</script><b>in\u27e8U+200B\u27e9fo</b>"),
        ("<p>\U0001f468\u200d\U0001f4bb \u2764\ufe0f</p>", "<p>\U0001f468\u200d\U0001f4bb \u2764\ufe0f</p>"),
        (f"<TEXTAREA\nname='a'>{TURNED} < </textarea >{TURNED}", f"<TEXTAREA\nname='a'>{TURNED} < </textarea >{SHOWN}"),
        (f"<textarea>{TURNED}", f"<textarea>{TURNED}"),
        (TURNED, SHOWN),
        ("", ""),
    ],
)
def test_text_is_marked_and_fields_are_not(page: str, shown: str) -> None:
    assert marked(page) == shown


@pytest.mark.django_db
def test_a_reason_and_a_description_show_what_they_hold(
    client_as: Callable[[str], Client], people: People, places: Places
) -> None:
    proposal = factories.make_proposal(
        author=people.maintainer, namespace=places.dev, spec=factories.make_spec(description=TURNED)
    )
    deployment = factories.apply(proposal, by=people.maintainer, note=TURNED).deployment
    client = client_as("editor")
    for name in ("deployment-detail", "deployment-configuration", "deployment-revisions"):
        html = body(client.get(reverse(name, args=[deployment.slug])))
        assert SHOWN in html, name
        assert TURNED not in html, name


@pytest.mark.django_db
def test_what_a_form_holds_is_sent_back_as_it_was(
    client_as: Callable[[str], Client], people: People, places: Places
) -> None:
    deployment: Deployment = factories.make_deployment(
        author=people.maintainer, namespace=places.dev, spec=factories.make_spec(description=TURNED)
    )
    page = client_as("editor").get(reverse("deployment-edit", args=[deployment.slug]))
    area = soup_of(page).select_one("textarea[name=description]")
    assert area is not None
    assert area.text.strip() == TURNED
