"""How long after an object landed its rows are on the page of its source: relay and import workers as they run.

Used by importer_site.py, whose database and queue the processes share.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from django.test import Client
from django.urls import reverse

from benchmarks.measure import ROOT
from deployments.tests import factories
from observability.tests.importing import hour_ago, put, rows
from observability.tests.sources import make_source

EVERY_S: Final = 13.0  # so that the objects land at all moments between two polls of ten seconds
PATIENCE_S: Final = 120.0
LOOK_S: Final = 0.25


def landed(deployment: Any, folder: Path, times: int) -> list[float]:
    """Seconds from the rename of each object of 1,000 rows until the page tells its rows."""
    folder.mkdir()
    source = make_source(deployment, folder, lateness_s=7_200, poll_s=10)
    client = Client(headers={"host": "localhost"})
    client.force_login(factories.make_user("looks", is_platform_admin=True))
    page = reverse("source", args=[deployment.slug, source.name])
    taken = []
    with _processes():
        put(folder / "warm.parquet", rows(hour_ago(0), 1_000), age_s=0)
        _seen(client, page, 1_000)
        for number in range(1, times + 1):
            time.sleep(EVERY_S)
            put(folder / f"{number:04d}.parquet", rows(hour_ago(0), 1_000), age_s=0)
            taken.append(_seen(client, page, (number + 1) * 1_000))
    return taken


def _seen(client: Client, page: str, count: int) -> float:
    """Seconds until the page has the number of all rows so far."""
    began, told = time.perf_counter(), f"; {count} rows in 24 h"
    while time.perf_counter() - began < PATIENCE_S:
        if told in client.get(page).content.decode():
            return time.perf_counter() - began
        time.sleep(LOOK_S)
    raise RuntimeError(f"“{told}” is not on the page after {PATIENCE_S:.0f} s")


@contextlib.contextmanager
def _processes() -> Iterator[None]:
    commands = (
        ("manage.py", "relay"),
        ("-m", "celery", "-q", "-A", "baristaweb", "worker", "--concurrency", "2", "--queues", "samples,imports"),
    )
    running = [
        subprocess.Popen(
            [sys.executable, "-W", "ignore", *command], cwd=ROOT, env=os.environ, stderr=subprocess.DEVNULL
        )
        for command in commands
    ]
    try:
        yield
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait(30)
