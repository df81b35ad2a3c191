"""Counting failed logins, in PostgreSQL so that neither a restart nor a full cache resets them."""

from __future__ import annotations

import hashlib
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F

from baristaweb.lib.clock import now
from deployments.models import LoginAttempt

WINDOW = timedelta(minutes=15)


def _keys(username: str, address: str) -> list[tuple[str, int]]:
    limits = settings.BARISTA
    return [
        (_digest("user", username.lower(), address), limits.login_failures),
        (_digest("address", address), limits.login_failures_address),
    ]


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()


def is_blocked(*, username: str, address: str) -> bool:
    """Whether this user from this address, or the address, failed too often in the last 15 minutes."""
    limits = dict(_keys(username, address))
    rows = LoginAttempt.objects.filter(pk__in=limits, window_started_at__gt=now() - WINDOW)
    return any(row.failures >= limits[row.pk] for row in rows)


@transaction.atomic
def count_failure(*, username: str, address: str) -> None:
    """One more failure; a window that has passed starts anew."""
    for key, _ in _keys(username, address):
        LoginAttempt.objects.filter(pk=key, window_started_at__lte=now() - WINDOW).delete()
        LoginAttempt.objects.bulk_create([LoginAttempt(key=key, window_started_at=now())], ignore_conflicts=True)
        LoginAttempt.objects.filter(pk=key).update(failures=F("failures") + 1)


def forget(*, username: str, address: str) -> None:
    """After a success, the user's own count starts again; the address keeps its count."""
    LoginAttempt.objects.filter(pk=_keys(username, address)[0][0]).delete()
