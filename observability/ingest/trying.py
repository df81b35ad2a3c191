"""A dry run: what a source would do, by its newest objects. Nothing is stored of it but the answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from baristaweb.lib.clock import now
from observability.domain.fold.borders import HOUR
from observability.domain.fold.windows import Keys, Window
from observability.domain.sources.closing import gaps
from observability.domain.sources.columns import Column, roles_json
from observability.domain.sources.prefixes import Prefix, between, of_object
from observability.domain.sources.template import Template
from observability.domain.specs.spec import Spec
from observability.engines.base import Options
from observability.engines.masked import Secrecy
from observability.ingest.asked import DAY, LOOKED_AT, counted, look, place, room, say
from observability.ingest.children import VERSIONS, features_of, folded, repeated
from observability.models import SampleRequest
from observability.store.access import Access
from observability.store.files import Limits, SourceError
from observability.store.listing import Listed, Listing
from observability.store.sandbox import ChildLimits
from observability.store.warm import Reader

EXAMPLES: Final = 8


def tried(row: SampleRequest, reader: Reader) -> dict[str, Any]:
    """What the source would do, by its newest objects. Nothing is stored of it but this answer."""
    template, access = place(row)
    asked = row.question
    limits = Limits(file_bytes=int(asked["max_object_bytes"]))
    at, zone = int(now().timestamp()), asked["zone"]
    say(row, "Listing what the address names")
    days = max(asked["backfill_d"], 2)
    prefixes = between(template, start=at - days * DAY, end=at + 1, zone=zone)
    listing = look(reader, template, access, at - days * DAY, at + 1, zone, asked.get("marker", ""))
    found = listing.objects
    if not found:
        raise SourceError(f"No object of the last {days} days matches this address.")
    newest = sorted((seen for seen in found if seen.size > 0), key=lambda seen: -seen.mtime_ns)[:LOOKED_AT]
    if not newest:
        raise SourceError("Every object is empty.")
    columns = [Column.from_json(one) for one in asked["proposal"]]
    say(row, "Placing columns")
    told_columns = [one.to_json() for one in columns]
    placed = reader.call(
        features_of, newest[0].uri, access, limits, told_columns, asked["kinds"], limits=room(newest[0].size)
    )
    columns = [Column.from_json(one) for one in placed]
    spec = Spec(tuple(one.feature for one in columns if one.role.is_folded and one.feature is not None))
    told = roles_json(columns, **asked["time"])
    time = told["time"]
    zones = ["" if one == "UTC" else one for one in (zone, time["zone"])]
    keys = Keys(Window(asked["window"]), time["column"], told["model_version"], time["unit"], *zones)
    result = {
        "objects": counted(found) | {"days": _by_day(found, template, zone)},
        "gaps": _gaps(template, prefixes, found, zone),
        "unmarked": _unmarked(listing, asked.get("marker", "")),
        "repeated": _repeated(row, reader, access, limits, newest, told["prediction_id"]),
        "columns": told,
        "spec": spec.to_json(),
        "sensitive": [one.name for one in columns if one.is_sensitive],
    }
    return result | _measured(row, reader, newest, spec, Options(keys=keys, limits=limits), template, columns, access)


def _by_day(found: Sequence[Listed], template: Template, zone: str) -> list[tuple[str, int, int]]:
    """(date, objects, bytes) by the date in the name, else by when they were written."""
    count: Counter[str] = Counter()
    size: Counter[str] = Counter()
    for seen in found:
        span = of_object(template, seen.uri, zone)
        at = span[0] if span and span[1] else seen.mtime_ns // 10**9
        day = datetime.fromtimestamp(at, UTC).date().isoformat()
        count[day] += 1
        size[day] += seen.size
    return [(day, count[day], size[day]) for day in sorted(count)][-120:]


def _gaps(
    template: Template, prefixes: Sequence[Prefix], found: Sequence[Listed], zone: str
) -> list[tuple[str, str, int]]:
    if not template.is_dated:
        return []
    spans = {of_object(template, seen.uri, zone) for seen in found}
    have = {prefix.uri for prefix in prefixes if (prefix.start, prefix.end) in spans}
    return [
        (
            datetime.fromtimestamp(gap.start, UTC).isoformat(),
            datetime.fromtimestamp(gap.end, UTC).isoformat(),
            gap.count,
        )
        for gap in gaps(prefixes, have)
    ][:20]


def _unmarked(listing: Listing, marker: str) -> dict[str, Any] | None:
    """Of the folders with objects those that hold no marker: nothing in them is read yet. None without a marker."""
    if not marker:
        return None
    folders = {seen.uri.rpartition("/")[0] for seen in listing.objects}
    return {"marker": marker, "folders": len(folders), "without": len(folders - listing.markers)}


def _repeated(
    row: SampleRequest, reader: Reader, access: Access, limits: Limits, newest: Sequence[Listed], column: str
) -> dict[str, int] | None:
    """How many prediction ids of the newest objects came before; None where no column has them."""
    if not column:
        return None
    say(row, "Looking for rows that came twice")
    room_for = ChildLimits.for_bytes(sum(seen.size for seen in newest))
    try:
        found: dict[str, int] = reader.call(
            repeated, [seen.uri for seen in newest], access, limits, column, limits=room_for
        )
    except SourceError:  # what is wrong with an object is said where it is folded
        return None
    return found


@dataclass(eq=False)
class _Measured:
    """What the newest objects gave together."""

    rows: int = 0
    bad: int = 0
    size: int = 0
    kept: int = 0
    windows: int = 0
    agreeing: int = 0
    seconds: float = 0.0
    reasons: Counter[str] = field(default_factory=Counter)
    examples: list[tuple[str, int, str]] = field(default_factory=list)
    versions: set[str] = field(default_factory=set)
    refused: list[str] = field(default_factory=list)
    findings: list[dict[str, str]] = field(default_factory=list)

    def add(self, seen: Listed, told: dict[str, Any]) -> None:
        self.rows += told["rows"]
        self.bad += told["bad"]
        self.size += seen.size
        self.kept += told["kept"]
        self.windows += len(told["windows"])
        self.seconds += told["seconds"]
        self.reasons.update(reason for _, reason in told["examples"])
        self.examples += [(seen.uri, line, reason) for line, reason in told["examples"]][:EXAMPLES]
        self.versions |= set(told["versions"])
        self.findings = self.findings or told["findings"]

    def problem(self) -> str:
        """Why nothing came of it; "" when rows did."""
        if self.rows:
            return ""
        if self.refused:
            return self.refused[0]
        return (
            f"No row of the newest objects can be counted: {self.examples[0][2] if self.examples else 'there is none'}."
        )

    def to_json(self, *, objects: int, is_dated: bool, windows_a_day: int) -> dict[str, Any]:
        return {
            "sample": {
                "objects": objects - len(self.refused),
                "rows": self.rows,
                "bad": self.bad,
                "reasons": self.reasons.most_common(EXAMPLES),
                "examples": self.examples[:EXAMPLES],
                "refused": self.refused,
                "agreeing": self.agreeing / self.rows if is_dated else None,
            },
            "versions": sorted(self.versions)[:VERSIONS],
            "findings": self.findings[:EXAMPLES],
            "speed": {
                "rows_s": self.rows / max(self.seconds, 1e-3),
                "bytes_s": self.size / max(self.seconds, 1e-3),
            },
            "kept_a_day": int(self.kept / max(self.windows, 1) * windows_a_day),
        }


def _measured(
    row: SampleRequest,
    reader: Reader,
    newest: Sequence[Listed],
    spec: Spec,
    options: Options,
    template: Template,
    columns: Sequence[Column],
    access: Access,
) -> dict[str, Any]:
    """Rows, bad rows, bytes to keep and the speed of a backfill, measured on the newest objects. Raises SourceError."""
    found = _Measured()
    declared = {one.name: one.type for one in columns}
    hidden = frozenset(one.name for one in columns if one.is_sensitive)
    secrecy = Secrecy(sensitive=hidden)
    for number, seen in enumerate(newest, 1):
        say(row, f"Folding {number} of {len(newest)} objects")
        given = (seen.uri, access, spec.dumps(), options, declared, secrecy)
        try:
            told = reader.call(folded, *given, limits=ChildLimits.for_bytes(seen.size))
        except SourceError as error:
            found.refused.append(str(error)[:300])
            continue
        found.add(seen, told)
        span = of_object(template, seen.uri, row.question["zone"])
        is_any = span is None or not span[1]
        found.agreeing += sum(
            count for start, count in told["windows"].items() if is_any or (span and _overlaps(start, span, row))
        )
    if problem := found.problem():
        raise SourceError(problem)
    a_day = 24 if row.question["window"] == "hour" else 1
    return found.to_json(objects=len(newest), is_dated=template.is_dated, windows_a_day=a_day)


def _overlaps(start: int, span: tuple[int, int], row: SampleRequest) -> bool:
    length = HOUR if row.question["window"] == "hour" else 25 * HOUR
    return start < span[1] and start + length > span[0]
