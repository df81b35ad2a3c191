"""`manage.py seed_costs`: sixty days of measured costs for the demo, labelled as such, and budgets that follow from
them. Repeating it changes nothing."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from baristaweb.lib.clock import now
from deployments.management.seed import budgets, costs, making
from deployments.models import Cluster, CostDue, Deployment, OpenPod

POLL_S = 1.0


class Command(BaseCommand):
    help = "Make up what the demo's deployments cost before it was started, from the pods that run now."
    requires_migrations_checks = True

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--wait", type=float, default=60.0, help="seconds to wait for the watch to measure pods")

    def handle(self, *args: Any, **options: Any) -> None:
        demo = Cluster.objects.filter(slug=making.CLUSTER).first()
        if demo is None:
            raise CommandError("Run seed_demo first.")
        wanted = Deployment.objects.live().filter(namespace__cluster=demo, current__isnull=False).count()
        _wait(lambda: self._are_measured(demo, wanted), seconds=options["wait"])
        made = costs.seed(demo, at=now())
        self.stdout.write(f"{made} pods of the last {costs.DAYS} days made up; the relay prices them now.")
        if not wanted:
            return
        # Limits follow from what is spent: before the relay has priced it, they would be those of a month without cost.
        today = now().date()
        _wait(lambda: not CostDue.objects.filter(cluster=demo, day__lt=today).exists(), seconds=5 * options["wait"])
        budgets.seed(by=making.actor("platform"), note=making.SETUP)

    def _are_measured(self, demo: Cluster, wanted: int) -> bool:
        """Some deployments of the demo never run, on purpose."""
        rows = OpenPod.objects.filter(cluster=demo)
        return rows.values("deployment").distinct().count() * 10 >= wanted * 8


def _wait(is_done: Callable[[], bool], *, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and not is_done():
        time.sleep(POLL_S)
