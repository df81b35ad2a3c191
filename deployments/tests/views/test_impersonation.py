"""A name that a person chose does not pass for somebody else's."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from deployments.actions import audit_reviews
from deployments.actions import people as accounts
from deployments.audit import Actor
from deployments.domain.roles import Role
from deployments.models import AuditEvent, AuditReview, User
from deployments.tests import factories
from deployments.tests.fixtures import People, Places

pytestmark = pytest.mark.django_db
ClientAs = Callable[[str], Client]
BOSS = "Pat Boss"


def call_oneself(client: Client, name: str) -> int:
    return client.post(reverse("profile"), {"display_name": name, "email": ""}).status_code


@pytest.mark.parametrize(
    "character",
    [*"\u202e\u200b\u200d\u2066\u00ad\ufeff\u3164\u115f\u2800\ufe0f\u2028", "\U000e0041", "\x1b", "\u180e"],
    ids=ascii,
)
def test_a_name_with_unseen_characters_is_refused(client_as: ClientAs, people: People, character: str) -> None:
    assert call_oneself(client_as("editor"), f"Pat{character}Boss") == 422
    people.editor.refresh_from_db()
    assert people.editor.display_name == ""


def test_names_of_people_stay_as_they_are_written(client_as: ClientAs, people: People) -> None:
    for name in ("Łukasz Żółć", "Nguyễn Văn A", "山田 太郎", "محمد علي", "O'Neil-Smith"):
        assert call_oneself(client_as("editor"), name) == 302
        people.editor.refresh_from_db()
        assert people.editor.display_name == name


def test_audit_pages_and_csv_tell_two_of_the_same_name_apart(client_as: ClientAs, people: People) -> None:
    for who in ("maintainer", "editor"):
        assert call_oneself(client_as(who), BOSS) == 302
        client_as(who).post(reverse("profile"), {"display_name": BOSS, "email": f"{who}@example.com"})
    events = AuditEvent.objects.filter(kind="user.changed", actor_name=BOSS)
    assert {(event.actor_username, event.actor_id) for event in events} == {
        ("maintainer", people.maintainer.pk), ("editor", people.editor.pk),
    }  # fmt: skip
    page = client_as("auditor").get(reverse("audit")).content.decode()
    assert f"{BOSS} (maintainer)" in page
    assert f"{BOSS} (editor)" in page
    answer = client_as("auditor").get(reverse("audit-export"))
    rows = list(csv.DictReader(io.StringIO(b"".join(answer).decode())))
    mine = {(row["username"], row["user id"]) for row in rows if row["who"] == BOSS}
    assert mine == {("maintainer", str(people.maintainer.pk)), ("editor", str(people.editor.pk))}
    shown = client_as("auditor").get(reverse("audit") + "?actor=maintainer").context["days"]
    assert {line.event.actor_username for _, lines in shown for line in lines} == {"maintainer"}


def test_revisions_sign_offs_and_roles_name_the_user(people: People, places: Places) -> None:
    User.objects.filter(pk=people.editor.pk).update(display_name=BOSS)
    editor = User.objects.get(pk=people.editor.pk)
    deployment = factories.make_deployment(author=editor, namespace=places.dev)
    assert deployment.current is not None
    assert deployment.current.author_name == f"{BOSS} (editor)"
    audit_reviews.sign_off(
        events=AuditEvent.objects.filter(actor_id=None)[:1], by=Actor.as_user(editor), verdict=AuditReview.Finding.FINE
    )
    assert AuditReview.objects.get().reviewer_name == f"{BOSS} (editor)"
    accounts.set_role(team=people.team, user=editor, role=Role.MAINTAINER, by=factories.BY)
    assert AuditEvent.objects.filter(kind="member.changed")[0].facts["user"] == f"{BOSS} (editor)"


def test_the_longest_name_cannot_push_the_user_name_out() -> None:
    user = User(username="mallory", display_name="Pat Boss (pat)" + " " * 92 + "x" * 14)
    assert str(user).endswith(" (mallory)")
    assert len(str(user)) <= 120


def test_a_name_of_before_that_turned_text_round_is_shown_without(people: People) -> None:
    assert str(User(username="mallory", display_name="Pat\u202e")) == "Pat (mallory)"
    event = AuditEvent(actor_name="Pat\u202e", actor_id=7)
    assert event.who == "Pat (user 7)"
