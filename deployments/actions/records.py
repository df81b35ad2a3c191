"""Saving and deleting any row of the platform team's: what the admin and the seed write, each with its audit event."""

from __future__ import annotations

import json
from typing import Any, TypeVar

from django.db import models, transaction

from deployments import audit
from deployments.actions.errors import Refused
from deployments.audit import Actor
from deployments.queries.uses import Uses, uses_of

Row = TypeVar("Row", bound=models.Model)
HIDDEN = frozenset({"password", "last_login", "digest"})


@transaction.atomic
def save(*, row: Row, by: Actor, note: str = "") -> Row:
    """Insert or update `row` with an event that lists the changed fields; an unchanged row writes nothing."""
    model = row._meta.concrete_model or type(row)  # the logged-in user is a lazy proxy
    before = model._default_manager.select_for_update(of=("self",)).filter(pk=row.pk).first() if row.pk else None
    changes = _changes(before, row)
    if before is not None and not changes:
        return row
    row.save()
    audit.record(
        f"{model._meta.model_name}.{'changed' if before else 'created'}", row, by=by, note=note, changes=changes
    )
    return row


def refuse_in_use(row: models.Model, uses: Uses | None) -> None:
    """Raises Refused while deployments cannot be without the row."""
    if uses is not None and uses.count and not uses.is_rule:
        raise Refused(
            f"{row} is not deleted: {uses.words}. Move them to another first"
            + (", or switch it off: then it is offered to nobody new." if hasattr(row, "is_active") else ".")
        )


@transaction.atomic
def delete(*, row: models.Model, by: Actor, note: str = "") -> None:
    """Delete `row`. Raises Refused while deployments use it; the database refuses while other rows need it."""
    refuse_in_use(row, uses_of(row))
    pk = row.pk
    row.delete()
    row.pk = pk
    audit.record(f"{row._meta.model_name}.deleted", row, by=by, note=note)


def _changes(before: models.Model | None, after: models.Model) -> list[dict[str, str]]:
    changes = []
    for field in after._meta.concrete_fields:
        if field.primary_key or field.name in HIDDEN:
            continue
        if isinstance(field, models.JSONField):
            changes += _parts(getattr(before, field.name, None) or {}, getattr(after, field.name) or {}, field.name)
            continue
        old = _text(before, field) if before is not None else ""
        new = _text(after, field)
        if old != new:
            label = str(field.verbose_name).capitalize()
            changes.append({"path": field.name, "label": label, "before": old, "after": new})
    return changes


def _parts(before: dict[str, Any], after: dict[str, Any], path: str) -> list[dict[str, str]]:
    """The keys of a definition that differ: nobody can read two whole definitions side by side."""
    return [
        {
            "path": f"{path}.{key}",
            "label": key.replace("_", " ").capitalize(),
            "before": _plain(before.get(key)),
            "after": _plain(after.get(key)),
        }
        for key in sorted(before.keys() | after.keys())
        if _plain(before.get(key)) != _plain(after.get(key))
    ]


def _plain(value: object) -> str:
    if value is None or value == [] or value == {}:
        return ""
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, ensure_ascii=False)


def _text(row: models.Model, field: models.Field[object, object]) -> str:
    display = getattr(row, f"get_{field.name}_display", None)
    value = display() if callable(display) else getattr(row, field.name)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
