"""A migrated database for jobs that need no cluster: PostgreSQL, and Valkey where asked for; thrown away afterwards."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measure import ROOT
from embedded import postgres, valkey
from embedded.paths import Home
from embedded.supervisor import Supervisor


@contextlib.contextmanager
def database(*, queue: bool = False) -> Iterator[dict[str, str]]:
    """What a process of the product needs in its environment to run on a new database."""
    with tempfile.TemporaryDirectory(prefix="barista-bench-") as folder:
        home = Home.open(Path(folder))
        supervisor = Supervisor(home, lambda who, what: None)
        try:
            urls = postgres.start(supervisor, home, tests=True)
            environ = {
                "DJANGO_SETTINGS_MODULE": "baristaweb.tests.settings",
                "BARISTA_TEST_APP_URL": urls.app,
                "BARISTA_TEST_OWNER_URL": urls.owner,
            }
            if queue:
                environ["BARISTA_TEST_REDIS_URL"] = valkey.start(supervisor, home)
            migrate(environ)
            yield environ
        finally:
            supervisor.stop()
            postgres.remove_outside(home)


def migrate(environ: dict[str, str]) -> None:
    command = [sys.executable, "-W", "ignore", "manage.py", "migrate", "--database=owner", "--verbosity=0"]
    subprocess.run(command, cwd=ROOT, env={**os.environ, **environ}, check=True, timeout=300)


def run(module: str, *arguments: str, environ: dict[str, str]) -> int:
    """A job of the product in a process of its own; its exit code."""
    command = [sys.executable, "-W", "ignore", "-m", module, *arguments]
    return subprocess.run(command, cwd=ROOT, env={**os.environ, **environ}, check=False).returncode
