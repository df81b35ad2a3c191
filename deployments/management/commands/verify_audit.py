"""`manage.py verify_audit [--anchor SEQ:HASH]`: recomputes the chain of the audit log and says what is wrong."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from deployments.queries import audit_chain

MOST_SHOWN = 50


def _anchor(text: str) -> audit_chain.Anchor:
    try:
        return audit_chain.Anchor.parse(text)
    except ValueError as problem:
        raise ArgumentTypeError(str(problem)) from problem


class Command(BaseCommand):
    help = "Recompute the chain of the audit log. Exit code 1 and a sentence for each problem."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--anchor",
            type=_anchor,
            action="append",
            default=[],
            metavar="SEQ:HASH",
            help="an event noted earlier outside of this database; may be given more than once",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        found = audit_chain.verify(options["anchor"])
        for finding in found.findings[:MOST_SHOWN]:
            self.stderr.write(finding)
        if len(found.findings) > MOST_SHOWN:
            self.stderr.write(f"And {len(found.findings) - MOST_SHOWN} more.")
        if found.findings:
            ending = "s" * (len(found.findings) > 1)
            raise CommandError(f"The audit log does not verify: {len(found.findings)} finding{ending}.")
        self.stdout.write(f"The audit log is intact: {found.newest.seq} events. Anchor: {found.newest}")
