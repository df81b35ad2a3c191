"""Questions about clusters on Google are answered by a worker, in words and with what to do. Google is on loopback."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import LazySettings

from baristaweb.tests.tls import Authority, tls_in_front_of
from deployments import clouds
from deployments.actions import clouds as actions
from deployments.kube.api import NotConfigured, Unauthorized
from deployments.kube.gke import reach
from deployments.kube.gke.tokens import Tokens
from deployments.models import CloudRequest, Cluster
from deployments.tests import factories
from deployments.tests.fixtures import People
from deployments.tests.kube.gke.google import PATH, Google, cluster, encoded, google, refusal

__all__ = ["google"]
pytestmark = pytest.mark.django_db

WHO = "barista@acme-models.iam.gserviceaccount.com"
LIST = "projects/acme-models/locations/-/clusters"


class Given:
    service_account_email = WHO
    expiry = None
    token = "token-1"

    def refresh(self, request: object) -> None:
        return None


def refuses(error: Exception) -> Any:
    def make(account: str) -> Any:
        raise error

    return make


@pytest.fixture
def world(google: Google, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: LazySettings) -> Iterator[Google]:
    """Google, and a control plane that lets us do everything."""
    settings.BARISTA = dataclasses.replace(settings.BARISTA, gke_endpoint=google.url)
    give(monkeypatch, lambda account: Given())
    authority = Authority.make(tmp_path, "plane")
    google.answers |= {
        "/readyz": {},
        "/version": {"gitVersion": "v1.36.3"},
        "/apis/authentication.k8s.io/v1/selfsubjectreviews": {"status": {"userInfo": {"username": WHO}}},
        "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews": {"status": {"allowed": True}},
        LIST: {"clusters": [cluster()]},
    }
    with contextlib.ExitStack() as stack:
        port = urlsplit(google.url).port or 0
        tls = stack.enter_context(tls_in_front_of(port, authority.server(tmp_path, "127.0.0.1")))
        ca = {"clusterCaCertificate": encoded(authority.file.read_text())}
        google.answers[PATH] = cluster(endpoint=f"127.0.0.1:{tls}", masterAuth=ca)
        yield google


def give(monkeypatch: pytest.MonkeyPatch, make: Any) -> None:
    """All sources of tokens make their credentials so."""
    made: dict[str, Tokens] = {}

    def tokens_of(account: str = "") -> Tokens:
        return made.setdefault(account, Tokens(account, make))

    monkeypatch.setattr(clouds, "tokens_of", tokens_of)
    monkeypatch.setattr(reach, "tokens_of", tokens_of)
    monkeypatch.setattr(reach, "_reaches", {})


def serving(**fields: Any) -> Cluster:
    place = {"project": "acme-models", "location": "europe-west4", "cloud_name": "serving"}
    return factories.make_cluster(access="gke", provider="gke", **place | fields)


def steps(people: People, row: Cluster) -> dict[str, dict[str, Any]]:
    """The steps of a check by name."""
    asked = actions.check(cluster=row, by=people.platform)
    clouds.answer(str(asked.pk))
    asked.refresh_from_db()
    return {step["name"]: step for step in asked.result["steps"]}


def missing(found: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The one step that something is missing for: the last that was tried."""
    (step,) = [step for step in found.values() if step["outcome"] == "missing"]
    assert step is list(found.values())[-1]
    return step


def test_the_clusters_of_a_project_are_listed(people: People, world: Google) -> None:
    world.answers[LIST]["missingZones"] = ["us-east1-b"]
    row = actions.look(project="acme-models", location="", service_account="", by=people.platform)
    clouds.answer(str(row.pk))
    row.refresh_from_db()
    (found,) = row.result["clusters"]
    assert (row.answer, found["name"], found["location"]) == ("done", "serving", "europe-west4")
    assert row.result["missing"] == ["us-east1-b"]


def test_what_a_list_lacks_is_said_with_the_command(people: People, world: Google) -> None:
    world.answers[LIST] = refusal(403, "off", "SERVICE_DISABLED")
    row = actions.look(project="acme-models", location="", service_account="", by=people.platform)
    clouds.answer(str(row.pk))
    row.refresh_from_db()
    assert row.answer == "failed"
    assert row.result["steps"][0]["commands"] == [
        "gcloud services enable container.googleapis.com --project=acme-models"
    ]


