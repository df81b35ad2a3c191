"""The folder of the counts: removed when the last that counts in it ends, and what a kill left behind as well."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from django.conf import settings

from baristaweb.server import metrics_folder
from baristaweb.server.metrics_folder import LOCK, VARIABLE, open_folder, remove_left_over

HOLD = "import os, baristaweb.serving as s; print(os.environ['PROMETHEUS_MULTIPROC_DIR'], flush=True); input()"


@pytest.fixture(autouse=True)
def parent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(metrics_folder, "JUST_MADE_S", -1.0)
    return tmp_path


def site(parent: Path) -> subprocess.Popen[str]:
    """A process that counts in a folder of its own."""
    environ = {name: value for name, value in os.environ.items() if name != VARIABLE} | {"TMPDIR": str(parent)}
    command = [sys.executable, "-c", HOLD]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=settings.BASE_DIR, env=environ, stdin=pipe, stdout=pipe, text=True)


def test_what_a_killed_site_left_behind_goes(parent: Path) -> None:
    with site(parent) as running:
        folder = Path(running.stdout.readline().strip())
        remove_left_over(parent)
        assert folder.is_dir()
        running.kill()
        running.wait()
        assert folder.is_dir()
        remove_left_over(parent)
    assert not folder.exists()


def test_a_site_that_takes_over_keeps_the_folder_of_both() -> None:
    first_environ: dict[str, str] = {}
    first = open_folder(first_environ)
    second = open_folder(dict(first_environ))
    assert second.path == first.path
    first.close()
    assert Path(first_environ[VARIABLE]).is_dir()
    second.close()
    assert not Path(first_environ[VARIABLE]).exists()


def test_a_folder_that_somebody_chose_is_theirs(tmp_path: Path) -> None:
    (tmp_path / "chosen").mkdir()
    environ = {VARIABLE: str(tmp_path / "chosen")}
    open_folder(environ).close()
    assert (tmp_path / "chosen").is_dir()


def test_folders_of_older_versions_go_with_their_processes(parent: Path) -> None:
    dead, alive = parent / "barista-metrics-dead", parent / "barista-metrics-alive"
    for folder, pid in ((dead, 2**22 + 1), (alive, os.getpid())):
        folder.mkdir()
        (folder / f"counter_{pid}.db").touch()
    remove_left_over(parent)
    assert (dead.exists(), alive.exists()) == (False, True)


def test_a_link_is_not_followed(parent: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / LOCK).touch()
    (parent / "barista-metrics-link").symlink_to(tmp_path / "elsewhere")
    remove_left_over(parent)
    assert (tmp_path / "elsewhere" / LOCK).exists()
