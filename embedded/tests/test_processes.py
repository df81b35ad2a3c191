"""Nothing is left behind: by a stop, by a kill, or by a start after a kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from embedded.paths import REPOSITORY, Home
from embedded.processes import Command, marked, spawn, sweep, write_record
from embedded.supervisor import Supervisor

# A program with a child of its own, as gunicorn and celery have.
FAMILY = "import subprocess, sys, time; subprocess.Popen(['sleep', '300']); print('up', flush=True); time.sleep(300)"

# What a kill -9 of the stack's own process leaves to the kernel.
PARENT = """
import sys, time
from pathlib import Path
from embedded.paths import Home
from embedded.processes import Command
from embedded.supervisor import Supervisor
home = Home.open(Path(sys.argv[1]))
supervisor = Supervisor(home, lambda who, what: None)
supervisor.start(Command("sleeper", ("sleep", "300")))
supervisor.start(Command("stubborn", (sys.executable, "-c", sys.argv[2])))
print("up", flush=True)
time.sleep(300)
"""


def wait_for(condition: Callable[[], bool], what: str, seconds: float = 15.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    home = Home.open(tmp_path / "home")
    yield home
    sweep(home)


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def supervisor(home: Home, said: list[str]) -> Iterator[Supervisor]:
    supervisor = Supervisor(home, lambda who, what: said.append(f"{who} {what}"))
    yield supervisor
    supervisor.stop()


def family(name: str = "family") -> Command:
    return Command(name, (sys.executable, "-c", FAMILY), stop_seconds=2)


def test_a_stop_ends_the_children_of_children(supervisor: Supervisor, home: Home, said: list[str]) -> None:
    supervisor.start(family())
    wait_for(lambda: "family up" in said, "the program did not start")
    assert len(marked(str(home.path))) == 2
    supervisor.stop()
    wait_for(lambda: marked(str(home.path)) == [], "a child of a child is left", seconds=5)
    assert list((home.path / "run").glob("*.json")) == []


def test_what_dies_is_started_again_and_said(supervisor: Supervisor, said: list[str]) -> None:
    supervisor.start(family())
    wait_for(lambda: "family up" in said, "the program did not start")
    first = supervisor.pids()["family"]
    os.kill(first, signal.SIGKILL)
    wait_for(lambda: said.count("family up") == 2, "it was not started again")
    assert any("ended with signal 9; starting it again" in line for line in said)
    assert supervisor.pids()["family"] != first


def test_a_program_that_never_comes_up_is_named_with_its_log(supervisor: Supervisor, tmp_path: Path) -> None:
    command = Command("broken", ("false",), log=tmp_path / "broken.log")
    with pytest.raises(RuntimeError, match=r"broken ended 3 times .*broken\.log"):
        supervisor.start(command, ready=lambda: False, seconds=20)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children with their parent")
def test_a_killed_parent_leaves_no_orphan(home: Home) -> None:
    stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(300)"
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, home.path, stubborn], stdout=subprocess.PIPE, cwd=REPOSITORY
    )
    assert parent.stdout is not None
    assert parent.stdout.readline() == b"up\n"
    time.sleep(0.5)  # until the stubborn one ignores the signal
    parent.kill()
    parent.wait(timeout=10)
    parent.stdout.close()
    wait_for(lambda: len(marked(str(home.path))) == 1, "the kernel did not end the polite child")
    # The one that ignores the kernel's signal is what the next start finds.
    assert sweep(home) == ["stubborn"]
    assert marked(str(home.path)) == []


def test_a_stranger_with_a_recorded_pid_is_left_alone(home: Home) -> None:
    stranger = subprocess.Popen(["sleep", "300"])
    try:
        write_record(home, "etcd", stranger.pid)
        file = home.path / "run" / "etcd.json"
        file.write_text(file.read_text().replace('"started": ', '"started": 1'))
        assert sweep(home) == []
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait(timeout=5)


def test_a_process_of_another_home_is_left_alone(home: Home, tmp_path: Path) -> None:
    other = spawn(Command("other", ("sleep", "300")), mark=str(tmp_path / "other"))
    try:
        assert sweep(home) == []
        assert psutil.pid_exists(other.pid)
        assert other.poll() is None
    finally:
        other.kill()
        other.wait(timeout=5)
        if other.stdout is not None:
            other.stdout.close()