def test_a_question_is_answered_once(people: People, world: Google) -> None:
    row = actions.look(project="acme-models", location="", service_account="", by=people.platform)
    for _ in range(2):
        clouds.answer(str(row.pk))
    assert [path for path, _ in world.asked].count(f"/v1/{LIST}") == 1


def test_an_error_of_our_own_leaves_nobody_waiting(
    people: People, world: Google, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clouds, "listed", lambda row: 1 / 0)
    row = actions.look(project="acme-models", location="", service_account="", by=people.platform)
    clouds.answer(str(row.pk))
    row.refresh_from_db()
    assert (row.answer, "error of its own" in row.reason) == ("failed", True)


def test_a_connection_that_works_says_how(people: People, world: Google) -> None:
    row = serving()
    factories.make_namespace(cluster=row, team=people.team, name="search-dev")
    found = steps(people, row)
    assert {step["outcome"] for step in found.values()} == {"works"}
    assert found["Identity at Google"]["words"] == WHO
    assert WHO in found["Control plane"]["words"]
    assert "search-dev" in found["Rights to write"]["words"]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (NotConfigured("none"), "Workers have no identity that Google accepts"),
        (Unauthorized("refused"), "Workers have no identity that Google accepts"),
        (Unauthorized("no", reason="IMPERSONATION"), "Workers may not act as"),
    ],
)
def test_a_missing_identity_is_said(
    people: People, world: Google, monkeypatch: pytest.MonkeyPatch, error: Exception, words: str
) -> None:
    give(monkeypatch, refuses(error))
    step = missing(steps(people, serving(service_account=WHO)))
    assert step["name"] == "Identity at Google"
    assert words in step["words"]
    assert step["commands"]


@pytest.mark.parametrize(
    ("answer", "words", "command"),
    [
        (refusal(403, "x", "SERVICE_DISABLED"), "not enabled", "gcloud services enable"),
        (refusal(403, "x", "IAM_PERMISSION_DENIED"), "may not read", "container.clusters.get"),
        (refusal(403, "x", "CONSUMER_INVALID"), "does not exist", "gcloud projects list"),
        (refusal(404, f"Not found: {PATH}"), "There is no cluster", "gcloud container clusters list"),
    ],
)
def test_what_google_refuses_is_said_with_what_to_do(
    people: People, world: Google, answer: Any, words: str, command: str
) -> None:
    world.answers[PATH] = answer
    step = missing(steps(people, serving()))
    assert step["name"] == "Container API"
    assert words in step["words"]
    assert command in " ".join(step["commands"])


def test_an_endpoint_that_the_cluster_lacks_is_said(people: People, world: Google) -> None:
    step = missing(steps(people, serving(endpoint="dns")))
    assert (step["name"], "--enable-dns-access" in step["commands"][0]) == ("Endpoint", True)


def test_a_network_in_between_is_said_with_authorized_networks(people: People, world: Google) -> None:
    world.answers[PATH] |= {"endpoint": "127.0.0.1:1", "masterAuthorizedNetworksConfig": {"enabled": True}}
    step = missing(steps(people, serving()))
    assert step["name"] == "Control plane"
    assert "authorized networks only" in step["words"]


def test_a_control_plane_that_google_changes_is_no_fault_of_the_network(people: People, world: Google) -> None:
    world.answers[PATH] |= {"endpoint": "127.0.0.1:1", "status": "RECONCILING"}
    assert "changing the control plane (RECONCILING)" in missing(steps(people, serving()))["words"]


def test_a_control_plane_that_lets_nobody_in_by_iam_is_said(people: People, world: Google) -> None:
    world.answers["/readyz"] = refusal(403, "no")
    assert "container.clusters.connect" in missing(steps(people, serving()))["words"]


def test_missing_rights_are_printed_as_yaml_for_who_we_are_there(people: People, world: Google) -> None:
    row = serving()
    factories.make_namespace(cluster=row, team=people.team, name="search-dev")
    world.answers["/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"] = {"status": {"allowed": False}}
    found = steps(people, row)
    assert f'name: "{WHO}"' in found["Rights to read"]["yaml"]
    assert "namespace: search-dev" in found["Rights to write"]["yaml"]


def test_a_connection_by_file_is_tried_as_well(people: People) -> None:
    step = missing(steps(people, factories.make_cluster(kubeconfig="/nowhere/config")))
    assert (step["name"], "/nowhere/config" in step["words"]) == ("Credentials", True)


def test_no_token_is_in_the_row(people: People, world: Google) -> None:
    row = serving()
    steps(people, row)
    assert "token-1" not in str(CloudRequest.objects.values())
