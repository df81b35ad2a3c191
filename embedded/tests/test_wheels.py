"""Wheels that carry logs: what is missing is told, and a network that is away is a reason, not a failure."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from embedded import wheels


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return wheels.folder()


def test_every_wheel_is_pinned_by_hash() -> None:
    lines = [line for line in wheels.LIST.read_text().splitlines() if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[a-z0-9-]+==[0-9.]+ --hash=sha256:[0-9a-f]{64}", line) for line in lines)


def test_what_is_there_is_not_fetched(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.mkdir(parents=True)
    assert wheels.missing() == ["nannyml", "obp"]
    for name in ("nannyml", "obp"):
        (cache / f"{name}-1.0-py3-none-any.whl").touch()
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("asked the network"))
    assert wheels.fetch() == ""


def test_a_network_that_is_away_is_said(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    assert wheels.fetch()
