"""The stack tells the product what it is doing to the cluster by the product's command, never by a file."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import pytest

from embedded.kubernetes.progress import Progress, State, in_words, progress_file, write
from embedded.paths import Home
from embedded.processes import Command, wait_until
from embedded.telling import Teller

ECHO = "import sys\nwith open(sys.argv[1], 'a') as out:\n for line in sys.stdin: out.write(line); out.flush()\n"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"state": "building", "step": "kube-apiserver", "done": 1, "of": 8}, "building kube-apiserver, 2 of 8"),
        ({"state": "starting", "step": "etcd", "done": 0, "of": 5}, "starting etcd, 1 of 5"),
        ({"state": "waiting"}, "waiting for another build of the control plane on this machine"),
        ({"state": "failed", "detail": "no space left"}, "the control plane could not start: no space left"),
        ({"state": "ready"}, ""),
        ({"state": 7}, ""),
        ({}, ""),
    ],
)
def test_the_words(said: dict[str, object], words: str) -> None:
    assert in_words(said) == words


def _has_more(file: Path, lines: int) -> bool:
    return file.read_text().count("\n") > lines


def test_each_step_is_told_once_and_taken_back_in_the_end(tmp_path: Path) -> None:
    home, heard = Home.open(tmp_path / "home"), tmp_path / "heard"
    home.folder("kubernetes")
    write(progress_file(home), Progress(State.STARTING, "etcd", 0, 5))
    teller = Teller(
        home, Command("progress", (sys.executable, "-c", ECHO, str(heard)), has_input=True, log=tmp_path / "log")
    )
    teller.start()
    try:
        for progress in (Progress(State.STARTING, "nodes", 4, 5), Progress(State.READY)):
            wait_until(lambda: heard.exists() and heard.read_text().endswith("of 5\n"), seconds=20, what="A line")
            lines = heard.read_text().count("\n")
            write(progress_file(home), progress)
            wait_until(partial(_has_more, heard, lines), seconds=20, what="The next line")
    finally:
        teller.stop()
    assert heard.read_text() == "starting etcd, 1 of 5\nstarting nodes, 5 of 5\n\n"


def test_a_command_that_died_is_started_again(tmp_path: Path) -> None:
    home, heard = Home.open(tmp_path / "home"), tmp_path / "heard"
    home.folder("kubernetes")
    write(progress_file(home), Progress(State.STARTING, "etcd", 0, 5))
    once = "import sys\nline = sys.stdin.readline()\nopen(sys.argv[1], 'a').write(line)\n"
    teller = Teller(
        home, Command("progress", (sys.executable, "-c", once, str(heard)), has_input=True, log=tmp_path / "log")
    )
    teller.start()
    try:
        wait_until(lambda: heard.exists() and heard.read_text().count("\n") >= 2, seconds=20, what="A second start")
    finally:
        teller.stop()
