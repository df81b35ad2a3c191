"""What was typed into a form and not yet proposed, kept so that a lost session or a closed tab loses nothing."""

from __future__ import annotations

from collections.abc import Mapping

import orjson
from django.db import transaction

from baristaweb.lib.clock import now
from deployments.models import Draft, User

MOST = 20  # of one user
MOST_BYTES = 50_000
NOT_KEPT = frozenset(
    {"csrfmiddlewaretoken", "step", "undo", "remove", "more", "discard", "review", "draft_id", "clean"}
)


@transaction.atomic
def keep(*, by: User, key: str, data: Mapping[str, list[str]], draft: int | None = None) -> Draft | None:
    """Store what was typed: into `draft`, which the page goes on with, or as a new one of `key`.

    A draft of another sitting that stands at `key` is put aside, never replaced. One too large to be a form is not
    kept, and beyond 20 the oldest go.
    """
    kept = {
        name: [value.replace("\0", "") for value in values]
        for name, values in data.items()
        if name not in NOT_KEPT and "\0" not in name
    }
    if len(orjson.dumps(kept)) > MOST_BYTES:
        return None
    of_user = Draft.objects.select_for_update().filter(user=by)
    row = next((item for item in of_user.filter(pk=draft) if item.of == key), None) if draft else None
    if row is None:
        for other in of_user.filter(key=key):
            other.key = f"{key}{Draft.ASIDE}{other.pk}"
            other.save(update_fields=["key"])
        row = Draft(user=by, key=key)
    row.data, row.saved_at = kept, now()
    row.save()
    old = Draft.objects.filter(user=by).order_by("-saved_at").values_list("pk", flat=True)[MOST:]
    Draft.objects.filter(pk__in=list(old)).delete()
    return row


@transaction.atomic
def fill_in(*, draft: Draft, fields: Mapping[str, str]) -> None:
    """Put a few fields that were changed elsewhere into a draft, so that neither is lost."""
    row = Draft.objects.select_for_update().filter(pk=draft.pk).first()
    if row is not None:
        row.data |= {name: [value.replace("\0", "")] for name, value in fields.items()}
        row.saved_at = now()
        row.save(update_fields=["data", "saved_at"])


def discard(*, by: User, key: str, draft: int | None = None) -> None:
    """Forget `draft`, or without one what stands at `key`; those of other sittings stay."""
    rows = Draft.objects.filter(user=by)
    mine = [item.pk for item in rows.filter(pk=draft) if item.of == key] if draft else []
    (rows.filter(pk__in=mine) if mine else rows.filter(key=key)).delete()
