"""`manage.py cluster_progress SLUG`: whoever builds or starts a cluster tells what it is doing, for pages."""

from __future__ import annotations

import sys
import threading
import time
from argparse import ArgumentParser
from queue import Empty, Queue
from typing import Any, Final, TextIO

from django.core.management.base import BaseCommand, CommandError

from deployments.actions import clusters
from deployments.models.cluster import PROGRESS_S

AGAIN_S: Final = PROGRESS_S / 4
TRY_S: Final = 0.5


class Command(BaseCommand):
    help = (
        "Show on the clusters page why a cluster cannot be reached yet. Reads one line a step on standard input; an "
        f"empty line takes it back. The last line counts while the input is open, and for {PROGRESS_S} s after it. "
        "Waits until the cluster is registered."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", help="slug of the cluster")

    def handle(self, *args: Any, **options: Any) -> None:
        lines: Queue[str | None] = Queue()
        threading.Thread(target=_read, args=(sys.stdin, lines), daemon=True).start()
        slug, last, is_stored, ends_at = str(options["slug"]), None, True, None
        while True:
            wait_s = AGAIN_S if is_stored else TRY_S
            try:
                line = lines.get(timeout=wait_s if ends_at is None else TRY_S)
            except Empty:
                pass
            else:
                if line is None:
                    ends_at = time.monotonic() + PROGRESS_S
                else:
                    last = line
                    is_stored = False
            if last is not None and (ends_at is None or not is_stored):
                is_stored = clusters.tell(slug=slug, words=last)
            if ends_at is not None and is_stored:
                return
            if ends_at is not None and time.monotonic() > ends_at:
                raise CommandError(f"No cluster {slug} was registered within {PROGRESS_S} s.")


def _read(stream: TextIO, lines: Queue[str | None]) -> None:
    for line in stream:
        lines.put(line.strip())
    lines.put(None)
