"""A cluster by name: the Container API tells where it is, google-auth whose token opens it. Both on loopback here."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.conf import LazySettings

from baristaweb.tests.tls import Authority, tls_in_front_of
from deployments.kube import connect as connecting
from deployments.kube.api import Gateway, Throttled, Unauthorized, Unreachable
from deployments.kube.gke import kept, reach
from deployments.kube.gke.tokens import Tokens
from deployments.tests.kube.gke.google import PATH, Google, cluster, encoded, google, refusal

__all__ = ["google"]


@dataclass(frozen=True)
class Row:
    access: str = "gke"
    kubeconfig: str = ""
    context: str = ""
    project: str = "acme-models"
    location: str = "europe-west4"
    slug: str = "serving"
    cloud_name: str = ""
    endpoint: str = "auto"
    service_account: str = ""


class Given:
    """Credentials that give the tokens of a list, one at each refresh."""

    service_account_email = "barista@acme-models.iam.gserviceaccount.com"
    expiry: datetime | None = None

    def __init__(self, tokens: list[str]) -> None:
        self.tokens = tokens
        self.token = ""

    def refresh(self, request: object) -> None:
        self.token = self.tokens.pop(0) if len(self.tokens) > 1 else self.tokens[0]
        self.expiry = (datetime.now(UTC) + timedelta(hours=1)).replace(tzinfo=None)


@dataclass
class Cluster:
    """The TLS server that stands for a control plane, in front of the same answers."""

    google: Google
    folder: Path
    stack: contextlib.ExitStack

    def moves(self, name: str) -> None:
        """To another address, with a certificate of another authority; the Container API knows."""
        authority = Authority.make(self.folder, name)
        port = urlsplit(self.google.url).port or 0
        tls = self.stack.enter_context(tls_in_front_of(port, authority.server(self.folder, "127.0.0.1")))
        ca = {"clusterCaCertificate": encoded(authority.file.read_text())}
        self.google.answers[PATH] = cluster(endpoint=f"127.0.0.1:{tls}", masterAuth=ca)


@pytest.fixture
def plane(google: Google, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: LazySettings) -> Iterator[Cluster]:
    settings.BARISTA = dataclasses.replace(settings.BARISTA, gke_endpoint=google.url)
    monkeypatch.setattr(connecting, "_gateways", {})
    monkeypatch.setattr(connecting, "WAIT_S", 30.0)
    monkeypatch.setattr(reach, "_reaches", {})
    monkeypatch.setattr(reach, "PAUSE_S", 0.0)
    monkeypatch.setattr(kept, "DOUBT_S", 0.0)
    monkeypatch.setattr(reach, "tokens_of", lambda account: Tokens(account, lambda _: Given(google.tokens)))
    google.answers["/version"] = {"gitVersion": "v1.36.3"}
    with contextlib.ExitStack() as stack:
        found = Cluster(google, tmp_path, stack)
        found.moves("first")
        yield found


def settle(row: Row = Row()) -> None:
    """Until what was asked in the background has come."""
    call = connecting._reach(row).found._call
    assert call is not None
    assert call.done.wait(30)


def connect(row: Row = Row()) -> Gateway:
    return connecting.connect(row)


def test_requests_carry_the_token_to_the_address_that_google_told(plane: Cluster) -> None:
    assert connect().version() == "v1.36.3"
    assert plane.google.asked == [(f"/v1/{PATH}", "token-1"), ("/version", "token-1")]


def test_the_container_api_is_asked_once_for_many_calls(plane: Cluster) -> None:
    for _ in range(5):
        connect().version()
    assert [path for path, _ in plane.google.asked].count(f"/v1/{PATH}") == 1


def test_a_refused_token_is_renewed_and_the_call_sent_again(plane: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    plane.google.tokens[:] = ["token-1", "token-2"]
    gateway = connect()
    monkeypatch.setattr(connecting._reach(Row()).tokens._kept, "_pause_s", 0.0)
    plane.google.refused.add("token-1")
    assert gateway.version() == "v1.36.3"
    assert plane.google.asked[-2:] == [("/version", "token-1"), ("/version", "token-2")]


def test_an_identity_that_is_refused_for_good_is_asked_for_twice_only(plane: Cluster) -> None:
    gateway = connect()
    plane.google.refused.add("token-1")
    with pytest.raises(Unauthorized):
        gateway.version()
    assert [path for path, _ in plane.google.asked].count("/version") == 2


def test_a_cluster_that_moved_is_found_again(plane: Cluster) -> None:
    gateway = connect()
    assert gateway.version()
    plane.stack.close()
    plane.moves("second")
    with pytest.raises(Unreachable):
        gateway.version()
    settle()
    assert connect().version() == "v1.36.3"


def test_a_certificate_of_another_authority_is_not_accepted(plane: Cluster) -> None:
    first = connect()
    stranger = Authority.make(plane.folder, "stranger")
    with tls_in_front_of(urlsplit(plane.google.url).port or 0, stranger.server(plane.folder, "127.0.0.1")) as port:
        address = plane.google.answers[PATH] | {"endpoint": f"127.0.0.1:{port}"}
        plane.google.answers[PATH] = address
        connecting.forget(Row())
        settle()
        asked = len(plane.google.asked)
        with pytest.raises(Unreachable, match="TLS"):
            connect().version()
        settle()
    assert first is not connect()
    assert all(path != "/version" for path, _ in plane.google.asked[asked:])


def test_an_old_address_serves_while_the_container_api_is_away(plane: Cluster) -> None:
    connect().version()
    plane.google.answers[PATH] = refusal(503, "away")
    connecting.forget(Row())
    settle()
    assert connect().version() == "v1.36.3"


def test_a_cluster_that_was_deleted_is_said_and_found_when_it_is_back(plane: Cluster) -> None:
    there = plane.google.answers.pop(PATH)
    with pytest.raises(Unreachable, match="no such cluster"):
        connect()
    plane.google.answers[PATH] = there
    assert connect().version() == "v1.36.3"


def test_a_cluster_deleted_while_in_use_is_not_sent_to_its_old_address(plane: Cluster) -> None:
    connect().version()
    plane.google.answers.pop(PATH)
    connecting.forget(Row())
    settle()
    with pytest.raises(Unreachable, match="no such cluster"):
        connect()


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (refusal(403, "not enabled", "SERVICE_DISABLED"), Unauthorized, "not enabled"),
        (refusal(403, 'Required "container.clusters.get"', "IAM_PERMISSION_DENIED"), Unauthorized, "clusters.get"),
        (refusal(500, "internal"), Unreachable, "error of its own: internal"),
        ((200, b"<html>"), Unreachable, "not JSON"),
        ((302, b""), Unreachable, "sends elsewhere"),
        ((200, [1]), Unreachable, "Container API"),
        ((200, {}), Unreachable, "names no cluster"),
        (cluster(endpoint="evil.example.org"), Unreachable, "no IP address"),
    ],
)
def test_what_the_container_api_refuses_is_the_gateways_error(
    plane: Cluster, answer: object, kind: type[Exception], words: str
) -> None:
    plane.google.answers[PATH] = answer
    with pytest.raises(kind, match=words):
        connect()


def test_too_many_requests_wait_as_long_as_google_says(plane: Cluster) -> None:
    plane.google.answers[PATH] = refusal(429, "Quota exceeded")
    plane.google.headers["Retry-After"] = "17"
    with pytest.raises(Throttled) as error:
        connect()
    assert error.value.retry_after_s == 17


def test_a_container_api_that_is_not_https_gets_no_token(plane: Cluster, settings: LazySettings) -> None:
    settings.BARISTA = dataclasses.replace(settings.BARISTA, gke_endpoint="http://203.0.113.9")
    with pytest.raises(Unreachable, match="must be https"):
        connect()
    assert plane.google.asked == []


def test_another_account_is_another_connection(plane: Cluster) -> None:
    assert connect() is connect()
    assert connect() is not connect(Row(service_account="deployer@acme-models.iam.gserviceaccount.com"))


def test_no_token_is_in_the_words_of_an_error(plane: Cluster) -> None:
    plane.google.answers["/version"] = refusal(403, "Bearer token-1-of-somebody is not allowed")
    with pytest.raises(Exception, match="removed") as error:
        connect().version()
    assert "token-1" not in str(error.value)
