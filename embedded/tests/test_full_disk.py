"""A disk that is full for a while: what runs goes on, what dies comes back, and what was not written is said."""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded import processes
from embedded.console import Console
from embedded.kubernetes import cluster
from embedded.kubernetes.progress import Progress, State
from embedded.logs import rotate
from embedded.paths import Home
from embedded.processes import Command, sweep
from embedded.supervisor import Supervisor
from embedded.tests.test_processes import wait_for

SPEAKER = "import time, itertools\nfor n in itertools.count(): print('line', n, flush=True); time.sleep(0.05)"
FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    home = Home.open(tmp_path / "home")
    yield home
    sweep(home)


class Disk:
    """Takes everything, or nothing."""

    def __init__(self) -> None:
        self.is_full = False
        self.said: list[str] = []

    def say(self, who: str, what: str) -> None:
        if self.is_full:
            raise FULL
        self.said.append(f"{who} {what}")


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    disk = Disk()
    write = processes.write_private

    def write_private(file: Path, text: str) -> None:
        if disk.is_full:
            raise FULL
        write(file, text)

    monkeypatch.setattr(processes, "write_private", write_private)
    return disk


@pytest.fixture
def supervisor(home: Home, disk: Disk) -> Iterator[Supervisor]:
    supervisor = Supervisor(home, disk.say)
    yield supervisor
    supervisor.stop()


def record(home: Home) -> str:
    return (home.path / "run" / "speaker.json").read_text()


def test_what_dies_while_the_disk_is_full_runs_again(supervisor: Supervisor, disk: Disk, home: Home) -> None:
    supervisor.start(Command("speaker", (sys.executable, "-c", SPEAKER)))
    wait_for(lambda: "speaker line 3" in disk.said, "it says nothing")
    first = supervisor.pids()["speaker"]
    disk.is_full = True
    os.kill(first, signal.SIGKILL)
    wait_for(lambda: supervisor.pids()["speaker"] != first, "it is not started while the disk is full")
    second = supervisor.pids()["speaker"]
    assert str(second) not in record(home)
    disk.is_full = False
    wait_for(lambda: str(second) in record(home), "it is not recorded after the disk has room again")
    before = len(disk.said)
    wait_for(lambda: len(disk.said) > before, "its lines are no longer read")
    os.kill(second, signal.SIGKILL)
    wait_for(lambda: supervisor.pids()["speaker"] != second, "the thread that starts things again has ended")


def test_a_program_that_cannot_be_started_is_tried_again(
    supervisor: Supervisor, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    supervisor.start(Command("speaker", (sys.executable, "-c", SPEAKER)))
    first = supervisor.pids()["speaker"]

    def refuse(*args: object, **kwargs: object) -> None:
        raise FULL

    with monkeypatch.context() as patch:
        patch.setattr("embedded.supervisor.spawn", refuse)
        os.kill(first, signal.SIGKILL)
        wait_for(lambda: any("could not be started" in line for line in disk.said), "nobody tried")
    wait_for(lambda: supervisor.pids()["speaker"] != first, "it was not tried again")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_the_log_says_what_is_missing(tmp_path: Path) -> None:
    file = tmp_path / "demo.log"
    file.symlink_to("/dev/full")
    console = Console(file, longest=1 << 60)
    for number in range(3):
        console.say("web", f"lost {number}")
    assert console.lost == 3
    file.unlink()
    os.close(console._handle)
    console._handle = None
    console.say("web", "kept")
    lines = file.read_text().splitlines()
    assert "the disk was full: 3 lines are missing here" in lines[0]
    assert lines[1].endswith("web        | kept")
    assert console.lost == 0


def test_the_log_begins_a_new_file_while_it_runs(tmp_path: Path) -> None:
    console = Console(tmp_path / "demo.log", longest=200)
    for number in range(20):
        console.say("web", f"line {number}")
    assert (tmp_path / "demo.log").stat().st_size < 400
    assert (tmp_path / "demo.log.1").exists()
    assert "line 19" in (tmp_path / "demo.log").read_text()


def test_a_log_is_cut_while_its_program_writes(tmp_path: Path) -> None:
    file = tmp_path / "etcd.log"
    with file.open("ab", buffering=0) as program:
        program.write(b"x" * 1000)
        assert not rotate(file, 1000)
        assert rotate(file, 999)
        program.write(b"y")
    assert file.read_bytes() == b"y"
    assert (tmp_path / "etcd.log.1").read_bytes() == b"x" * 1000


def test_without_room_for_a_copy_the_log_makes_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "etcd.log"
    file.write_bytes(b"x" * 1000)

    def full(*args: object) -> None:
        raise FULL

    monkeypatch.setattr("shutil.copyfile", full)
    assert rotate(file, 10)
    assert file.read_bytes() == b""
    assert not (tmp_path / "etcd.log.1").exists()


def test_progress_that_cannot_be_written_stops_nothing(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object) -> None:
        raise FULL

    monkeypatch.setattr(cluster, "write", full)
    cluster.Cluster(home, lambda who, what: None, tests=True, metrics=False)._report(Progress(State.READY))
