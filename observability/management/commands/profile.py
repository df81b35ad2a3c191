"""manage.py profile FILES... --out P"""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from observability.domain.columns import ColumnError
from observability.domain.profile import Profile, merge_profiles
from observability.domain.spec import Spec, SpecError
from observability.domain.windows import GroupError, Keys, Window
from observability.engines.base import Engine, Options
from observability.engines.isolated import profile_isolated
from observability.engines.run import count_rows, find_sources, load_spec, propose_spec, run, save_profile
from observability.store.files import Limits, SourceError


class Bar:
    """A progress bar with rows per second on a terminal, silent elsewhere. `rows` is None when not known before."""

    def __init__(self, stream: Any, rows: int | None, features: int) -> None:
        self.stream, self.features, self.began = stream, max(features, 1), time.monotonic()
        self.total = None if rows is None else rows * self.features
        self.done, self._last = 0, 0.0
        self.is_shown = bool(getattr(stream, "isatty", lambda: False)())

    def __call__(self, values: int, rows: int) -> None:
        self.done += values
        now = time.monotonic()
        if self.is_shown and now - self._last > 0.1:
            self._last = now
            self.stream.write("\r" + self.text(now - self.began))
            self.stream.flush()

    def text(self, seconds: float) -> str:
        """What stands on the line after so many seconds."""
        rows = self.done / self.features
        speed = f"{rows / max(seconds, 1e-9):,.0f} rows/s"
        if self.total is None:
            return f"{rows:,.0f} rows  {speed} "
        share = min(self.done / self.total, 1.0) if self.total else 1.0
        filled = int(share * 30)
        return f"[{'#' * filled}{'.' * (30 - filled)}] {share:4.0%}  {speed} "

    def finish(self) -> None:
        if self.is_shown:
            self.stream.write("\r" + " " * 78 + "\r")


class Command(BaseCommand):
    help = "Fold prediction logs (Parquet, JSONL, CSV; local, s3://, gs://) into one small profile."
    requires_system_checks: list[str] = []
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="+", help="files or folders")
        parser.add_argument("--out", required=True, help="the profile to write, usually NAME.profile")
        parser.add_argument("--spec", help="JSON of a feature spec; without it one is proposed from the first file")
        parser.add_argument("--write-spec", help="write the spec that was used to this file")
        parser.add_argument("--engine", choices=[engine.value for engine in Engine], default=Engine.LOCAL.value)
        parser.add_argument("--window", choices=[window.value for window in Window], help="cut the log by time")
        parser.add_argument("--time", default="", help="the column that holds the time of a row")
        parser.add_argument(
            "--version", dest="version_column", default="", help="the column that holds the model version"
        )
        parser.add_argument("--threads", type=int, default=0, help="default: one per core")
        parser.add_argument(
            "--isolate", action="store_true", help="read each file in a child process with limits on memory and time"
        )
        parser.add_argument("--max-rows", type=int, default=Limits.rows, help="refuse files with more rows")

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        # Django's own --version would clash with the column of the model version.
        return super().create_parser(prog_name, subcommand, conflict_handler="resolve", **kwargs)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self._run(options)
        except (SourceError, SpecError, ColumnError, GroupError) as error:
            raise CommandError(str(error)) from None

    def _run(self, options: dict[str, Any]) -> None:
        began = time.monotonic()
        limits = Limits(rows=options["max_rows"])
        sources = find_sources(options["files"], limits)
        keys = Keys(
            Window(options["window"]) if options["window"] else None, options["time"], options["version_column"]
        )
        spec = load_spec(options["spec"]) if options["spec"] else self._propose(propose_spec(sources[0], limits), keys)
        if options["write_spec"]:
            with open(options["write_spec"], "wb") as file:
                file.write(spec.dumps())
        bar = Bar(sys.stderr, count_rows(sources, limits), len(spec))
        chosen = Options(keys=keys, limits=limits, threads=options["threads"])
        if options["isolate"]:
            profile = merge_profiles([profile_isolated(source, spec, chosen) for source in sources])
        else:
            profile = run(sources, spec, chosen, engine=Engine(options["engine"]), progress=bar)
        bar.finish()
        size = save_profile(profile, options["out"])
        self._report(profile, time.monotonic() - began, size, options["out"])

    def _propose(self, spec: Spec, keys: Keys) -> Spec:
        """The proposal without the key columns, printed with its reasons."""
        kept = Spec(tuple(feature for feature in spec if feature.name not in keys.columns))
        for feature in kept:
            self.stderr.write(f"  {feature.name[:40]:<24} {feature.kind.label:<16} {feature.reason}")
        return kept

    def _report(self, profile: Profile, seconds: float, size: int, out: str) -> None:
        rows, bad = profile.rows, profile.note.get("bad_rows", 0)
        speed = rows / max(seconds, 1e-9)
        self.stdout.write(
            f"{rows:,} rows x {len(profile.spec)} features in {len(profile.cells)} windows and versions, "
            f"{seconds:.1f} s ({speed:,.0f} rows/s), {bad:,} bad rows -> {out} ({size:,} bytes)\n"
            f"identity {profile.identity}"
        )
        for example in profile.note.get("bad_examples", ()):
            self.stderr.write(f"  {example['source']} row {example['row']}: {example['reason']}")
