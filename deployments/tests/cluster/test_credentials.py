"""How Barista proves who it is: a context of a kubeconfig, a credential plugin, a pod's own ServiceAccount."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from django.conf import LazySettings

from deployments.kube import plugins
from deployments.kube.api import NotConfigured, Unauthorized
from deployments.kube.client import from_kubeconfig, in_cluster

pytestmark = pytest.mark.cluster
VERSION = "client.authentication.k8s.io/v1"
Plugin = Callable[[str], str]


@pytest.fixture
def plane(barista_kubeconfig: str) -> dict[str, Any]:
    """The kubeconfig of Barista's ServiceAccount."""
    found: dict[str, Any] = yaml.safe_load(Path(barista_kubeconfig).read_text())
    return found


@pytest.fixture
def token(plane: dict[str, Any]) -> str:
    return str(plane["users"][0]["user"]["token"])


@pytest.fixture
def plugin(plane: dict[str, Any], tmp_path: Path, settings: LazySettings) -> Plugin:
    """A kubeconfig whose user is a script with that body, which the settings allow."""
    allowed = frozenset({str(tmp_path / "acme-auth-plugin"), "acme-absent-plugin"})
    settings.BARISTA = dataclasses.replace(settings.BARISTA, exec_plugins=allowed)

    def make(body: str) -> str:
        script = tmp_path / "acme-auth-plugin"
        script.write_text(f"#!/bin/sh\n{body}\n")
        script.chmod(0o755)
        user = {"exec": {"apiVersion": VERSION, "command": str(script), "interactiveMode": "Never"}}
        path = tmp_path / "kubeconfig"
        path.write_text(yaml.safe_dump(plane | {"users": [{"name": plane["users"][0]["name"], "user": user}]}))
        return str(path)

    return make


def credential(token: str, **status: str) -> str:
    return json.dumps({"apiVersion": VERSION, "kind": "ExecCredential", "status": {"token": token} | status})


def test_a_plugin_gives_the_token(plugin: Plugin, token: str, tmp_path: Path) -> None:
    (tmp_path / "answer").write_text(credential(token))
    gateway = from_kubeconfig(plugin(f'test -n "$KUBERNETES_EXEC_INFO" && cat {tmp_path}/answer'), "")
    assert gateway.version().startswith("v1.")


