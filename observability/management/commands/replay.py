"""manage.py replay --spec S --reference FILES --logs FILES --time COLUMN:UNIT:ZONE --window hour|day"""

from __future__ import annotations

import json
from argparse import ArgumentParser
from dataclasses import replace
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from observability.domain.fold.borders import ZoneError, zone_of
from observability.domain.fold.columns import ColumnError
from observability.domain.fold.windows import GroupError, Keys, Window
from observability.domain.profile.encoding import FormatError
from observability.domain.profile.profile import Profile
from observability.domain.profile.states import MergeError
from observability.domain.results.replay import WindowResult, replay
from observability.domain.results.rules import Rules, RulesError
from observability.domain.results.windows import Reference
from observability.domain.specs.spec import TIME_UNITS, Spec, SpecError
from observability.engines.base import Options
from observability.engines.choose import find_sources
from observability.engines.proposing import column_names
from observability.engines.windowed import Gathered, gather
from observability.management.commands.profile import count, shown
from observability.store.files import Limits, SourceError
from observability.store.profiles import load_profile, load_spec, read_small

WRONG = 2  # the exit code for arguments that cannot be used, as of a wrong option
WINDOWS = 200_000  # windows times versions of one run
MAX_RULES = 1 << 20
SHOWN_FEATURES = 5


class Command(BaseCommand):
    help = "Judge each window of prediction logs against a reference, as the stored windows are judged; writes nothing."
    requires_system_checks: list[str] = []
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--spec", required=True, help="JSON of a feature spec")
        parser.add_argument("--reference", required=True, nargs="+", help="files or folders, or one .profile")
        parser.add_argument("--logs", required=True, nargs="+", help="files or folders")
        parser.add_argument(
            "--time",
            required=True,
            metavar="COLUMN:UNIT:ZONE",
            help="the column that holds the time of a row, the unit of its numbers (s, ms, us, ns; empty: told by "
            "their size) and the zone in which hours and days begin (empty: UTC)",
        )
        parser.add_argument("--window", required=True, choices=[window.value for window in Window])
        parser.add_argument(
            "--version", dest="version_column", default="", help="the column that holds the model version"
        )
        parser.add_argument("--rules", help='JSON of {"k", "n", "min_rows", "thresholds": {statistic: number}}')
        parser.add_argument("--json", action="store_true", help="print JSON")
        parser.add_argument("--threads", type=count, default=0, help="default: one per core")

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        # Django's own --version would clash with the column of the model version.
        return super().create_parser(prog_name, subcommand, conflict_handler="resolve", **kwargs)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            results = self._run(options)
        except (
            SourceError,
            SpecError,
            ColumnError,
            GroupError,
            FormatError,
            MergeError,
            RulesError,
            ZoneError,
        ) as error:
            raise CommandError(str(error), returncode=WRONG) from None
        except OSError as error:  # of this machine, not of a file that was named: a full disk for temporary files
            raise CommandError(
                f"cannot go on: {error.strerror or error}: {error.filename or 'a temporary file'}"
            ) from None
        if options["json"]:
            self.stdout.write(json.dumps([one.to_json() for one in results], indent=1, allow_nan=False))
        else:
            self._table(results)

    def _run(self, options: dict[str, Any]) -> list[WindowResult]:
        limits = Limits(groups=WINDOWS)
        spec, _ = load_spec(options["spec"])
        rules = Rules() if options["rules"] is None else _rules(options["rules"])
        keys = _keys(options)
        spec = Spec(tuple(one for one in spec if one.name not in keys.columns), spec.version)
        if not len(spec):
            raise SpecError(f"{options['spec']}: the spec has no feature besides the time and version columns")
        run = Options(keys=keys, limits=limits, threads=options["threads"])
        sources = find_sources(options["logs"], limits)
        if stored := [one for one in sources if one.format == "profile"]:
            raise SourceError(f"{stored[0].shown}: a profile is no log; it can be the reference")
        reference, known = self._reference(options["reference"], spec, run)
        baseline = {one.name: state for one in spec if (state := reference.state(one.name)) is not None}
        gathered = gather(sources, spec, run, baseline, known)
        self._say_bad(gathered)
        if not gathered.log.starts:
            raise SourceError(f"no row of the logs can be used: {_first_bad(gathered, sources[0].shown)}")
        return replay(gathered.log, reference, spec, rules, has_versions=bool(keys.version))

    def _reference(self, uris: list[str], spec: Spec, run: Options) -> tuple[Reference, Gathered | None]:
        """The reference by hours or days where it knows the time; of log files also their columns."""
        sources = find_sources(uris, run.limits)
        window, zone = run.keys.window, run.keys.zone
        is_day = window is Window.DAY
        if any(one.format == "profile" for one in sources):
            if len(sources) > 1:
                raise SourceError("one profile, or logs: profile them together to have them as one reference")
            stored = load_profile(sources[0].uri, run.limits)
            return Reference(stored.states, _step(stored, is_day, zone), is_day=is_day, zone=zone), None
        has_time = all(run.keys.time in column_names(one, run.limits) for one in sources)
        keys = replace(run.keys, version="") if has_time else Keys()
        made = gather(sources, spec, replace(run, keys=keys))
        if not made.log.rows:
            raise SourceError(f"no row of the reference can be used: {_first_bad(made, sources[0].shown)}")
        if not has_time:
            self.stderr.write(f"the reference has no column {run.keys.time!r}: hours and days are not told apart in it")
        self._say_bad(made)
        step = (86_400 if is_day else 3_600) if has_time else 0
        return Reference(made.log.states, step, is_day=is_day, zone=zone), made

    def _say_bad(self, made: Gathered) -> None:
        if made.bad.count:
            self.stderr.write(f"{made.bad.count:,} rows cannot be used")
            for one in made.bad.examples[:SHOWN_FEATURES]:
                self.stderr.write(f"  {one.source} row {one.row}: {one.reason}")

    def _table(self, results: list[WindowResult]) -> None:
        self.stdout.write(f"{'window (UTC)':<36} {'version':<12} {'rows':>12}  verdict")
        for one in results:
            span = f"{_short(one.to_json()['start'])} to {_short(one.to_json()['end'])}"
            state = f"{one.verdict.value}{' (not ended)' if one.is_partial else ''}"
            self.stdout.write(f"{span:<36} {shown(one.version or '-')[:12]:<12} {one.rows:>12,}  {state}")
            for found in one.findings:
                self.stdout.write(f"    {found.name:<16} {shown(found.feature) or '-':<24} {found.reason}")
            moved = [feature for feature in one.features if feature.verdict.value in ("moved", "drift")]
            for feature in moved[:SHOWN_FEATURES]:
                self.stdout.write(f"    {feature.verdict.value:<16} {shown(feature.name):<24} {feature.reason}")
            if len(moved) > SHOWN_FEATURES:
                self.stdout.write(f"    and {len(moved) - SHOWN_FEATURES} more features; --json has all")
        moved_windows = sum(one.verdict.value in ("moved", "drift") for one in results)
        said = sum(bool(one.findings) for one in results)
        self.stdout.write(f"{len(results)} rows: {moved_windows} with features that moved, {said} with findings")


