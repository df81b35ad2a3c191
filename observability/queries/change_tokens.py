"""Which token somebody shows, and how much it may still tell."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Final

from observability.models import ChangeEvent, ChangeToken

AN_HOUR: Final = 120  # changes that one token may tell of: CI that runs wild fills no chart


def digest_of(token: str) -> str:
    """What is kept of a token. It is 256 random bits, so that nobody finds it by trying."""
    return hashlib.sha256(token.encode()).hexdigest()


def token_of(shown: str, at: datetime) -> ChangeToken | None:
    return ChangeToken.objects.valid_at(at).select_related("team").filter(digest=digest_of(shown)).first()


def is_spent(token: ChangeToken, at: datetime) -> bool:
    """Whether it told of as many changes in the last hour as it may."""
    told = ChangeEvent.objects.filter(
        deployment__namespace__team=token.team_id, posted_by=token.name, posted_at__gt=at - timedelta(hours=1)
    )
    return told.count() >= AN_HOUR
