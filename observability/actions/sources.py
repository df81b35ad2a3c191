"""Log sources: connect, change, count anew by another spec, pause, resume, remove."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction

from baristaweb.lib.clock import now
from deployments import audit
from deployments.actions.deployments import need_reason
from deployments.actions.errors import Refused
from deployments.audit import Actor
from deployments.domain.changes.diff import FieldChange
from deployments.models import Deployment
from observability.domain.specs.spec import canonical_json
from observability.models import Backfill, LogSource, SourceObject, SourceSpec, SourceState, StoredWindow

MACHINE = ("spec", "version", "changed_at", "changed_by")


@transaction.atomic
def connect(*, source: LogSource, spec: SourceSpec, by: Actor, note: str = "") -> LogSource:
    """Store a new source with its first spec version; the importer lists it at once. Both rows come unsaved."""
    deployment = Deployment.objects.select_for_update(of=("self",)).get(pk=source.deployment_id)
    if deployment.is_retired:
        raise Refused(f"{deployment.name} is retired. Its logs are not read any more.")
    if LogSource.objects.filter(deployment=deployment, name=source.name, removed_at=None).exists():
        raise Refused(f"{deployment.name} has a log source called {source.name} already. Edit that one.")
    need_reason(deployment.environment, note)
    source.changed_by = by.label
    source.save()
    _number(source, spec, by)
    SourceState.objects.create(source=source)
    audit.record("logsource.connected", source, by=by, note=note, facts=_facts(source, spec))
    return source


@transaction.atomic
def change(*, source: LogSource, spec: SourceSpec | None = None, based_on: int, by: Actor, note: str = "") -> LogSource:
    """Store changed settings, and another spec version where `spec` (unsaved) says something else than the current one.

    Objects of open windows are counted anew by a new spec; windows that are closed keep theirs. Raises Refused.
    """
    before = lock(source)
    if before.version != based_on:
        raise Refused(
            f"{before.changed_by or 'Somebody'} changed this source meanwhile. Look at it and change it again."
        )
    need_reason(source.deployment.environment, note)
    is_new = spec is not None and (before.spec is None or says(spec) != says(before.spec))
    changes = _changes(before, source)
    if not changes and not is_new:
        return before
    source.version, source.changed_at, source.changed_by = before.version + 1, now(), by.label
    source.spec = before.spec
    source.save()
    if is_new and spec is not None:
        _number(source, spec, by)
        _count_open_anew(source)
        old = str(before.spec) if before.spec else ""
        changes.append(FieldChange(section="Log source", path="spec", label="Spec", before=old, after=str(spec)))
    SourceState.objects.filter(source=source).update(next_poll_at=now(), next_sweep_at=now(), sweep_from="")
    audit.record("logsource.changed", source, by=by, note=note, changes=changes)
    return source


@transaction.atomic
def pause(*, source: LogSource, by: Actor, note: str = "") -> LogSource:
    """Nothing of it is listed or read until it is resumed. Raises Refused."""
    row = lock(source)
    if row.is_paused:
        raise Refused(f"{row.paused_by} paused reading already.")
    need_reason(row.deployment.environment, note)
    row.paused_at, row.paused_by, row.paused_reason = now(), by.label, note[:300]
    row.version += 1
    row.save(update_fields=["paused_at", "paused_by", "paused_reason", "version"])
    audit.record("logsource.paused", row, by=by, note=note)
    return row


@transaction.atomic
def resume(*, source: LogSource, by: Actor, note: str = "") -> LogSource:
    """Go on where it stopped. Raises Refused."""
    row = lock(source)
    if not row.is_paused:
        raise Refused("Reading is not paused.")
    row.paused_at, row.paused_by, row.paused_reason = None, "", ""
    row.version += 1
    row.save(update_fields=["paused_at", "paused_by", "paused_reason", "version"])
    SourceState.objects.filter(source=row).update(next_poll_at=now())
    audit.record("logsource.resumed", row, by=by, note=note)
    return row


@transaction.atomic
def remove(*, source: LogSource, by: Actor, note: str = "") -> LogSource:
    """Nothing is read any more; what was counted stays until its retention runs out. Raises Refused."""
    row = lock(source)
    need_reason(row.deployment.environment, note)
    row.removed_at, row.version = now(), row.version + 1
    row.save(update_fields=["removed_at", "version"])
    Backfill.objects.filter(source=row, finished_at=None, cancelled_at=None).update(
        cancelled_at=now(), cancelled_by=by.label
    )
    SourceObject.objects.filter(source=row, due_at__isnull=False).update(due_at=None, claim=None, claimed_until=None)
    audit.record("logsource.removed", row, by=by, note=note)
    return row


def lock(source: LogSource) -> LogSource:
    """The row as it is now, locked. Raises Refused where it was removed."""
    row = LogSource.objects.select_for_update(of=("self",)).select_related("spec").get(pk=source.pk)
    if row.removed_at is not None:
        raise Refused("This log source was removed.")
    return row


def says(spec: SourceSpec) -> bytes:
    """Canonical bytes of everything that makes another version."""
    told = (spec.spec, spec.columns, sorted(spec.sensitive), str(spec.window), spec.zone)
    return canonical_json(told)


def _number(source: LogSource, spec: SourceSpec, by: Actor) -> None:
    newest = SourceSpec.objects.filter(source=source).order_by("-number").first()
    spec.source, spec.number, spec.made_by = source, newest.number + 1 if newest else 1, by.label
    spec.save(force_insert=True)
    source.spec = spec
    source.save(update_fields=["spec"])


def _count_open_anew(source: LogSource) -> None:
    """Objects with a part in a window that is not closed yet, and those that could not be counted, are due again."""
    since = now() - timedelta(seconds=source.lateness_s)
    rows = SourceObject.objects.filter(source=source, vanished_at=None)
    is_open = rows.filter(parts__window__state=StoredWindow.State.PROVISIONAL, parts__window__end__gt=since)
    failed = rows.filter(state__in=[SourceObject.State.PARKED, SourceObject.State.RETRYING])
    due = {*is_open.values_list("pk", flat=True), *failed.values_list("pk", flat=True)}
    SourceObject.objects.filter(pk__in=due).update(due_at=now(), tries=0, state=SourceObject.State.QUEUED, spec=None)


def _changes(before: LogSource, after: LogSource) -> list[FieldChange]:
    found = []
    for field in LogSource._meta.concrete_fields:
        if field.primary_key or field.name in MACHINE:
            continue
        old, new = (
            str(getattr(row, field.attname) if getattr(row, field.attname) is not None else "")
            for row in (before, after)
        )
        if old != new:
            label = str(field.verbose_name).capitalize()
            found.append(FieldChange(section="Log source", path=field.name, label=label, before=old, after=new))
    return found


def _facts(source: LogSource, spec: SourceSpec) -> dict[str, object]:
    return {
        "location": source.location,
        "root": str(source.root),
        "window": f"{spec.window} in {spec.zone}",
        "columns": len(spec.spec.get("features", ())),
        "sensitive": len(spec.sensitive),
    }