def _first_bad(made: Gathered, name: str) -> str:
    for one in made.bad.examples:
        return f"{one.source} row {one.row}: {one.reason}"
    return f"{name} is empty"


def _rules(path: str) -> Rules:
    try:
        return Rules.loads(read_small(path, MAX_RULES)[0])
    except RulesError as error:
        raise RulesError(f"{path}: {error}") from None


def _keys(options: dict[str, Any]) -> Keys:
    """COLUMN:UNIT:ZONE; a column's own name may hold colons where unit and zone are both given."""
    column, unit, zone = (*options["time"].rsplit(":", 2), "", "")[:3]
    if not column:
        raise ColumnError("--time is COLUMN:UNIT:ZONE, such as ts:ms:Europe/Amsterdam")
    if unit and unit not in TIME_UNITS:
        raise ColumnError(f"--time: unknown unit {unit[:20]!r}; one of {', '.join(TIME_UNITS)}, or empty")
    zone_of(zone)
    zone = "" if zone in ("UTC", "Etc/UTC", "Z") else zone
    return Keys(Window(options["window"]), column, options["version_column"], unit, zone)


def _step(stored: Profile, is_day: bool, zone: str) -> int:
    """The length of a stored profile's windows, where they can be told apart by the hours or days of the zone."""
    if stored.window == Window.HOUR.value:
        return 3_600
    return 86_400 if stored.window == Window.DAY.value and is_day and not zone else 0


def _short(at: str) -> str:
    return at[:16].replace("T", " ")
