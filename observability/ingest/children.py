"""What is done with objects inside a child process: listing, sampling, folding one to see what it gives.

No value leaves it but vocabularies and exact numbers of columns that are not sensitive, and do not look so.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import replace
from typing import Any, Final

import pyarrow as pa

from observability.domain.fold.columns import plain
from observability.domain.profile.stored import dump_states
from observability.domain.propose.forced import feature_as
from observability.domain.sources.columns import Column, propose_columns
from observability.domain.sources.schema import compare
from observability.domain.sources.sensitive import masked
from observability.domain.sources.template import parse
from observability.domain.specs.spec import FeatureSpec, Kind, Spec
from observability.engines.base import Options
from observability.engines.masked import MaskedFold, Secrecy
from observability.engines.proposing import propose_one
from observability.store.access import Access, open_object
from observability.store.files import Limits, Source, SourceError
from observability.store.listing import MOST, Listing, Part, list_folders
from observability.store.logs import sample_of
from observability.store.parquet import ParquetLog

TEXT_ROWS: Final = 2_000
PLACED_ROWS: Final = 50_000
VERSIONS: Final = 20
UNDATED_LIMIT: Final = 10_000


def listed(parts: list[Part], access: Access, location: str, marker: str) -> Listing:
    """In the child."""
    template = parse(location)
    most = MOST if template.is_dated else UNDATED_LIMIT
    return list_folders(parts, access, template.matches, marker, most=most)


def columns_of(uri: str, access: Access, limits: Limits) -> dict[str, Any]:
    """In the child: no value leaves it but vocabularies and exact numbers of columns that are not suspect."""
    with access.entered() as store:
        return _told_of(open_object(uri, access, store, limits), limits)


def _told_of(source: Source, limits: Limits) -> dict[str, Any]:
    found = propose_one(source, limits)
    sample = sample_of(source, limits, TEXT_ROWS)
    types = _types(source, limits, sample.table)
    texts = {name: _texts(sample.table[name]) for name in sample.table.column_names}
    columns = propose_columns(found.spec.features, types, found.left_out, texts)
    reason = sample.reason if sample.bad else ""
    return {
        "columns": [one.to_json() for one in columns],
        "rows": found.rows,
        "bad": sample.bad,
        "reason": reason,
    }


def _texts(column: pa.ChunkedArray) -> list[str]:
    """Distinct texts of a column, for their shapes to be looked at; none of a column of other values."""
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        return []
    found = column.cast(kind) if kind != column.type else column
    return [text for text in found.drop_null().to_pylist() if text]


def _types(source: Source, limits: Limits, table: pa.Table) -> dict[str, str]:
    schema = ParquetLog(source, limits).schema if source.format == "parquet" else table.schema
    return {name: str(schema.field(place).type) for place, name in enumerate(schema.names)}


def features_of(
    uri: str, access: Access, limits: Limits, columns: list[dict[str, Any]], kinds: dict[str, str]
) -> list[dict[str, Any]]:
    """In the child: columns of another kind, or that are not sensitive after all, placed by the sample."""
    found = [Column.from_json(one) for one in columns]
    if kinds:
        with access.entered() as store:
            table = sample_of(open_object(uri, access, store, limits), limits, PLACED_ROWS).table
        found = [
            replace(one, feature=_placed(table, one, Kind(kinds[one.name]))) if one.name in kinds else one
            for one in found
        ]
    return [one.to_json() for one in found]


def _placed(table: pa.Table, column: Column, kind: Kind) -> FeatureSpec:
    if column.name not in table.column_names:
        raise SourceError(f"{column.name} is not in the newest object; leave it out, or choose its kind when it is.")
    feature = feature_as(column.name, plain(table[column.name]), kind)
    return masked(feature) if column.is_sensitive else feature


def repeated(uris: list[str], access: Access, limits: Limits, column: str) -> dict[str, int]:
    """In the child: rows with an id among the first of each object, and how many of the ids came before."""
    rows: list[pa.ChunkedArray] = []
    with access.entered() as store:
        for uri in uris:
            table = sample_of(open_object(uri, access, store, limits), limits, PLACED_ROWS).table
            if column in table.column_names:
                rows.append(table[column].cast(pa.large_string()))
    ids = pa.chunked_array([chunk for one in rows for chunk in one.chunks], pa.large_string()).drop_null()
    return {"rows": len(ids), "again": len(ids) - len(ids.unique())}


def folded(
    uri: str, access: Access, spec: bytes, options: Options, declared: dict[str, str], secrecy: Secrecy
) -> dict[str, Any]:
    """In the child: counts of one object; times are without the start of the process."""
    used = Spec.loads(spec)
    with access.entered() as store:
        source = open_object(uri, access, store, options.limits)
        began = time.perf_counter()
        profile = MaskedFold(used, options, secrecy=secrecy).run([source])
        seconds = time.perf_counter() - began
        found = _types(source, options.limits, pa.table({})) if source.format == "parquet" else {}
    windows: Counter[int] = Counter()
    kept = 0
    for cell, states in profile.states.items():
        windows[cell.window or 0] += max((state.rows for state in states.values()), default=0)
        kept += len(dump_states(used, states)[1])
    differences = compare(declared, found) if found else []
    return {
        "rows": profile.rows,
        "bad": profile.note.get("bad_rows", 0),
        "examples": [(one["row"], one["reason"]) for one in profile.note.get("bad_examples", ())],
        "windows": dict(windows),
        "versions": sorted({cell.version for cell in profile.states})[:VERSIONS],
        "kept": kept,
        "seconds": seconds,
        "findings": [{"column": one.column, "said": one.sentence} for one in differences],
    }
