"""Becoming another role right after the login to the database."""

import re
from typing import Final

from django.core.exceptions import ImproperlyConfigured

_NAME: Final = re.compile(r"[a-z_][a-z0-9_]{0,62}\Z", re.ASCII)


def option(role: str) -> str:
    """For PostgreSQL's `options`; empty when the login's own role is meant. Raises ImproperlyConfigured."""
    if not role:
        return ""
    if not _NAME.match(role):
        raise ImproperlyConfigured("DATABASE_ROLE and DATABASE_OWNER_ROLE are names of a-z, 0-9 and _.")
    return f" -c role={role}"
