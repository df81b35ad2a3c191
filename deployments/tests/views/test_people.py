"""Teams, members, profile and password."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from deployments.models import AuditEvent, Membership
from deployments.tests.factories import PASSWORD
from deployments.tests.fixtures import People

ClientAs = Callable[[str], Client]


def test_a_maintainer_adds_changes_and_removes(client_as: ClientAs, people: People) -> None:
    client = client_as("maintainer")
    page = reverse("team", args=["search"])
    assert client.post(page, {"username": "stranger", "role": "viewer"}).status_code == 302
    member = Membership.objects.get(user=people.stranger, team=people.team)
    client.post(reverse("member-role", args=["search", member.pk]), {"role": "editor"})
    member.refresh_from_db()
    assert member.role == "editor"
    event = AuditEvent.objects.first()
    assert (event.kind, event.team_name, event.changes[0]["before"]) == ("member.changed", "Search", "Viewer")
    client.post(reverse("member-remove", args=["search", member.pk]))
    assert not Membership.objects.filter(pk=member.pk).exists()
    assert AuditEvent.objects.first().kind == "member.removed"


def test_an_unknown_user_is_named(client_as: ClientAs) -> None:
    answer = client_as("maintainer").post(reverse("team", args=["search"]), {"username": "nobody", "role": "viewer"})
    assert answer.status_code == 422
    assert "There is no user nobody" in answer.content.decode()


@pytest.mark.parametrize("path", ["member-role", "member-remove"])
def test_the_last_maintainer_stays(path: str, client_as: ClientAs, people: People) -> None:
    member = Membership.objects.get(user=people.maintainer, team=people.team)
    answer = client_as("platform").post(reverse(path, args=["search", member.pk]), {"role": "viewer"}, follow=True)
    assert "last maintainer" in answer.content.decode()
    member.refresh_from_db()
    assert member.role == "maintainer"


def test_an_editor_may_not_and_the_attempt_is_recorded(client_as: ClientAs, people: People) -> None:
    answer = client_as("editor").post(reverse("team", args=["search"]), {"username": "stranger", "role": "viewer"})
    assert answer.status_code == 403
    assert "Maintainer" in answer.content.decode()
    event = AuditEvent.objects.first()
    assert (event.kind, event.was_allowed, event.actor_name) == ("permission.refused", False, "editor")


def test_profile_and_password(client_as: ClientAs, people: People) -> None:
    client = client_as("editor")
    client.post(reverse("profile"), {"display_name": "Edith", "email": "edith@example.com"})
    people.editor.refresh_from_db()
    assert str(people.editor) == "Edith (editor)"
    wrong = client.post(reverse("password"), {"present": "no", "new": "short", "again": "other"})
    assert wrong.status_code == 422
    assert "not your present password" in wrong.content.decode()
    new = "a much longer sentence"
    client.post(reverse("password"), {"present": PASSWORD, "new": new, "again": new})
    people.editor.refresh_from_db()
    assert people.editor.check_password(new)
    assert client.get(reverse("profile")).status_code == 200


def test_a_stranger_sees_no_team(client_as: ClientAs) -> None:
    assert client_as("stranger").get(reverse("team", args=["search"])).status_code == 404
    assert "Search" not in client_as("stranger").get(reverse("teams")).content.decode()
