"""Import workers to be killed: `python -m observability.tests.trial.workers SOURCE` forks one for each line it reads.

Forking spares each the start of Django. A line is answered by the worker's pid; the end of the input ends nothing.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from datetime import timedelta

import django

django.setup()

from django.db import Error, connections  # noqa: E402  models need the apps

from observability.ingest import compact, work  # noqa: E402


def main() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # whoever is killed leaves nothing behind
    for _ in sys.stdin:
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            _work(int(sys.argv[1]))
        print(pid, flush=True)


def _work(source: int) -> None:
    work.KEEP_EVERY_S, compact.QUIET = 0.1, timedelta(0)
    importer = work.Importer()
    while True:
        try:
            if not importer.work(source, seconds=1.0):
                time.sleep(0.02)
        except Error:
            connections.close_all()
            time.sleep(0.1)


if __name__ == "__main__":
    main()
