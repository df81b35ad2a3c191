"""Counting failed logins, in PostgreSQL so that neither a restart nor a full cache resets them."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from unicodedata import normalize

from django.conf import settings
from django.db import transaction
from django.db.models import F

from baristaweb.lib.clock import now
from deployments.models import LoginAttempt

WINDOW = timedelta(minutes=15)


def _keys(username: str, address: str) -> list[tuple[str, int]]:
    limits = settings.BARISTA
    return [
        # As the login form reads it, else each other spelling of one name would have tries of its own.
        (_digest("user", normalize("NFKC", username).strip().lower(), address), limits.login_failures),
        (_digest("address", address), limits.login_failures_address),
    ]


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()


@transaction.atomic
def admit(*, username: str, address: str) -> bool:
    """Count one try; False when this user from this address, or the address, failed too often in the last 15 minutes.

    Counted before the password is looked at: tries at the same moment would otherwise all be let through.
    """
    for key, limit in _keys(username, address):
        LoginAttempt.objects.filter(pk=key, window_started_at__lte=now() - WINDOW).delete()
        LoginAttempt.objects.bulk_create([LoginAttempt(key=key, window_started_at=now())], ignore_conflicts=True)
        if not LoginAttempt.objects.filter(pk=key, failures__lt=limit).update(failures=F("failures") + 1):
            # What is turned away counts for nobody: the window ends 15 minutes after it began.
            transaction.set_rollback(True)
            return False
    return True


@transaction.atomic
def forget(*, username: str, address: str) -> None:
    """After a success, the user's own count starts again; the address is spared this one try only."""
    (user, _), (place, _) = _keys(username, address)
    LoginAttempt.objects.filter(pk=user).delete()
    LoginAttempt.objects.filter(pk=place, failures__gt=0).update(failures=F("failures") - 1)
