"""Commands of a checkout speak to its demo, unless they are told otherwise."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from embedded.demo_environ import environ, has_demo
from embedded.paths import REPOSITORY, Home

OWN = {"BARISTA_ENV", "SECRET_KEY", "DATABASE_URL", "DJANGO_SETTINGS_MODULE"}


def key_of(home: Path, **environment: str) -> str:
    """The SECRET_KEY that a command has."""
    inherited = {name: value for name, value in os.environ.items() if name not in OWN}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "manage.py", "diffsettings", "--output=unified"],
        cwd=REPOSITORY,
        env={**inherited, "BARISTA_HOME": str(home), **environment},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    found = [line for line in done.stdout.splitlines() if line.startswith("+ SECRET_KEY")]
    return found[0] if found else ""


@pytest.fixture
def demo(tmp_path: Path) -> Home:
    home = Home.open(tmp_path / "demo")
    environ(home)
    return home


def test_a_folder_without_a_demo_is_none(tmp_path: Path, demo: Home) -> None:
    assert has_demo(demo.path)
    assert not has_demo(tmp_path)
    assert not (tmp_path / "secrets").exists(), "looking makes nothing"


def test_commands_take_the_demo_s_settings(demo: Home) -> None:
    assert demo.secret("django") in key_of(demo.path)


def test_settings_of_one_s_own_come_first(demo: Home) -> None:
    own = "x7Qm-0s8dHkLzWvB3nT5yRpC9uJ2eFaG6iK4oM1qX_tZwNbV8hS0"
    assert own in key_of(demo.path, SECRET_KEY=own, BARISTA_ENV="demo")
