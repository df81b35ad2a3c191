"""Real processes of the product for tests that kill them, on the test's own database and queue."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil
from django.conf import settings

COMMANDS = {
    "worker": ["-m", "celery", "-A", "baristaweb", "worker", "-c", "2", "--without-mingle"],
    "relay": ["manage.py", "relay"],
    "watch": ["manage.py", "watch"],
}


def database_url(*, port: int | None = None) -> str:
    """The test's database as the app role, through another port when given."""
    row = settings.DATABASES["default"]
    return f"postgres://{row['USER']}:{row['PASSWORD']}@{row['HOST']}:{port or row['PORT']}/{row['NAME']}"


@dataclass
class Processes:
    """`start` and `kill` by name, "relay" or another one of them, "relay-2"; what was started is ended on leaving."""

    log: Path
    redis_url: str
    database_url: str
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str, **settings_: str) -> None:
        environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "baristaweb.tests.settings",
            "BARISTA_TEST_APP_URL": self.database_url,
            "BARISTA_TEST_REDIS_URL": self.redis_url,
            "PYTHONWARNINGS": "ignore",
            **settings_,
        }
        with self.log.open("ab") as log:
            self.running[name] = subprocess.Popen(
                [sys.executable, *COMMANDS[name.partition("-")[0]]],
                cwd=settings.BASE_DIR,
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def kill(self, name: str) -> None:
        """SIGKILL, with its children: nothing gets to tidy up."""
        process = self.running.pop(name)
        tree = [psutil.Process(process.pid)]
        tree += tree[0].children(recursive=True)
        for member in tree:
            try:
                member.kill()
            except psutil.NoSuchProcess:
                continue
        process.wait(10)

    def is_running(self, name: str) -> bool:
        return self.running[name].poll() is None

    def said(self) -> str:
        return self.log.read_text(errors="replace")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for name in list(self.running):
            if self.is_running(name):
                self.kill(name)
