"""Judge stored windows again: `manage.py evaluate_windows [DEPLOYMENT ...] [--anew]`."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from observability.evaluation import judge
from observability.models import LogSource


class Command(BaseCommand):
    help = "Judge the closed windows of log sources by the baseline and the rules that are in force now."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("deployments", nargs="*", metavar="DEPLOYMENT", help="slugs; none: all")
        parser.add_argument("--anew", action="store_true", help="all windows, not only those that changed")

    def handle(self, *args: Any, **options: Any) -> None:
        found = LogSource.objects.filter(removed_at=None).select_related("deployment").order_by("pk")
        if options["deployments"]:
            found = found.filter(deployment__slug__in=options["deployments"])
            known = {source.deployment.slug for source in found}
            if missing := sorted(set(options["deployments"]) - known):
                raise CommandError(f"no log source belongs to a deployment {missing[0][:80]!r}")
        for source in found:
            judged = judge.evaluate(source.pk, anew=options["anew"])
            self.stdout.write(f"{source.deployment.slug}: {judged} windows judged")
