"""manage.py compare REF CUR"""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from observability.domain.compare.instants import Span, Windows
from observability.domain.compare.result import Comparison, Verdict, cannot
from observability.domain.fold.columns import ColumnError
from observability.domain.fold.windows import GroupError, Window
from observability.domain.profile.encoding import FormatError
from observability.domain.profile.profile import Profile
from observability.domain.profile.states import MergeError
from observability.domain.specs.spec import FeatureSpec, Spec, SpecError
from observability.domain.tools.choose import Mode, compare_as
from observability.engines.base import Options
from observability.engines.choose import find_sources, run
from observability.engines.proposing import dressed_for, propose_from
from observability.store.files import Limits, SourceError, shown
from observability.store.profiles import load_profile, load_spec

SHOWN = ("psi", "ks", "w1", "js", "linf", "tvd")


class Command(BaseCommand):
    help = "Compare two logs or profiles feature by feature."
    requires_system_checks: list[str] = []
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("ref", help="reference: a log or a .profile")
        parser.add_argument("cur", help="current: a log or a .profile")
        parser.add_argument("--as", dest="mode", choices=[mode.value for mode in Mode], default=Mode.BARISTA.value)
        parser.add_argument("--feature", action="append", help="only this feature; may be repeated")
        parser.add_argument("--spec", help="JSON of a feature spec for logs; default: proposed from the reference")
        parser.add_argument("--json", action="store_true", help="print JSON")
        parser.add_argument("--explain", action="store_true", help="add the bins and contributions behind each number")
        parser.add_argument("--threads", type=int, default=0)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            comparisons = self._compare(options)
        except (SourceError, SpecError, ColumnError, GroupError, FormatError, MergeError) as error:
            raise CommandError(str(error)) from None
        except OSError as error:  # of this machine, not of a file that was named: a full disk for temporary files
            raise CommandError(
                f"cannot go on: {error.strerror or error}: {error.filename or 'a temporary file'}"
            ) from None
        if options["json"]:
            features = [self._as_json(one, options["explain"]) for one in comparisons]
            self.stdout.write(json.dumps({"mode": options["mode"], "features": features}, indent=1))
            return
        self._table(comparisons)
        if options["explain"]:
            for one in comparisons:
                self._explain(one)

    def _compare(self, options: dict[str, Any]) -> list[Comparison]:
        limits = Limits()
        given = None if options["spec"] is None else load_spec(options["spec"])[0]
        sides = [_stored(options[side], limits) for side in ("ref", "cur")]
        # A log is folded by the spec of the profile beside it, or else by one proposed from the reference.
        spec = given or next((side.spec for side in sides if side is not None), None)
        run_options = Options(limits=limits, threads=max(options["threads"], 0))
        ref = sides[0] or self._fold(options["ref"], spec, run_options, is_given=given is not None)
        cur = sides[1] or self._fold(options["cur"], spec or ref.spec, run_options, is_given=given is not None)
        chosen = self._chosen(ref.spec, options["feature"])
        return [_one(Mode(options["mode"]), ref, cur, feature) for feature in chosen]

    def _fold(self, uri: str, spec: Spec | None, options: Options, *, is_given: bool) -> Profile:
        """A log or a folder of logs, folded now; texts are read in the dress of this log unless a spec was given."""
        sources = find_sources([uri], options.limits)
        if spec is None:
            found = propose_from(sources, options.limits)
            spec = found.spec
            for name, reason in found.left_out.items():
                self.stderr.write(f"{uri}: {shown(name)!r} is left out: {reason}")
        elif not is_given:
            spec, hints = dressed_for(spec, sources, options.limits)
            for name, reason in hints.items():
                self.stderr.write(f"{uri}: {shown(name)!r}: {reason}")
        made = run(sources, spec, options)
        if bad := made.note.get("bad_rows", 0):
            first = made.note["bad_examples"][0]
            reason = f"{first['source']} row {first['row']}: {first['reason']}"
            if not made.rows:
                raise SourceError(f"none of the {bad:,} rows of {uri} can be used; the first: {reason}")
            self.stderr.write(f"{uri}: {bad:,} bad rows are not in the comparison; the first: {reason}")
        return made

    def _chosen(self, spec: Spec, names: list[str] | None) -> list[FeatureSpec]:
        if not names:
            return list(spec)
        for name in names:
            if name not in spec.by_name:
                raise SpecError(f"no feature {name!r}; there are {', '.join(list(spec.by_name)[:20])}")
        return [spec.by_name[name] for name in names]

    def _as_json(self, one: Comparison, explain: bool) -> dict[str, Any]:
        found = one.to_json()
        if explain:
            found["explain"] = {
                name: one.explain(name) for name, stat in one.statistics.items() if stat.bins is not None
            }
        return found

    def _table(self, comparisons: list[Comparison]) -> None:
        shown = [name for name in (*SHOWN, "kl", "hellinger", "chi2") if any(_value(one, name) for one in comparisons)]
        self.stdout.write(f"{'feature':<28} {'kind':<10} " + " ".join(f"{name:>9}" for name in shown) + "  verdict")
        for one in comparisons:
            cells = " ".join(f"{_value(one, name) or '-':>9}" for name in shown)
            self.stdout.write(f"{one.name[:28]:<28} {one.kind:<10} {cells}  {one.verdict.value}: {one.reason}")
        drifted = sum(one.verdict is Verdict.DRIFT for one in comparisons)
        self.stdout.write(f"{drifted} of {len(comparisons)} features drifted")

    def _explain(self, one: Comparison) -> None:
        for name, stat in one.statistics.items():
            if stat.bins is None:
                continue
            self.stdout.write(f"\n{one.name} {name} = {stat.value:.6f} +- {stat.uncertainty:.6f}; {stat.formula}")
            for row in one.explain(name)["bins"]:
                self.stdout.write(
                    f"  {row['bin'][:44]:<44} {row['ref']:>12,} {row['cur']:>12,} "
                    f"{row['ref_share']:>8.4f} {row['cur_share']:>8.4f} {row['contribution']:>+10.6f}"
                )


def _stored(uri: str, limits: Limits) -> Profile | None:
    """The stored profile of that name; None for logs and folders."""
    sources = find_sources([uri], limits)
    return load_profile(uri, limits) if len(sources) == 1 and sources[0].format == "profile" else None


def _one(mode: Mode, ref: Profile, cur: Profile, feature: FeatureSpec) -> Comparison:
    sides = [profile.feature(feature.name) for profile in (ref, cur)]
    first, second = sides
    if first is None or second is None:
        side = "reference" if first is None else "current side"
        return Comparison(
            feature.name,
            feature.kind.value,
            (0, 0),
            {"psi": cannot("psi", "missing")},
            Verdict.UNKNOWN,
            f"the {side} does not have this feature",
        )
    return compare_as(mode, first, second, feature, _windows(ref, cur))


def _windows(ref: Profile, cur: Profile) -> Windows | None:
    """What the two sides cover, where both were cut into windows."""
    spans = []
    for profile in (ref, cur):
        starts = [cell.window for cell in profile.states if cell.window is not None]
        if not profile.window or not starts:
            return None
        spans.append(Span(min(starts), max(starts) + Window(profile.window).seconds))
    return spans[0], spans[1]


def _value(one: Comparison, name: str) -> str:
    stat = one.statistics.get(name)
    return "" if stat is None or stat.value is None else f"{stat.value:.4f}"
