"""The real API server by name: Google's calls are a server on loopback, everything behind the address is real."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import LazySettings

from deployments import clouds
from deployments.kube.api import ObjectKind
from deployments.kube.connect import connect
from deployments.kube.gke import reach
from deployments.kube.gke.tokens import Tokens
from deployments.tests import factories
from deployments.tests.cluster.conftest import Eyes
from deployments.tests.fixtures import People
from deployments.tests.kube.gke.google import PATH, Google, cluster, encoded, google

__all__ = ["google"]
pytestmark = [pytest.mark.cluster, pytest.mark.django_db]


def test_a_cluster_by_name_is_reached_and_its_rights_are_told(
    google: Google, people: People, eyes: Eyes, barista_kubeconfig: str, monkeypatch: pytest.MonkeyPatch,
    settings: LazySettings,
) -> None:  # fmt: skip
    config = yaml.safe_load(Path(barista_kubeconfig).read_text())
    server, token = config["clusters"][0]["cluster"], config["users"][0]["user"]["token"]

    class Given:
        service_account_email = "barista@acme-models.iam.gserviceaccount.com"
        expiry = None

        def __init__(self) -> None:
            self.token = token

        def refresh(self, request: object) -> None:
            return None

    source = Tokens("", lambda account: Given())
    for module in (clouds, reach):
        monkeypatch.setattr(module, "tokens_of", lambda account="": source)
    monkeypatch.setattr(reach, "_reaches", {})
    settings.BARISTA = dataclasses.replace(settings.BARISTA, gke_endpoint=google.url)
    authority = Path(server["certificate-authority"]) if "certificate-authority" in server else None
    ca = {"clusterCaCertificate": encoded(authority.read_text()) if authority else server["certificate-authority-data"]}
    google.answers[PATH] = cluster(endpoint=server["server"].removeprefix("https://"), masterAuth=ca)
    place = {"project": "acme-models", "location": "europe-west4", "cloud_name": "serving"}
    row = factories.make_cluster("by-name", access="gke", provider="gke", **place)
    factories.make_namespace(cluster=row, team=people.team, name=eyes.namespace)
    factories.make_namespace(cluster=row, team=people.team, name="not-handed-over")

    assert connect(row).list_objects(ObjectKind.DEPLOYMENT, namespace=eyes.namespace).items == []
    steps: dict[str, Any] = {step["name"]: step for step in clouds.tried(row)["steps"]}
    us = "system:serviceaccount:barista-system:barista"
    assert us in steps["Control plane"]["words"]
    assert steps["Rights to read"]["outcome"] == "works"
    writing = steps["Rights to write"]
    assert (writing["outcome"], eyes.namespace in writing["words"]) == ("missing", False)
    assert "not-handed-over" in writing["words"]
    bindings = [item for item in yaml.safe_load_all(writing["yaml"]) if item["kind"] == "RoleBinding"]
    given = [(item["metadata"]["namespace"], item["subjects"][0]["name"]) for item in bindings]
    assert given == [("not-handed-over", us)]
