"""What was typed into a form and not yet proposed, kept so that a lost session or a closed tab loses nothing."""

from __future__ import annotations

from collections.abc import Mapping

import orjson
from django.db import transaction
from django.db.models import Q, QuerySet

from baristaweb.lib.clock import now
from deployments.models import Draft, User

MOST = 20  # of one user
MOST_BYTES = 50_000
NOT_KEPT = frozenset(
    {"csrfmiddlewaretoken", "step", "undo", "remove", "more", "discard", "review", "resumes", "beside"}
)
ASIDE = "~"  # between the key of what is edited and a number, of a draft beside which another was begun


@transaction.atomic
def keep(*, by: User, key: str, data: Mapping[str, list[str]], resumes: int = 0, beside: int = 0) -> None:
    """Replace the user's draft of `key`; one too large to be a form is not kept, and beyond 20 the oldest go.

    `resumes`: the draft that the page went on with. `beside`: the one that was there when the page was opened and that
    was left alone, which is put aside and stays.
    """
    kept = {
        name: [value.replace("\0", "") for value in values]
        for name, values in data.items()
        if name not in NOT_KEPT and "\0" not in name
    }
    if len(orjson.dumps(kept)) > MOST_BYTES:
        return
    mine = Draft.objects.filter(user=by)
    if not of_key(mine, key).filter(pk=resumes).update(data=kept, saved_at=now()):
        mine.filter(key=key, pk=beside).update(key=f"{key}{ASIDE}{beside}")
        Draft.objects.update_or_create(user=by, key=key, defaults={"data": kept, "saved_at": now()})
    old = Draft.objects.filter(user=by).order_by("-saved_at").values_list("pk", flat=True)[MOST:]
    Draft.objects.filter(pk__in=list(old)).delete()


def discard(*, by: User, key: str, resumes: int = 0, beside: int = 0) -> None:
    """Forget what a page kept: the draft that it went on with, else the newest, unless that was left alone."""
    mine = Draft.objects.filter(user=by)
    if not of_key(mine, key).filter(pk=resumes).delete()[0]:
        mine.filter(key=key).exclude(pk=beside).delete()


def of_key(rows: QuerySet[Draft], key: str) -> QuerySet[Draft]:
    """The newest draft of what is edited, and those put aside."""
    return rows.filter(Q(key=key) | Q(key__startswith=f"{key}{ASIDE}"))
