"""`manage.py watch`: a process that runs until it is told to stop."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand

from deployments.watch import WatchProcess


class Command(BaseCommand):
    help = "Watch the clusters and keep what pages show up to date; end with SIGTERM."

    def handle(self, *args: Any, **options: Any) -> None:
        stopping = threading.Event()

        def stop(signum: int, frame: FrameType | None) -> None:
            stopping.set()

        for wanted in (signal.SIGTERM, signal.SIGINT):
            signal.signal(wanted, stop)
        WatchProcess(stopping).run()
