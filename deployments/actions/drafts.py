"""What was typed into a form and not yet proposed, kept so that a lost session or a closed tab loses nothing."""

from __future__ import annotations

from collections.abc import Mapping

import orjson
from django.db import transaction

from baristaweb.lib.clock import now
from deployments.models import Draft, User

MOST = 20  # of one user
MOST_BYTES = 50_000
NOT_KEPT = frozenset({"csrfmiddlewaretoken", "step", "undo", "remove", "more", "discard", "review"})


@transaction.atomic
def keep(*, by: User, key: str, data: Mapping[str, list[str]]) -> None:
    """Replace the user's draft of `key`; one too large to be a form is not kept, and beyond 20 the oldest go."""
    kept = {
        name: [value.replace("\0", "") for value in values]
        for name, values in data.items()
        if name not in NOT_KEPT and "\0" not in name
    }
    if len(orjson.dumps(kept)) > MOST_BYTES:
        return
    Draft.objects.update_or_create(user=by, key=key, defaults={"data": kept, "saved_at": now()})
    old = Draft.objects.filter(user=by).order_by("-saved_at").values_list("pk", flat=True)[MOST:]
    Draft.objects.filter(pk__in=list(old)).delete()


def discard(*, by: User, key: str) -> None:
    """Forget it."""
    Draft.objects.filter(user=by, key=key).delete()
