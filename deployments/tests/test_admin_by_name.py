"""The admin takes a cluster by name when its place can be one, and says what does not fit."""

from __future__ import annotations

import pytest

from deployments.forms.admin.cluster import ClusterForm

pytestmark = pytest.mark.django_db

GOOD = {
    "slug": "eu", "name": "EU", "access": "gke", "provider": "gke", "project": "acme-models",
    "location": "europe-west4", "cloud_name": "serving", "endpoint": "auto", "reason": "new",
}  # fmt: skip


def test_a_place_that_can_be_is_taken() -> None:
    assert ClusterForm(GOOD).is_valid()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("project", ""), ("project", "Acme"), ("location", ""), ("location", "moon"), ("cloud_name", "Serving!"),
        ("service_account", "me@example.org"), ("provider", "other"), ("endpoint", "x"), ("kubeconfig", "/etc/passwd"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_said_at_its_field(field: str, value: str) -> None:
    assert list(ClusterForm(GOOD | {field: value}).errors) == [field]


def test_nobody_is_impersonated_where_a_file_says_who_we_are(tmp_path: object) -> None:
    form = ClusterForm(
        GOOD | {"access": "in-cluster", "service_account": "a-bcdef@acme-models.iam.gserviceaccount.com"}
    )
    assert "service_account" in form.errors
