"""Keys for programs that cannot log in: a calendar that reads a feed, a client that wakes a model.

A key is signed, names its person and what it is for, and ends with the person's password, account or rights.
"""

from __future__ import annotations

from typing import Final

from django.core import signing

from deployments.models import Deployment, Team, User

SALT: Final = "deployments.sleep"
FEED: Final = "feed"
WAKE: Final = "wake"


def make(user: User, what: str, target: Deployment | Team) -> str:
    """A key of `user` for `what` of one deployment or team; the same every time until the password changes."""
    return str(signing.Signer(salt=SALT).sign_object([user.pk, what, _name(target), _stamp(user)]))


def user_of(key: str, what: str, target: Deployment | Team) -> User | None:
    """Whose key it is; None when it is no key, or of something else, or not valid any more."""
    try:
        pk, of, name, stamp = signing.Signer(salt=SALT).unsign_object(key[:1000])
    except (signing.BadSignature, ValueError, TypeError):
        return None
    if of != what or name != _name(target):
        return None
    user = User.objects.filter(pk=pk, is_active=True).first()
    return user if user is not None and stamp == _stamp(user) else None


def _name(target: Deployment | Team) -> str:
    return f"{target._meta.model_name}:{target.pk}"


def _stamp(user: User) -> str:
    return str(user.get_session_auth_hash())[:16]
