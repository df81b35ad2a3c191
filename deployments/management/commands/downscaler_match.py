"""`manage.py downscaler_match`: what a kube-downscaler would say of a time specification at an instant."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from deployments.domain.sleep.dialects import instants
from deployments.domain.sleep.dialects.match import answer, answer_line
from deployments.domain.sleep.dialects.spans import Defaults, Dialect


class Command(BaseCommand):
    help = (
        "Print true, false or error: ... as py-kube-downscaler (py) or GoKubeDownscaler (go) would answer for SPEC at "
        "INSTANT (RFC 3339 with offset). With --batch: lines of dialect TAB spec TAB instant on standard input."
    )
    requires_system_checks = []

    def run_from_argv(self, argv: list[str]) -> None:
        """A specification may begin with a dash: it stands before an instant at the end, so it is no option."""
        if len(argv) > 4 and argv[-2].startswith("-") and "--" not in argv and _is_instant(argv[-1]):
            argv = [*argv[:-2], "--", *argv[-2:]]
        super().run_from_argv(argv)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dialect", choices=[member.value for member in Dialect])
        parser.add_argument("--batch", action="store_true", help="read lines from standard input")
        parser.add_argument("--default-timezone", metavar="Z", help="as DEFAULT_TIMEZONE of those programs")
        parser.add_argument("--default-weekframe", metavar="W", help="as DEFAULT_WEEKFRAME of those programs")
        parser.add_argument("spec", nargs="?", metavar="SPEC")
        parser.add_argument("instant", nargs="?", metavar="INSTANT")

    def handle(self, *args: Any, **options: Any) -> None:
        defaults = Defaults(zone=options["default_timezone"], weekframe=options["default_weekframe"])
        if options["batch"]:
            if options["spec"] is not None:
                raise CommandError("--batch reads SPEC and INSTANT from standard input.", returncode=2)
            self._batch(defaults)
            return
        if options["dialect"] is None or options["instant"] is None:
            raise CommandError("Give --dialect, SPEC and INSTANT, or --batch.", returncode=2)
        try:
            at = instants.parse(options["instant"])
        except instants.BadInstant as error:
            raise CommandError(f"INSTANT: {error}", returncode=2) from None
        self.stdout.write(answer(Dialect(options["dialect"]), options["spec"], at, defaults))

    def _batch(self, defaults: Defaults) -> None:
        """Only a line feed ends a line: other separators may be part of a specification."""
        for raw in sys.stdin.buffer:
            line = raw.removesuffix(b"\n").removesuffix(b"\r").decode("utf-8", "surrogateescape")
            self.stdout.write(answer_line(line, defaults))


def _is_instant(text: str) -> bool:
    try:
        instants.parse(text)
    except instants.BadInstant:
        return False
    return True
