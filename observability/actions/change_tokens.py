"""Making the tokens with which CI tells of changes."""

from __future__ import annotations

import secrets
from typing import Final

from django.db import IntegrityError, transaction

from deployments.actions import records
from deployments.actions.errors import Refused
from deployments.audit import Actor
from observability.models import ChangeToken
from observability.queries.change_tokens import digest_of

PREFIX: Final = "barista-change-"  # so that scanners of repositories and people know what they found


def create(*, row: ChangeToken, by: Actor, note: str) -> ChangeToken:
    """Save the row, with its token in `shown`. Raises Refused where the team has one of that name."""
    row.shown = PREFIX + secrets.token_urlsafe(32)
    row.digest = digest_of(row.shown)
    try:
        with transaction.atomic():
            records.save(row=row, by=by, note=note)
    except IntegrityError:
        raise Refused(f"{row.team} has a token named {row.name}. Delete that one, or choose another name.") from None
    return row
