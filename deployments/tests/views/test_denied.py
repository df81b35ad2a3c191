"""A page that is denied says which role it takes and who has it, from the table of roles."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from deployments.domain.catalogue import Environment
from deployments.domain.roles import Permission, needed_role
from deployments.models import Deployment
from deployments.tests import factories
from deployments.tests.fixtures import People, Places

ClientAs = Callable[[str], Client]


def denied(client: Client, url: str, *, post: bool = False) -> str:
    answer = client.post(url) if post else client.get(url)
    assert answer.status_code == 403
    return " ".join(answer.content.decode().split())


def test_every_permission_says_what_it_is_to_do() -> None:
    for permission in Permission:
        assert permission.label[0].isupper()
        assert permission.label.split()[0].endswith("ing")


def test_the_page_names_the_role_of_the_table_and_its_holders(
    client_as: ClientAs, people: People, places: Places
) -> None:
    deployment: Deployment = factories.make_deployment(author=people.maintainer, namespace=places.prod, name="ranker")
    page = denied(client_as("viewer"), reverse("deployment-edit", args=[deployment.slug]))
    role = needed_role(Permission.REVISION_PROPOSE, Environment.PROD)
    assert f"Editing a deployment takes the role {role.label} in {people.team}" in page
    assert "editor" in page
    page = denied(client_as("editor"), reverse("deployment-retire", args=[deployment.slug]), post=True)
    assert f"Retiring a deployment takes the role Maintainer in {people.team}" in page
    assert "This person has it: maintainer" in page


def test_a_viewer_is_told_who_creates_deployments(client_as: ClientAs, people: People, places: Places) -> None:
    page = denied(client_as("viewer"), reverse("deployment-new"))
    assert f"Creating a deployment takes the role Editor in {people.team}" in page
    assert "editor" in page
    assert "maintainer" in page


@pytest.mark.parametrize("name", ["clouds", "cost-coverage", "admin:login"])
def test_what_is_the_platform_teams_names_its_admins(client_as: ClientAs, people: People, name: str) -> None:
    page = denied(client_as("viewer"), reverse(name))
    assert "takes the role platform admin" in page
    assert f"This person has it: {people.platform}" in page
