"""`manage.py pull_prices`: read Google's catalog now, and take over prices that moved far with --accept."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from deployments.models import PricePull
from deployments.prices import refresh


class Command(BaseCommand):
    help = "Read Google's price catalog for the clusters on Google. The relay does it once a day by itself."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--accept", action="store_true", help="take over prices that moved by more than the bound")

    def handle(self, *args: Any, **options: Any) -> None:
        if not refresh.on_google():
            raise CommandError("No active cluster is on Google with its location set.")
        refresh.catalog(refresh.ROW, accept=options["accept"])
        row = PricePull.objects.get(pk=refresh.ROW)
        if row.read_at != row.tried_at:
            raise CommandError(row.fault)
        self.stdout.write("The catalog was read." + (f" Not taken over:\n{row.fault}" if row.fault else ""))
