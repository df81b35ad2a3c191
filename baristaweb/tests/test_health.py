"""Health, readiness, metrics."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import OperationalError, connection
from django.test import Client

from baristaweb.checks import role_problems
from deployments.actions import deployments as actions
from deployments.tests import factories
from deployments.tests.fixtures import People, Places

METRICS = {"authorization": "Bearer tests-only-metrics-token"}


def test_the_process_answers_without_a_database(client: Client) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}


def test_ready_only_with_a_database(client: Client, db: None, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    assert client.get("/readyz").status_code == 200

    def away(*args: object) -> None:
        raise OperationalError("gone")

    with monkeypatch.context() as patch:
        patch.setattr(connection, "cursor", away)
        answer = client.get("/readyz")
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")


def test_metrics_need_the_token(client: Client, db: None) -> None:
    assert client.get("/metrics").status_code == 403
    assert client.get("/metrics", headers={"authorization": "Bearer wrong"}).status_code == 403
    assert client.get("/metrics", headers=METRICS).status_code == 200


PROBES = ["/healthz", "/readyz", "/metrics"]


@pytest.mark.parametrize("path", PROBES)
@pytest.mark.parametrize("host", ["10.4.0.7:8000", "[fd00::7]:8000", "evil.example", "a b", ""])
def test_machines_ask_by_any_address(client: Client, db: None, path: str, host: str) -> None:
    assert client.get("/login/", headers={"host": host or "x"}).status_code == 400
    assert client.get(path, headers=METRICS | {"host": host}).status_code == 200


def test_machines_are_not_sent_to_https(client: Client, db: None, settings) -> None:  # type: ignore[no-untyped-def]
    settings.SECURE_SSL_REDIRECT = True
    assert client.get("/login/").status_code == 301
    assert [client.get(path, headers=METRICS).status_code for path in PROBES] == [200] * 3
    assert client.post("/healthz").status_code == 405


def test_invented_methods_are_one_label(client: Client, db: None) -> None:
    before = client.get("/metrics", headers=METRICS).content.count(b"\n")
    for number in range(60):
        client.generic(f"BREW{number}", "/login/")
    text = client.get("/metrics", headers=METRICS).content.decode()
    assert "BREW" not in text
    assert 'method="other"' in text
    assert text.count("\n") - before < 60


COUNT = """
import os, baristaweb.serving
from prometheus_client import Counter
asked = Counter("asked", "by each process")
for _ in range(3):
    if not (child := os.fork()):
        asked.inc()
        os._exit(0)
    os.waitpid(child, 0)
import django
django.setup()
from baristaweb.health import _requests
print(_requests().decode())
baristaweb.serving.on_exit(None)
print(os.path.exists(os.environ["PROMETHEUS_MULTIPROC_DIR"]))
"""


def test_metrics_are_those_of_all_processes() -> None:
    environ = {name: value for name, value in os.environ.items() if name != "PROMETHEUS_MULTIPROC_DIR"}
    environ["DJANGO_SETTINGS_MODULE"] = "baristaweb.tests.settings"
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", COUNT], env=environ, cwd=root, capture_output=True, text=True)
    assert "asked_total 3.0" in done.stdout, done.stderr
    assert done.stdout.splitlines()[-1] == "False"


@pytest.mark.django_db(databases=["default", "owner"])
def test_the_database_itself_is_asked_about_the_role() -> None:
    assert role_problems("default") == []
    assert [problem.id for problem in role_problems("owner")] == ["barista.E008"]


def test_metrics_tell_the_lag(client: Client, people: People, places: Places) -> None:
    factories.make_deployment(author=people.editor, namespace=places.dev)
    text = client.get("/metrics", headers=METRICS).content.decode()
    assert "barista_pending_deployments 1.0" in text
    assert 'barista_cluster_reachable{cluster="demo"} 0.0' in text


def test_what_is_paused_is_not_behind(client: Client, people: People, places: Places) -> None:
    deployment = factories.make_deployment(author=people.editor, namespace=places.dev)
    actions.pause(deployment=deployment, by=factories.BY, until=None, note="over the weekend")
    text = client.get("/metrics", headers=METRICS).content.decode()
    assert "barista_pending_deployments 0.0" in text
    assert "barista_oldest_pending_seconds 0.0" in text


def test_a_database_that_goes_away_is_503(client_as: Callable[[str], Client], monkeypatch) -> None:  # type: ignore[no-untyped-def]
    client = client_as("editor")

    def away(*args: object, **kwargs: object) -> None:
        raise OperationalError("server closed the connection")

    monkeypatch.setattr("deployments.views.people.render", away)
    answer = client.get("/profile/")
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert "Nothing was lost" in answer.content.decode()
