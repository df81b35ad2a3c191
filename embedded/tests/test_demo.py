"""`make demo` as a person meets it on a new machine: the site is up while the control plane is still being built."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from embedded import stack
from embedded.kubernetes.api import Api
from embedded.kubernetes.build import Builder
from embedded.paths import LOOPBACK, REPOSITORY, Home, free_port
from embedded.postgres import remove_outside
from embedded.processes import marked, sweep
from embedded.tests.visitor import Visitor

pytestmark = pytest.mark.faults

PASSWORD = "a-password-of-the-test"
DEPLOYMENT = "/deployments/demo.vision-dev.visual-search/"

# A toolchain whose builds wait while a file exists, and then give what this machine has built before.
GO = r"""#!/bin/sh
case "$1" in
env) echo go1.26.6 ;;
build)
    while [ -e "{block}" ]; do sleep 0.2; done
    while [ "$1" != -o ]; do shift; done
    name=$(basename "$2" | sed -E 's/^\.(.*)\.[0-9]+$/\1/')
    cp "{ready}/$name" "$2" ;;
esac
"""


def wait_for(condition: Callable[[], bool], what: Callable[[], str], seconds: float = 240.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what()
        time.sleep(0.1)


@dataclass
class Machine:
    """A home, a cache that is empty, and a Go toolchain that waits."""

    home: Path
    path: Path
    cache: Path
    port: int
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self) -> subprocess.Popen[bytes]:
        environ = {
            **os.environ,
            "PATH": f"{self.path}:/usr/bin:/bin",
            "XDG_CACHE_HOME": str(self.cache),
            "BARISTA_DEMO_LOGS": "0",  # they are fetched from the network
            "BARISTA_HOME": str(self.home),
            "BARISTA_DEMO_PASSWORD": PASSWORD,
            "PORT": str(self.port),
        }
        for name in ("DJANGO_SETTINGS_MODULE", "KUBEBUILDER_ASSETS", "BARISTA_KUBECONFIG"):
            environ.pop(name, None)
        with (self.home.parent / "output").open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "embedded.stack", "demo"],
                cwd=REPOSITORY,
                env=environ,
                stdout=output,
                stderr=output,
            )

        self.started.append(process)
        return process

    def stop(self) -> None:
        for process in self.started:
            process.kill()
            process.wait(timeout=10)

    def output(self) -> str:
        return (self.home.parent / "output").read_text()[-4000:]

    def progress(self) -> dict[str, Any]:
        return dict(json.loads((self.home / "kubernetes" / "build.json").read_text()))

    def greetings(self) -> int:
        return (self.home.parent / "output").read_text().count("Barista is at")

    def wait_for_greeting(self, number: int, process: subprocess.Popen[bytes]) -> None:
        wait_for(lambda: self.greetings() >= number or process.poll() is not None, self.output)
        assert process.poll() is None, self.output()

    def running(self) -> list[str]:
        return [" ".join(process.cmdline()) for process in marked(str(self.home))]

    def visit(self, username: str) -> Visitor:
        """Somebody who logged in through the form."""
        visitor = Visitor(f"http://{LOOPBACK}:{self.port}")
        assert username in visitor.log_in(username, PASSWORD) + visitor.page.get_text()
        return visitor


def save(visitor: Visitor, *, replicas: int) -> str:
    """Edit, review and apply; returns the text of the deployment's page."""
    visitor.open(f"{DEPLOYMENT}edit/")
    visitor.send("Review changes", replicas__count=str(replicas))
    return visitor.send("Apply", note="more than one")


def replicas(api: Api) -> int | None:
    """What the cluster was told, None before the deployment is there."""
    path = "/apis/apps/v1/namespaces/vision-dev/deployments/visual-search"
    return int(api.call("GET", path)["spec"]["replicas"]) if api.exists(path) else None


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    ready = tmp_path / "ready"
    ready.mkdir()
    for name, binary in Builder(lambda progress: None).ready().items():
        (ready / name).symlink_to(binary)
    go = tmp_path / "bin" / "go"
    go.parent.mkdir()
    go.write_text(GO.format(block=tmp_path / "block", ready=ready))
    go.chmod(0o755)
    (tmp_path / "block").touch()
    home = Home.open(tmp_path / "home")
    machine = Machine(home.path, go.parent, tmp_path / "cache", free_port())
    yield machine
    machine.stop()
    sweep(home)
    remove_outside(home)


def test_the_site_does_not_wait_for_the_build_and_leaves_nothing_behind(machine: Machine, tmp_path: Path) -> None:
    first = machine.start()
    machine.wait_for_greeting(1, first)
    progress = machine.progress()
    assert (progress["state"], progress["step"], progress["of"]) == ("building", "etcd", 7)
    editor = machine.visit("editor")
    assert "building etcd, 1 of 7" in editor.open("/clusters/")
    saved_at_once = save(editor, replicas=4)
    assert "Building etcd, 1 of 7" in saved_at_once
    assert "not applied yet" in saved_at_once

    first.kill()
    first.wait(timeout=10)
    wait_for(lambda: not [line for line in machine.running() if "postgres" in line], lambda: str(machine.running()))

    second = machine.start()
    machine.wait_for_greeting(2, second)
    # What was saved is there after the kill, and more can be saved.
    editor = machine.visit("editor")
    assert "more than one" in editor.open(f"{DEPLOYMENT}revisions/")
    assert "not applied yet" in save(editor, replicas=5)
    worker = int(json.loads((machine.home / "run" / "worker.json").read_text())["pid"])
    os.kill(worker, signal.SIGKILL)
    wait_for(lambda: "worker     | started again" in machine.output(), machine.output)

    # What was saved while there was no cluster reaches it now.
    (tmp_path / "block").unlink()
    wait_for(lambda: machine.progress()["state"] == "ready", machine.output)
    api = Api(machine.home / "kubernetes" / "admin.kubeconfig")
    wait_for(lambda: replicas(api) == 5, lambda: f"{replicas(api)} replicas\n{machine.output()}")

    second.send_signal(signal.SIGTERM)
    assert second.wait(timeout=60) == 0, machine.output()
    assert machine.running() == []


def test_a_second_demo_of_the_same_home_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stack, "_LOCK_SECONDS", 0.0)
    home = Home.open(tmp_path / "home")
    with (
        stack.only_one(home),
        pytest.raises(SystemExit, match=rf"already running .*pid {os.getpid()}.*another BARISTA_HOME"),
        stack.only_one(home),
    ):
        raise AssertionError("two demos share a home")
    with stack.only_one(home):
        assert (home.path / "lock").read_text() == f"pid {os.getpid()}"
