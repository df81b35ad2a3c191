"""`manage.py relay`: a process that runs until it is told to stop."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand

from baristaweb.lib import registry
from baristaweb.lib.relay import Relay
from deployments.workers import QueueBook


class Command(BaseCommand):
    help = "Find rows that need work and nudge the workers; end with SIGTERM. Two may run."

    def handle(self, *args: Any, **options: Any) -> None:
        stopping = threading.Event()

        def stop(signum: int, frame: FrameType | None) -> None:
            stopping.set()

        for wanted in (signal.SIGTERM, signal.SIGINT):
            signal.signal(wanted, stop)
        Relay(stopping, registry.errands(), registry.chores(), QueueBook()).run()
