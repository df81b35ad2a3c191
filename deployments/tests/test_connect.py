"""Opening the credentials of one cluster holds up no other, whatever its file is."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from deployments.kube import connect as connecting
from deployments.kube.api import NotConfigured

CONFIG = """
current-context: c
contexts: [{name: c, context: {cluster: c}}]
clusters: [{name: c, cluster: {server: "https://127.0.0.1:1"}}]
"""


@dataclass(frozen=True)
class Row:
    kubeconfig: str
    access: str = "kubeconfig"
    context: str = ""


@pytest.fixture(autouse=True)
def _own_gateways(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connecting, "_gateways", {})


def written(path: Path, text: str = CONFIG) -> Row:
    path.write_text(text)
    return Row(str(path))


def test_a_pipe_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    found: list[str] = []

    def ask() -> None:
        with pytest.raises(NotConfigured) as error:
            connecting.connect(Row(str(tmp_path / "pipe")))
        found.append(str(error.value))

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(timeout=10)
    assert found
    assert "no regular file" in found[0]


def test_a_slow_cluster_holds_up_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slow, quick = written(tmp_path / "slow"), written(tmp_path / "quick")
    opening, goes_on, really = threading.Event(), threading.Event(), connecting.from_kubeconfig

    def read(path: str, context: str) -> Any:
        if path == slow.kubeconfig:
            opening.set()
            goes_on.wait(30)
        return really(path, context)

    monkeypatch.setattr(connecting, "from_kubeconfig", read)
    first = threading.Thread(target=connecting.connect, args=(slow,), daemon=True)
    first.start()
    assert opening.wait(10)
    found: list[Any] = []
    other = threading.Thread(target=lambda: found.append(connecting.connect(quick)), daemon=True)
    other.start()
    other.join(timeout=10)
    goes_on.set()
    first.join(timeout=10)
    assert found


def test_who_waits_for_the_same_slow_cluster_is_sent_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    row = written(tmp_path / "slow")
    opening, goes_on, really = threading.Event(), threading.Event(), connecting.from_kubeconfig

    def read(path: str, context: str) -> Any:
        opening.set()
        goes_on.wait(30)
        return really(path, context)

    monkeypatch.setattr(connecting, "from_kubeconfig", read)
    monkeypatch.setattr(connecting, "WAIT_S", 0.05)
    first = threading.Thread(target=connecting.connect, args=(row,), daemon=True)
    first.start()
    assert opening.wait(10)
    with pytest.raises(NotConfigured, match="still being read"):
        connecting.connect(row)
    goes_on.set()
    first.join(timeout=10)
    assert connecting.connect(row)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x: &a [1]\nclusters: [*a]", "aliases"),
        ("clusters: " + "[" * 5000, "not YAML"),
        ("clusters: []", "no current context"),
        ("current-context: s3cr3t\nclusters: []", "no context"),
        ("a" * (1024 * 1024 + 1), "larger than 1024 KiB"),
        ("clusters: \x00", "not YAML"),
        ("root:x:0:0:s3cr3t: [", "not YAML"),
    ],
)
def test_an_odd_file_is_said_without_what_it_holds(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(NotConfigured) as error:
        connecting.connect(written(tmp_path / "odd", text))
    assert words in str(error.value)
    assert "s3cr3t" not in str(error.value)


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    row = written(tmp_path / "config")
    first = connecting.connect(row)
    assert connecting.connect(row) is first
    os.utime(row.kubeconfig, ns=(1, 1))
    assert connecting.connect(row) is not first
