"""The admin's addresses ask for what its lists offer, and for nothing else."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from deployments.admin.site import PAGES
from deployments.forms.admin.cluster import NamespaceForm
from deployments.tests.fixtures import People, Places

pytestmark = pytest.mark.django_db
ClientAs = Callable[[str], Client]


@pytest.mark.parametrize(
    "query",
    [
        "password__startswith=argon2", "password__regex=^a", "password=x", "last_login__gt=2020-01-01",
        "memberships__user__password__startswith=a", "email__startswith=a", "is_active__exact=1&password__gt=a",
    ],
)  # fmt: skip
def test_a_password_hash_cannot_be_asked_for(client_as: ClientAs, people: People, query: str) -> None:
    assert client_as("platform").get(f"/admin/deployments/user/?{query}").status_code == 400


@pytest.mark.parametrize(
    "path",
    ["team/?members__password__startswith=a", "team/?memberships__user__password__startswith=a",
     "servedmodel/?team__members__password__startswith=a", "auditevent/?note__startswith=a"],
)  # fmt: skip
def test_nor_through_other_tables(client_as: ClientAs, people: People, path: str) -> None:
    assert client_as("platform").get(f"/admin/deployments/{path}").status_code == 400


def test_what_the_lists_offer_still_filters(client_as: ClientAs, people: People, places: Places) -> None:
    admin = client_as("platform")
    for query in ("is_active__exact=1", "is_auditor__exact=0", "q=edit", f"id__exact={people.editor.pk}"):
        assert admin.get(f"/admin/deployments/user/?{query}").status_code == 200, query
    for model, page in PAGES:
        for item in page.list_filter:
            name = str(item[0] if isinstance(item, tuple) else item)
            field = model._meta.get_field(name)
            query = f"{name}__id__exact=1" if field.is_relation else f"{name}__exact=1"
            assert admin.get(f"/admin/deployments/{model._meta.model_name}/?{query}").status_code in {200, 302}, query


@pytest.mark.parametrize(
    "name",
    ["istio-system", "cert-manager", "kube-system", "kube-anything", "gke-managed-system", "gke-x", "gmp-public",
     "barista-system", "barista-x", "knative-serving", "monitoring-system", "default", "argocd"],
)  # fmt: skip
def test_namespaces_that_run_the_cluster_are_refused(places: Places, name: str) -> None:
    form = NamespaceForm(
        {"cluster": places.dev.cluster_id, "name": name, "environment": "dev", "team": places.dev.team_id}
    )
    assert "runs the cluster itself" in str(form.errors["name"])
    fits = NamespaceForm(
        {
            "cluster": places.dev.cluster_id,
            "name": f"team-{name}"[:20].rstrip("-") + "-a",
            "environment": "dev",
            "team": places.dev.team_id,
        }
    )
    assert "name" not in fits.errors
