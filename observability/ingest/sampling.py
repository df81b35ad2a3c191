"""Answers to the questions of the source form: what a sample proposes, and what a source would do.

Everything is read in a child with limits. What is kept in the row shows no value of a column that is sensitive, or
looks so.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any, Final

import pyarrow as pa
import structlog

from baristaweb.lib.clock import now
from deployments.models.requests import Answer
from observability.domain.sources.columns import Column
from observability.domain.sources.template import Template
from observability.domain.specs.spec import SpecError
from observability.ingest.asked import DAY, LOOKED_AT, counted, look, place, room, say
from observability.ingest.children import columns_of
from observability.ingest.trying import tried
from observability.models import SampleRequest, SourceSpec
from observability.store.access import Access
from observability.store.files import Limits, SourceError
from observability.store.listing import Listed
from observability.store.warm import Reader

log = structlog.get_logger(__name__)

BACK_DAYS: Final = 60  # how far back a sample is looked for


def answer(request_id: str) -> None:
    """Answer a waiting request once; what went wrong is its reason."""
    row = SampleRequest.objects.filter(pk=request_id, answer=Answer.WAITING).first()
    if row is None:
        return
    try:
        with contextlib.closing(Reader()) as reader:
            result = _proposed(row, reader) if row.kind == SampleRequest.Kind.PROPOSE else tried(row, reader)
    except (SourceError, SpecError, ValueError, pa.ArrowException) as error:
        _end(row, Answer.FAILED, reason=str(error)[:500])
    except Exception:
        log.exception("sample_failed", request=str(row.pk))
        _end(row, Answer.FAILED, reason="Reading failed in a way that nobody expected; the worker's log has the trace.")
    else:
        _end(row, Answer.DONE, result=result)


def _end(row: SampleRequest, said: Answer, **fields: Any) -> None:
    waiting = SampleRequest.objects.filter(pk=row.pk, answer=Answer.WAITING)
    waiting.update(answer=said, answered_at=now(), progress="", **fields)


def _newest(reader: Reader, template: Template, access: Access, row: SampleRequest) -> list[Listed]:
    """Objects that are not empty, the newest first, of as few days as have some. Raises SourceError without any."""
    at, zone = int(now().timestamp()), row.question.get("zone", "UTC")
    found: list[Listed] = []
    for near, far in _spans(template):
        seen = look(reader, template, access, at - far * DAY, at - near * DAY + 1, zone)
        found = [one for one in seen.objects if one.size > 0]
        if found:
            break
    if not found:
        where = f" of the last {BACK_DAYS} days" if template.is_dated else ""
        raise SourceError(f"No object{where} matches this address. Look at it letter by letter, capitals too.")
    found.sort(key=lambda seen: (-seen.mtime_ns, seen.uri))
    return found


def _spans(template: Template) -> list[tuple[int, int]]:
    return [(0, 2), (2, 9), (9, BACK_DAYS)] if template.is_dated else [(0, 1)]


def _proposed(row: SampleRequest, reader: Reader) -> dict[str, Any]:
    """The columns of the newest object, with roles; those of a source that exists stay as they were confirmed."""
    template, access = place(row)
    say(row, "Looking for objects")
    found = _newest(reader, template, access, row)
    limits = Limits(file_bytes=int(row.question.get("max_object_bytes", Limits.file_bytes)))
    reasons: list[str] = []
    for seen in found[:LOOKED_AT]:
        say(row, f"Reading the newest of {len(found):,} objects")
        try:
            told = reader.call(columns_of, seen.uri, access, limits, limits=room(seen.size))
        except SourceError as error:
            reasons.append(str(error))
            continue
        columns = [Column.from_json(one) for one in told["columns"]]
        if row.source is not None and row.source.spec is not None:
            columns = _confirmed(columns, row.source.spec)
        return {
            "objects": counted(found),
            "sampled": {"uri": seen.uri, "rows": told["rows"], "bad": told["bad"], "reason": told["reason"]},
            "columns": [one.to_json() for one in columns],
        }
    raise SourceError(reasons[0])


def _confirmed(columns: Sequence[Column], row: SourceSpec) -> list[Column]:
    """The proposal with what the current spec says of the same columns: a person confirmed it."""
    known, spec, hidden = row.columns, row.to_spec().by_name, set(row.sensitive)
    roles = {known.get("time", {}).get("column", ""): "time", known.get("prediction_id", ""): "id"}
    roles |= {known.get("model_version", ""): "version", known.get("segment", ""): "segment"}
    for role, names in (("prediction", "predictions"), ("score", "scores"), ("feature", "features")):
        roles |= dict.fromkeys(known.get(names, ()), role)
    found = []
    for one in columns:
        role = roles.get(one.name, "left-out")
        data = one.to_json() | {
            "role": role,
            "sensitive": one.name in hidden or (one.is_sensitive and role == "left-out"),
        }
        if one.name in spec:
            data |= {"feature": spec[one.name].to_json(), "doubt": ""}
        elif role == "left-out" and one.feature is not None:
            data |= {"doubt": "Not declared.", "why": f"In the newest object, but not read. {one.why}"}
        found.append(Column.from_json(data))
    return sorted(found, key=lambda one: not one.doubt)
