"""manage.py profile FILES... --out P"""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from observability.domain.fold.columns import ColumnError
from observability.domain.fold.windows import GroupError, Keys, Window
from observability.domain.profile.profile import Profile
from observability.domain.profile.states import MergeError
from observability.domain.specs.spec import Spec, SpecError
from observability.engines.base import Engine, Options
from observability.engines.choose import count_rows, find_sources, run
from observability.engines.isolated import propose_each
from observability.engines.proposing import NOTHING, propose_from
from observability.store.files import Limits, Source, SourceError
from observability.store.profiles import load_spec, save_profile, save_spec
from observability.store.staging import sweep
from observability.store.writing import check_targets


def shown(name: str) -> str:
    """The name of a column on one line."""
    return name.encode("unicode_escape").decode()[:40] if not name.isprintable() else name[:40]


def count(text: str) -> int:
    """A whole number from 0 on."""
    if not text.isascii() or not text.isdigit():
        raise ArgumentTypeError(f"{text!r} is not a whole number from 0 on")
    return int(text)


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
        parser.add_argument("--threads", type=count, default=0, help="default: one per core")
        parser.add_argument(
            "--isolate",
            action="store_true",
            help="read each file in a child process with limits on memory and time; the others go on when one fails",
        )
        parser.add_argument("--max-rows", type=count, default=Limits.rows, help="refuse files with more rows")

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        # Django's own --version would clash with the column of the model version.
        return super().create_parser(prog_name, subcommand, conflict_handler="resolve", **kwargs)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self._run(options)
        except (SourceError, SpecError, ColumnError, GroupError, MergeError) as error:
            raise CommandError(str(error)) from None
        except OSError as error:  # of this machine, not of a file that was named: a full disk for temporary files
            raise CommandError(
                f"cannot go on: {error.strerror or error}: {error.filename or 'a temporary file'}"
            ) from None

    def _run(self, options: dict[str, Any]) -> None:
        began = time.monotonic()
        limits = Limits(rows=options["max_rows"])
        is_isolated = options["isolate"]
        sources = find_sources(options["files"], limits)
        given, spec_inode = (None, None) if options["spec"] is None else load_spec(options["spec"])
        targets = (("--out", options["out"]), ("--write-spec", options["write_spec"]))
        check_targets(targets, [source.inode for source in sources] + [spec_inode])
        sweep()
        keys = Keys(
            Window(options["window"]) if options["window"] else None, options["time"], options["version_column"]
        )
        if given is not None:
            spec = given
        else:
            found = propose_each(sources, limits) if is_isolated else propose_from(sources, limits)
            spec = self._propose(found.spec, keys, found.left_out)
        if not len(spec):
            raise CommandError(f"{sources[0].shown}: {NOTHING}, besides the time and version columns")
        if options["write_spec"] is not None:
            save_spec(spec, options["write_spec"])
        bar = Bar(sys.stderr, None if is_isolated else count_rows(sources, limits), len(spec))
        chosen = Options(keys=keys, limits=limits, threads=options["threads"])
        engine = Engine(options["engine"])
        try:
            profile = run(sources, spec, chosen, engine=engine, progress=bar, is_isolated=is_isolated)
        finally:
            bar.finish()
        self._refuse_only_bad(profile, sources)
        size = save_profile(profile, options["out"])
        self._report(profile, time.monotonic() - began, size, options["out"])
        refused = profile.note.get("refused", ())
        if refused:
            for one in refused:
                self.stderr.write(f"  left out: {one['reason']}")
            raise CommandError(f"{len(refused)} of {len(sources)} files could not be read and are not in the profile")

    def _refuse_only_bad(self, profile: Profile, sources: list[Source]) -> None:
        """A profile of nothing but bad rows is a wrong spec or a wrong time column, not a result."""
        bad = profile.note.get("bad_rows", 0)
        if profile.rows or not bad:
            return
        first = profile.note["bad_examples"][0]
        raise CommandError(
            f"none of the {bad:,} rows of {len(sources)} files can be used; the first: "
            f"{first['source']} row {first['row']}: {first['reason']}"
        )

    def _propose(self, spec: Spec, keys: Keys, left: dict[str, str]) -> Spec:
        """The proposal without the key columns, printed with its reasons, and what was left out."""
        kept = Spec(tuple(feature for feature in spec if feature.name not in keys.columns))
        for feature in kept:
            self.stderr.write(f"  {shown(feature.name):<24} {feature.kind.label:<16} {feature.reason}")
        for name, reason in left.items():
            self.stderr.write(f"  {shown(name):<24} {'left out':<16} {reason}")
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
