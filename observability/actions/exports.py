"""Leaving a trace of what was taken out."""

from __future__ import annotations

from django.db import transaction

from deployments import audit
from deployments.audit import Actor
from deployments.models import Deployment


@transaction.atomic
def note(*, deployment: Deployment, what: str, form: str, features: int, is_sensitive: bool, by: Actor) -> None:
    """One event: who exported what, before anything is sent."""
    facts = {"what": what[:200], "format": form, "features": features, "sensitive": is_sensitive}
    audit.record("data.exported", deployment, by=by, facts=facts)
