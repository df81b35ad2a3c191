"""From the answer to a dry run, or from changed settings, to the rows of a source, through its actions."""

from __future__ import annotations

from copy import copy
from datetime import timedelta
from typing import Any, Final

from django.db import transaction

from baristaweb.lib.clock import now
from deployments.actions.errors import Refused
from deployments.audit import Actor
from observability.actions import objects, sources
from observability.domain.sources.template import LocationError, parse
from observability.models import LogSource, SampleRequest, SourceSpec
from observability.queries import places

PLAIN: Final = ("lateness_s", "retention_d", "vanished", "engine", "poll_s", "max_object_bytes")


@transaction.atomic
def save(row: SampleRequest, *, by: Actor, note: str) -> LogSource:
    """What the dry run tried, and the backfill that was asked for with it. Raises Refused."""
    question, result = row.question, row.result
    try:
        template = parse(question["location"])
    except LocationError as problem:
        raise Refused(str(problem)) from None
    root = places.row_of(template, row.deployment.team)
    if root is None:
        raise Refused(places.refused(template, row.deployment.team) or "This address may not be read any more.")
    given = {name: question[name] for name in (*PLAIN, "location", "format", "marker")} | {"root": root}
    spec = SourceSpec(
        spec=result["spec"],
        columns=result["columns"],
        sensitive=result["sensitive"],
        window=question["window"],
        zone=question["zone"],
        reason=note[:300],
    )
    if row.source is None:
        source = LogSource(deployment=row.deployment, name=question["name"] or "log", **given)
        made = sources.connect(source=source, spec=spec, by=by, note=note)
    else:
        source = copy(row.source)
        for name, value in given.items():
            setattr(source, name, value)
        made = sources.change(source=source, spec=spec, based_on=question["based_on"], by=by, note=note)
    if question["backfill_d"]:
        until = now()
        since = until - timedelta(days=question["backfill_d"])
        objects.backfill(source=made, since=since, until=until, by=by, note=note or "asked for with the source")
    return made


def settings(source: LogSource, question: dict[str, Any], *, by: Actor, note: str, based_on: int) -> LogSource:
    """Settings that need no sample; another window, zone or unit is another version of the same columns."""
    if source.spec is None:
        raise Refused("The source has no spec yet. Read a sample first.")
    changed = copy(source)
    for name in PLAIN:
        setattr(changed, name, question[name])
    time = source.spec.columns.get("time", {}) | question["time"]
    spec = SourceSpec(
        spec=source.spec.spec,
        columns=source.spec.columns | {"time": time},
        sensitive=source.spec.sensitive,
        window=question["window"],
        zone=question["zone"],
        reason=note[:300],
    )
    return sources.change(source=changed, spec=spec, based_on=based_on, by=by, note=note)
