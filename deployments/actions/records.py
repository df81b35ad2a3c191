"""Saving and deleting any row of the platform team's: what the admin and the seed write, each with its audit event."""

from __future__ import annotations

from typing import TypeVar

from django.db import models, transaction

from deployments import audit
from deployments.audit import Actor

Row = TypeVar("Row", bound=models.Model)
HIDDEN = frozenset({"password", "last_login"})


@transaction.atomic
def save(*, row: Row, by: Actor, note: str = "") -> Row:
    """Insert or update `row` with an event that lists the changed fields; an unchanged row writes nothing."""
    model = type(row)
    before = model._default_manager.select_for_update(of=("self",)).filter(pk=row.pk).first() if row.pk else None
    changes = _changes(before, row)
    if before is not None and not changes:
        return row
    row.save()
    audit.record(
        f"{model._meta.model_name}.{'changed' if before else 'created'}", row, by=by, note=note, changes=changes
    )
    return row


@transaction.atomic
def delete(*, row: models.Model, by: Actor, note: str = "") -> None:
    """Delete `row`; the database refuses while others need it."""
    pk = row.pk
    row.delete()
    row.pk = pk
    audit.record(f"{row._meta.model_name}.deleted", row, by=by, note=note)


def _changes(before: models.Model | None, after: models.Model) -> list[dict[str, str]]:
    changes = []
    for field in after._meta.concrete_fields:
        if field.primary_key or field.name in HIDDEN:
            continue
        old = _text(before, field) if before is not None else ""
        new = _text(after, field)
        if old != new:
            label = str(field.verbose_name).capitalize()
            changes.append({"path": field.name, "label": label, "before": old, "after": new})
    return changes


def _text(row: models.Model, field: models.Field[object, object]) -> str:
    display = getattr(row, f"get_{field.name}_display", None)
    value = display() if callable(display) else getattr(row, field.name)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
