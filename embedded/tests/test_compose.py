"""The containers: the file is valid, its commands exist, and each service holds only what it needs."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from embedded.paths import REPOSITORY

COMPOSE = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
PRODUCT = {name: service for name, service in SERVICES.items() if "build" in service}


def test_every_part_of_the_product_is_there() -> None:
    product = {"migrate", "web", "worker", "answers", "importer", "relay", "watch"}
    assert set(SERVICES) == {"postgres", "redis", "proxy", *product}
    assert set(PRODUCT) == product


@pytest.mark.parametrize("name", PRODUCT)
def test_commands_exist(name: str) -> None:
    command = PRODUCT[name]["command"]
    if command[0] == "python":
        own = REPOSITORY / "deployments" / "management" / "commands" / f"{command[2]}.py"
        assert command[2] == "migrate" or own.exists()
    else:
        requirements = (REPOSITORY / "requirements.txt").read_text()
        assert re.search(rf"^{command[0]}[\[=]", requirements, re.MULTILINE)
        assert any("baristaweb" in part for part in command)


def test_only_the_migration_knows_the_owner() -> None:
    assert [name for name, service in PRODUCT.items() if "DATABASE_OWNER_URL" in service["environment"]] == ["migrate"]
    assert all("barista_app:" in service["environment"]["DATABASE_URL"] for service in PRODUCT.values())


def test_only_the_processes_that_talk_to_clusters_hold_a_kubeconfig() -> None:
    mounts = {name: str(service.get("volumes", "")) for name, service in PRODUCT.items()}
    assert [name for name, mounted in mounts.items() if "kubeconfig" in mounted] == [
        "worker",
        "answers",
        "relay",
        "watch",
    ]


def test_only_the_importer_holds_keys_of_stores() -> None:
    holders = [name for name, service in PRODUCT.items() if "/etc/barista/stores" in str(service.get("volumes"))]
    assert holders == ["importer"]


def test_only_loopback_is_published() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published == {
        "web": ["127.0.0.1:${PORT:-8000}:8000"],
        "proxy": ["${PROXY_LISTEN:-127.0.0.1:8443}:8443"],  # and only when somebody asks for it
    }
    assert SERVICES["proxy"]["profiles"] == ["proxy"]


def test_every_image_is_pinned_by_digest_and_can_be_replaced() -> None:
    pinned = r"\$\{[A-Z]+_IMAGE:-[^}@]+:[^}@]+@sha256:[0-9a-f]{64}\}"
    assert all(re.fullmatch(pinned, service["image"]) for name, service in SERVICES.items() if name not in PRODUCT)
    text = (REPOSITORY / "Dockerfile").read_text()
    (base,) = re.findall(r"^ARG PYTHON_IMAGE=(\S+)$", text, re.MULTILINE)
    assert re.fullmatch(r"[^@]+:[^@]+@sha256:[0-9a-f]{64}", base)
    assert SERVICES["web"]["build"]["args"]["PYTHON_IMAGE"] == f"${{PYTHON_IMAGE:-{base}}}"
    assert re.findall(r"^FROM (\S+)", text, re.MULTILINE) == ["${PYTHON_IMAGE}"] * 2


def test_no_secret_has_a_default() -> None:
    text = (REPOSITORY / "docker-compose.yml").read_text()
    assert not re.search(r"\$\{\w*(PASSWORD|SECRET)\w*:-[^}]", text)


def test_the_image_copies_what_exists() -> None:
    lines = (REPOSITORY / "Dockerfile").read_text().splitlines()
    sources = [
        part for line in lines if line.startswith("COPY ") and "--from" not in line for part in line.split()[1:-1]
    ]
    assert sources
    assert [source for source in sources if not (REPOSITORY / source).exists()] == []
