"""Who may log in: failed logins are counted, in PostgreSQL so that neither a restart nor a full cache resets them, and
Google accounts are linked to users."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from unicodedata import normalize

from django.conf import settings
from django.db import transaction
from django.db.models import F

from baristaweb.lib.clock import now
from deployments.audit import Actor, record
from deployments.models import LoginAttempt, User

WINDOW = timedelta(minutes=15)


def _keys(username: str, address: str) -> list[tuple[str, int]]:
    limits = settings.BARISTA
    # As the login form reads it, else each other spelling of one name would have tries of its own.
    user = normalize("NFKC", username).strip().lower()
    return [
        (_digest("user", user, address), limits.login_failures),
        (_digest("address", address), limits.login_failures_address),
        (_digest("user anywhere", user), limits.login_failures_user),
    ]


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()


@transaction.atomic
def admit(*, username: str, address: str) -> bool:
    """Count one try; False when this user from this address or from anywhere, or the address, failed too often.

    The same for the present password that somebody types to set another: an open session is no way to guess it.

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
    """After a success, the user's count from this address starts again; the others are spared this one try only."""
    (here, _), *others = _keys(username, address)
    LoginAttempt.objects.filter(pk=here).delete()
    for key, _ in others:
        LoginAttempt.objects.filter(pk=key, failures__gt=0).update(failures=F("failures") - 1)


@transaction.atomic
def of_google(*, subject: str, email: str) -> User | None:
    """The active user of a Google account, None without one.

    At the first login it is the one user with its e-mail address; from then on the account's subject counts alone: an
    address that moves to another person takes no rights along.
    """
    user = User.objects.filter(google_subject=subject).first()
    if user is None:
        found = User.objects.filter(email__iexact=email, google_subject=None, is_active=True).select_for_update()[:2]
        if len(found) != 1:
            return None
        user = found[0]
        user.google_subject = subject
        user.save(update_fields=["google_subject"])
        record("user.linked", user, by=Actor.as_user(user), facts={"account": email})
    return user if user.is_active else None