def test_a_plugin_is_asked_again_when_its_token_expires(plugin: Plugin, token: str, tmp_path: Path) -> None:
    soon = (datetime.now(UTC) - timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    (tmp_path / "answer").write_text(credential("not-yet-valid", expirationTimestamp=soon))
    gateway = from_kubeconfig(plugin(f"cat {tmp_path}/answer"), "")
    with pytest.raises(Unauthorized):
        gateway.version()
    (tmp_path / "answer").write_text(credential(token))
    assert gateway.version().startswith("v1.")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("echo token=s3cr3t-of-acme >&2; exit 3", "ended with exit code 3"),
        ("echo nothing", "answered no ExecCredential"),
        ("""echo '{"apiVersion": "v0", "status": {"token": "s3cr3t-of-acme"}}'""", "answered no ExecCredential"),
        (f"""echo '{{"apiVersion": "{VERSION}", "status": {{}}}}'""", "neither a token nor a certificate"),
    ],
)
def test_a_plugin_that_fails_is_named(plugin: Plugin, body: str, words: str, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(NotConfigured, match="acme-auth-plugin") as error:
        from_kubeconfig(plugin(body), "")
    assert words in str(error.value)
    assert "s3cr3t" not in str(error.value)
    assert "s3cr3t" not in caplog.text


def test_what_a_plugin_prints_is_not_shown(plugin: Plugin) -> None:
    with pytest.raises(NotConfigured) as error:
        from_kubeconfig(plugin("echo internal-words >&2; exit 3"), "")
    assert "internal-words" not in str(error.value)


def test_a_plugin_sees_none_of_our_secrets(
    plugin: Plugin, token: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_KEY", "ours")
    monkeypatch.setenv("DATABASE_URL", "ours")
    (tmp_path / "answer").write_text(credential(token))
    path = Path(plugin(f"env > {tmp_path}/seen; cat {tmp_path}/answer"))
    config = yaml.safe_load(path.read_text())
    config["users"][0]["user"]["exec"]["env"] = [
        {"name": name, "value": "theirs"} for name in ("LD_PRELOAD", "PATH", "CLOUDSDK_PYTHON", "AWS_PROFILE")
    ]
    path.write_text(yaml.safe_dump(config))
    from_kubeconfig(str(path), "")
    seen = dict(line.split("=", 1) for line in (tmp_path / "seen").read_text().splitlines() if "=" in line)
    assert not seen.keys() & {"SECRET_KEY", "DATABASE_URL", "LD_PRELOAD", "CLOUDSDK_PYTHON"}
    assert seen["AWS_PROFILE"] == "theirs"
    assert seen["PATH"] != "theirs"


@pytest.mark.parametrize("key", ["tokenFile", "client-certificate", "client-key"])
def test_a_kubeconfig_names_no_file_outside_of_the_folder(plane: dict[str, Any], tmp_path: Path, key: str) -> None:
    path = tmp_path / "config"
    path.write_text(yaml.safe_dump(plane | {"users": [plane["users"][0] | {"user": {key: "/proc/self/environ"}}]}))
    with pytest.raises(NotConfigured, match=f"Its {key}: It must be a file below"):
        from_kubeconfig(str(path), "")


def test_a_command_of_an_auth_provider_never_runs(plane: dict[str, Any], tmp_path: Path) -> None:
    path, mark = tmp_path / "config", tmp_path / "ran"
    provider = {"name": "gcp", "config": {"cmd-path": "touch", "cmd-args": str(mark)}}
    path.write_text(yaml.safe_dump(plane | {"users": [plane["users"][0] | {"user": {"auth-provider": provider}}]}))
    with pytest.raises(NotConfigured, match="auth-provider"):
        from_kubeconfig(str(path), "")
    assert not mark.exists()


def test_a_plugin_that_nobody_allowed_never_runs(plugin: Plugin, tmp_path: Path, settings: LazySettings) -> None:
    settings.BARISTA = dataclasses.replace(settings.BARISTA, exec_plugins=frozenset({"gke-gcloud-auth-plugin"}))
    with pytest.raises(NotConfigured, match=r"not allowed\. Allowed: gke-gcloud-auth-plugin"):
        from_kubeconfig(plugin(f"touch {tmp_path}/ran"), "")
    assert not (tmp_path / "ran").exists()


def test_a_plugin_that_is_not_there(plugin: Plugin, tmp_path: Path) -> None:
    path = plugin("exit 0")
    Path(path).write_text(Path(path).read_text().replace(str(tmp_path / "acme-auth-plugin"), "acme-absent-plugin"))
    with pytest.raises(NotConfigured, match="acme-absent-plugin is not installed where the workers run"):
        from_kubeconfig(path, "")


def test_a_plugin_that_hangs_is_ended(plugin: Plugin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugins, "PLUGIN_S", 0.3)
    start = time.monotonic()
    with pytest.raises(NotConfigured, match="did not answer within"):
        from_kubeconfig(plugin("exec sleep 60"), "")
    assert time.monotonic() - start < 10


def test_a_context_is_chosen_by_name(plane: dict[str, Any], tmp_path: Path) -> None:
    nowhere = {"name": "nowhere", "cluster": {"server": "https://127.0.0.1:1"}}
    mine = plane["contexts"][0] | {"name": "plane"}
    other = {"name": "elsewhere", "context": mine["context"] | {"cluster": "nowhere"}}
    both = plane | {
        "clusters": [*plane["clusters"], nowhere],
        "contexts": [other, mine],
        "current-context": "elsewhere",
    }
    path = tmp_path / "two"
    path.write_text(yaml.safe_dump(both))
    assert from_kubeconfig(str(path), "plane").version().startswith("v1.")
    with pytest.raises(NotConfigured, match="no context of the name") as error:
        from_kubeconfig(str(path), "plain")
    assert "elsewhere" not in str(error.value)


def test_the_service_account_of_a_pod(
    plane: dict[str, Any], token: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = plane["clusters"][0]["cluster"]
    server = urlsplit(cluster["server"])
    (tmp_path / "token").write_text("not-yet-mounted")
    monkeypatch.setattr("kubernetes.config.incluster_config.SERVICE_TOKEN_FILENAME", str(tmp_path / "token"))
    monkeypatch.setattr("kubernetes.config.incluster_config.SERVICE_CERT_FILENAME", cluster["certificate-authority"])
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", str(server.hostname))
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(server.port))
    with pytest.raises(Unauthorized):
        in_cluster().version()
    (tmp_path / "token").write_text(token)
    assert in_cluster().version().startswith("v1.")
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST")
    with pytest.raises(NotConfigured, match="does not run in a pod"):
        in_cluster()
