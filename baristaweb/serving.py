"""How gunicorn serves the site: `gunicorn --config python:baristaweb.serving baristaweb.wsgi`.

The folder is named before anything imports prometheus_client, which looks for it then: with it, `/metrics` answers for
all of gunicorn's processes and not only for the one that was asked.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from typing import Any

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
_made = None if FOLDER in os.environ else tempfile.mkdtemp(prefix="barista-metrics-")
os.environ.setdefault(FOLDER, _made or "")

workers = 2
threads = 4


def child_exit(server: Any, worker: Any) -> None:
    """A process ended: what it counted stays, what it gauged is over."""
    from prometheus_client import multiprocess

    multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def on_exit(server: Any) -> None:
    if _made:
        shutil.rmtree(_made, ignore_errors=True)
