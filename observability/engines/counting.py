"""One object to what it contributes: states by cell, bad rows, and how its columns differ from what was declared.

What runs here is the child of an import worker: it alone opens objects. Everything it takes and gives can be pickled.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Final

from observability.domain.fold.columns import ColumnError
from observability.domain.fold.windows import Keys
from observability.domain.profile.profile import Profile
from observability.domain.profile.stored import dump_states
from observability.domain.sources.schema import compare
from observability.domain.specs.kept import kept_spec
from observability.domain.specs.spec import FeatureSpec, Spec
from observability.engines.base import Options
from observability.engines.masked import MaskedFold, Secrecy, without_extremes
from observability.engines.proposing import column_names
from observability.store.access import Access, StoreError, open_object, tag_of
from observability.store.files import Limits, Source, SourceError
from observability.store.parquet import ParquetLog

EXAMPLES: Final = 20
ROUNDS: Final = 20
STORES: Final = re.compile(
    r"AWS Error (?:NETWORK|SLOW_DOWN|SERVICE_UNAVAILABLE|INTERNAL|REQUEST|THROTTL|ACCESS_DENIED|INVALID_ACCESS"
    r"|SIGNATURE|EXPIRED|UNKNOWN|MISSING_AUTH|INVALID_SIGNATURE|UNRECOGNIZED|NOT_INITIALIZED)"
    r"|curlCode|HTTP status (?:401|403|429|5\d\d)|UNAVAILABLE|DEADLINE_EXCEEDED|PERMISSION_DENIED|UNAUTHENTICATED"
    r"|RESOURCE_EXHAUSTED|ExpiredToken|[Cc]onnection|cannot be reached|timed? ?out"
)


@dataclass(frozen=True)
class Identity:
    """What tells whether an object is still the same."""

    size: int
    mtime_ns: int
    tag: str


@dataclass(frozen=True, kw_only=True)
class Order:
    """How one object is to be counted, by one spec version."""

    spec_id: int
    spec: bytes
    keys: Keys
    secrecy: Secrecy = field(default_factory=Secrecy)
    known: frozenset[str] = frozenset()  # columns that are not counted on purpose


@dataclass(frozen=True)
class Cell:
    """A contribution: rows of one window (epoch seconds), version and segment; their states, named by their sha256."""

    spec_id: int
    version: str
    start: int
    segment: str
    rows: int
    digest: str
    data: bytes


@dataclass(frozen=True, kw_only=True)
class Counted:
    """The answer. `is_changed`: the object was replaced or grew while it was read, and nothing else here counts."""

    identity: Identity
    cells: tuple[Cell, ...] = ()
    bad_rows: int = 0
    bad_examples: tuple[tuple[int, str], ...] = ()
    schema: tuple[tuple[str, str], ...] = ()
    findings: tuple[tuple[str, str, str], ...] = ()  # (name, column, sentence)
    is_changed: bool = False


def identify(uri: str, access: Access, limits: Limits) -> Identity:
    """The object as it is now."""
    with access.entered() as store:
        found = open_object(uri, access, store, limits)
        return Identity(found.size, found.mtime_ns, tag_of(found))


def count(
    uri: str, access: Access, orders: Sequence[Order], options: Options, is_looked_at_again: bool = True
) -> Counted:
    """Read the object once for each order. Raises StoreError for the store's faults, SourceError for the object's.

    `is_looked_at_again` False is for trials that show what it is good for.
    """
    with access.entered() as store:
        source = open_object(uri, access, store, options.limits)
        if not is_looked_at_again:
            source = _Unwatched(**{one.name: getattr(source, one.name) for one in fields(source)})
        before = Identity(source.size, source.mtime_ns, tag_of(source))
        try:
            counted = _count(source, before, orders, options)
        except (SourceError, ColumnError, OSError) as error:
            counted = None
            problem = error
        if is_looked_at_again:
            after = open_object(uri, access, store, replace(options.limits, file_bytes=1 << 62))
            now = Identity(after.size, after.mtime_ns, tag_of(after))
            if now != before:
                return Counted(identity=now, is_changed=True)
        if counted is None:
            if isinstance(problem, StoreError) or (not source.is_local and STORES.search(str(problem))):
                raise StoreError(str(problem)[:400])
            raise SourceError(str(problem)[:400])
        return counted


class _Unwatched(Source):
    """For trials: nobody looks whether it changes."""

    def check_unchanged(self) -> None:
        """Nothing."""


def _count(source: Source, identity: Identity, orders: Sequence[Order], options: Options) -> Counted:
    schema = _schema(source, options.limits)
    counted = Counted(identity=identity, schema=tuple(schema.items()))
    for place, order in enumerate(orders):
        made, findings = _fold(source, order, options, schema)
        cells = tuple(_cells(made, order))
        counted = replace(counted, cells=counted.cells + cells)
        if place == 0:  # the spec that new objects are counted by is the one that is complained of
            examples = tuple((one["row"], one["reason"]) for one in made.note.get("bad_examples", ())[:EXAMPLES])
            counted = replace(
                counted, findings=tuple(findings), bad_rows=made.note.get("bad_rows", 0), bad_examples=examples
            )
    return counted


def _cells(made: Profile, order: Order) -> list[Cell]:
    found = []
    kept = kept_spec(Spec.loads(order.spec), order.secrecy.sensitive)
    for cell, states in made.states.items():
        rows = next((state.rows for state in states.values()), 0)
        if not rows:
            continue
        digest, data = dump_states(kept, without_extremes(states, order.secrecy.sensitive))
        found.append(Cell(order.spec_id, cell.version[:200], cell.window or 0, cell.segment, rows, digest, data))
    return found


def _fold(
    source: Source, order: Order, options: Options, schema: dict[str, str]
) -> tuple[Profile, list[tuple[str, str, str]]]:
    """The profile of all columns that are there and can be read; the others are named."""
    spec = kept_spec(Spec.loads(order.spec), order.secrecy.sensitive)
    chosen = replace(options, keys=order.keys)
    names = set(schema) if schema else set(spec.by_name)
    features = [one for one in spec if one.name in names]
    findings = (
        [
            (one.change.value, one.column, one.sentence[:500])
            for one in compare(dict.fromkeys(spec.by_name, ""), schema, order.known.union(order.keys.columns))
        ]
        if schema
        else []
    )
    for _ in range(ROUNDS):
        if not features:
            raise SourceError(f"{source.shown}: none of the declared columns is in it")
        try:
            made = MaskedFold(Spec(tuple(features)), chosen, secrecy=order.secrecy).run([source])
        except (SourceError, ColumnError) as error:
            guilty = _named(features, [str(error)])
            if not guilty or isinstance(error, StoreError):
                raise
        else:
            bad = made.note.get("bad_rows", 0)
            reasons = [one["reason"] for one in made.note.get("bad_examples", ())]
            guilty = _named(features, reasons) if bad > made.rows else []
            if not guilty:
                return made, findings
        features = [one for one in features if one not in guilty]
        findings += [
            ("retyped_column", one.name, f"Column {one.name} cannot be read as {one.kind.a_label}.")
            for one in guilty
            if ("retyped_column", one.name) not in {found[:2] for found in findings}
        ]
    raise SourceError(f"{source.shown}: too many of its columns are of another type than declared")


def _named(features: Sequence[FeatureSpec], reasons: Sequence[str]) -> list[FeatureSpec]:
    """Features whose column a reason is about."""
    told = [
        match for reason in reasons for match in re.findall(r"column ('(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")", reason)
    ]
    return [one for one in features if repr(one.name) in told or repr(one.name[:60]) in told]


def _schema(source: Source, limits: Limits) -> dict[str, str]:
    """Names and types of its columns; of texts names only. Values are not looked at."""
    if source.format == "parquet":
        return {field.name: str(field.type)[:60] for field in ParquetLog(source, limits).schema}
    return dict.fromkeys(column_names(source, limits), "")
