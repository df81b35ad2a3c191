"""How gunicorn serves the site: `gunicorn --config python:baristaweb.serving baristaweb.wsgi`.

The folder of the metrics is named before anything imports prometheus_client, which looks for it then: with it,
`/metrics` answers for all of gunicorn's processes and not only for the one that was asked.
"""

from __future__ import annotations

import os
from typing import Any

from baristaweb.server import metrics_folder

folder = metrics_folder.open_folder(os.environ)

workers = 2
threads = 4
# A thread gets whole requests only (docs/decisions/0009-whole-requests.md).
worker_class = "baristaweb.server.whole_requests.WholeRequests"
worker_connections = 1000
# Longer than most clients keep an idle connection: who closes it must not be the one that is about to be asked.
keepalive = 75
# A file is taken from its thread whole (server/outgoing.py), and not in pieces of 8 KB.
sendfile = True


def child_exit(server: Any, worker: Any) -> None:
    """A process ended: what it counted stays, what it gauged is over."""
    from prometheus_client import multiprocess

    multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def on_exit(server: Any) -> None:
    folder.close()
