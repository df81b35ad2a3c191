"""`make demo` as a person meets it on a new machine: the site is up while the control plane is still being built."""

from __future__ import annotations

import http.cookiejar
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from embedded.paths import LOOPBACK, REPOSITORY, Home, free_port
from embedded.postgres import remove_outside
from embedded.processes import marked, sweep

pytestmark = pytest.mark.faults

PASSWORD = "a-password-of-the-test"


def wait_for(condition: Callable[[], bool], what: Callable[[], str], seconds: float = 240.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what()
        time.sleep(0.1)


@dataclass
class Machine:
    """A home, a cache that is empty, and a Go toolchain that never ends."""

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

    def greetings(self) -> int:
        return (self.home.parent / "output").read_text().count("Barista is at")

    def wait_for_greeting(self, number: int, process: subprocess.Popen[bytes]) -> None:
        wait_for(lambda: self.greetings() >= number or process.poll() is not None, self.output)
        assert process.poll() is None, self.output()

    def running(self) -> list[str]:
        return [" ".join(process.cmdline()) for process in marked(str(self.home))]

    def log_in(self, username: str) -> str:
        """Log in through the form as a person would; returns the page that follows."""
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
        site = f"http://{LOOPBACK}:{self.port}"
        with opener.open(site, timeout=20) as page:
            address, text = page.url, page.read().decode()
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', text)
        assert token, text
        fields = {"username": username, "password": PASSWORD, "csrfmiddlewaretoken": token.group(1)}
        request = urllib.request.Request(address, urllib.parse.urlencode(fields).encode(), {"Referer": address})  # noqa: S310 - our own site
        with opener.open(request, timeout=20) as page:
            return str(page.read().decode())


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    go = tmp_path / "bin" / "go"
    go.parent.mkdir()
    go.write_text('#!/bin/sh\n[ "$1" = env ] && echo go1.26.6 && exit\nexec sleep 600\n')
    go.chmod(0o755)
    home = Home.open(tmp_path / "home")
    machine = Machine(home.path, go.parent, tmp_path / "cache", free_port())
    yield machine
    machine.stop()
    sweep(home)
    remove_outside(home)


def test_the_site_does_not_wait_for_the_build_and_leaves_nothing_behind(machine: Machine) -> None:
    first = machine.start()
    machine.wait_for_greeting(1, first)
    progress = json.loads((machine.home / "kubernetes" / "build.json").read_text())
    assert (progress["state"], progress["step"], progress["of"]) == ("building", "etcd", 7)
    assert "editor" in machine.log_in("editor")

    first.kill()
    first.wait(timeout=10)
    wait_for(lambda: not [line for line in machine.running() if "postgres" in line], lambda: str(machine.running()))

    second = machine.start()
    machine.wait_for_greeting(2, second)
    assert "editor" in machine.log_in("editor")
    worker = int(json.loads((machine.home / "run" / "worker.json").read_text())["pid"])
    os.kill(worker, signal.SIGKILL)
    wait_for(lambda: "worker     | started again" in machine.output(), machine.output)
    second.send_signal(signal.SIGTERM)
    assert second.wait(timeout=60) == 0, machine.output()
    assert machine.running() == []


def test_a_second_demo_of_the_same_home_is_refused(machine: Machine) -> None:
    (machine.home / "lock").write_text("")
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import fcntl, sys, time; f = open(sys.argv[1], 'a+'); fcntl.flock(f, fcntl.LOCK_EX); f.write('pid 1'); "
            "f.flush(); print('held', flush=True); time.sleep(120)",
            machine.home / "lock",
        ],
        stdout=subprocess.PIPE,
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        refused = machine.start()
        assert refused.wait(timeout=60) == 1
        assert "already running" in machine.output()
    finally:
        holder.kill()
        holder.wait(timeout=5)
        if holder.stdout is not None:
            holder.stdout.close()
