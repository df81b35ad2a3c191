"""Changes that CI tells of with a token: what it may, what it may not, and that nothing keeps the token."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from baristaweb.lib.clock import now
from deployments.models import AuditEvent, Deployment
from deployments.tests import factories
from deployments.tests.factories import BY
from deployments.tests.fixtures import People, Places
from observability.actions import change_tokens
from observability.models import ChangeEvent, ChangeToken
from observability.queries import change_tokens as queries

pytestmark = pytest.mark.django_db


@pytest.fixture
def ranker(people: People, places: Places) -> Deployment:
    return factories.make_deployment(author=people.editor, namespace=places.dev, name="ranker")


@pytest.fixture
def token(people: People) -> ChangeToken:
    return change_tokens.create(row=ChangeToken(name="search CI", team=people.team), by=BY, note="a test")


def post(deployment: Deployment | str, token: ChangeToken | str, **fields: Any) -> Any:
    slug = deployment if isinstance(deployment, str) else deployment.slug
    shown = token if isinstance(token, str) else token.shown
    url = reverse("deployment-change-post", args=[slug])
    headers = {"Authorization": f"Bearer {shown}"}
    return Client().post(url, json.dumps(fields), content_type="application/json", headers=headers)


def test_a_change_is_told_once_however_often_it_is_posted(ranker: Deployment, token: ChangeToken) -> None:
    told = {"title": "Catalogue 812", "kind": "upstream", "occurred_at": "2026-11-20T10:00:00+01:00"}
    answers = [post(ranker, token, **told) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 200]
    [event] = ChangeEvent.objects.filter(deployment=ranker)
    assert (event.title, event.kind, event.posted_by) == ("Catalogue 812", "upstream", "search CI")
    assert event.occurred_at.isoformat() == answers[0].json()["occurred_at"] == "2026-11-20T09:00:00+00:00"
    audited = AuditEvent.objects.get(kind="changeevent.posted")
    assert (audited.actor_name, audited.via, audited.deployment_id) == ("search CI", "api", ranker.pk)


def test_fields_of_a_form_do_as_well_and_without_a_time_it_is_now(ranker: Deployment, token: ChangeToken) -> None:
    url = reverse("deployment-change-post", args=[ranker.slug])
    answer = Client().post(url, {"title": "Sale begins"}, headers={"Authorization": f"Bearer {token.shown}"})
    assert answer.status_code == 201
    assert abs(ChangeEvent.objects.get().occurred_at - now()) < timedelta(minutes=1)


def test_without_a_valid_token_nothing_is_told(ranker: Deployment, token: ChangeToken) -> None:
    expired = ChangeToken(name="old", team=token.team, expires_at=now() - timedelta(days=1))
    change_tokens.create(row=expired, by=BY, note="a test")
    for wrong in ("", "nonsense", token.digest, expired.shown):
        assert post(ranker, wrong, title="x").status_code == 401
    assert not ChangeEvent.objects.exists()


def test_a_token_is_of_one_team(ranker: Deployment, people: People) -> None:
    other = change_tokens.create(row=ChangeToken(name="their CI", team=people.other_team), by=BY, note="a test")
    answers = [post(slug, other, title="x") for slug in (ranker, "dev-no-such")]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].json() == answers[1].json()


def test_what_is_no_change_is_refused_in_words(ranker: Deployment, token: ChangeToken) -> None:
    answer = post(ranker, token, title="")
    assert (answer.status_code, list(answer.json()["errors"])) == (422, ["title"])
    answer = post(ranker, token, title="x", occurred_at="2999-01-01")
    assert (answer.status_code, list(answer.json()["errors"])) == (422, ["occurred_at"])
    assert post(ranker, token, title=["x"]).status_code == 400
    assert post(ranker, token, title="\ud800").status_code == 400
    assert post(ranker, token, title="a\0b").status_code == 422
    assert not ChangeEvent.objects.exists()


def test_a_token_that_tells_too_much_waits(
    ranker: Deployment, token: ChangeToken, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "AN_HOUR", 2)
    answers = [post(ranker, token, title=f"change {number}") for number in range(3)]
    assert [answer.status_code for answer in answers] == [201, 201, 429]
    assert answers[2].headers["Retry-After"] == "600"
    assert ChangeEvent.objects.count() == 2


def test_the_admin_shows_a_token_once_and_keeps_none_of_it(people: People, ranker: Deployment, client: Client) -> None:
    client.force_login(people.platform)
    fields = {"name": "search CI", "team": people.team.pk, "reason": "releases are told"}
    made = client.post(reverse("admin:observability_changetoken_add"), fields)
    shown = made.context["row"].shown
    assert shown in made.content.decode()
    assert "no-store" in made.headers["Cache-Control"]
    assert post(ranker, shown, title="x").status_code == 201
    row = ChangeToken.objects.get()
    assert shown not in str(row.__dict__)
    page = client.get(reverse("admin:observability_changetoken_change", args=[row.pk])).content.decode()
    assert shown not in page
    assert row.digest not in page
    event = AuditEvent.objects.get(kind="changetoken.created")
    assert event.note == "releases are told"
    assert shown not in str(event.changes)
    assert row.digest not in str(event.changes)
    again = client.post(reverse("admin:observability_changetoken_add"), fields)
    assert again.status_code in (200, 302)
    assert ChangeToken.objects.count() == 1


def test_a_deleted_token_is_worth_nothing(
    people: People, ranker: Deployment, token: ChangeToken, client: Client
) -> None:
    client.force_login(people.platform)
    client.post(reverse("admin:observability_changetoken_delete", args=[token.pk]), {"post": "yes", "reason": "leaked"})
    assert post(ranker, token, title="x").status_code == 401
    assert AuditEvent.objects.filter(kind="changetoken.deleted", note="leaked").exists()
