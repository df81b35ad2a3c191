"""The stack of a test run."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from embedded import postgres, valkey
from embedded.paths import Home
from embedded.supervisor import Supervisor


@dataclass
class TestStack:
    __test__ = False
    home: Home
    supervisor: Supervisor
    owner_url: str
    app_url: str
    redis_url: str
    admin_kubeconfig: Path | None = None
    barista_kubeconfig: Path | None = None

    def stop(self) -> None:
        self.supervisor.stop()
        shutil.rmtree(self.home.path, ignore_errors=True)


def start_test_stack(folder: Path) -> TestStack:
    home = Home.open(folder)
    supervisor = Supervisor(home, say=lambda name, line: None)
    urls = postgres.start(supervisor, home, tests=True)
    return TestStack(home, supervisor, urls.owner, urls.app, valkey.start(supervisor, home))
