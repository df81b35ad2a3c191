"""Whose logs are read by what the platform team's pages of stores hold."""

from __future__ import annotations

from django.db import models

from deployments.models import Deployment
from deployments.queries.uses import Uses, rows_of
from observability.models import LogSource, StoreCredential, StoreRoot


def uses_of(row: models.Model) -> Uses | None:
    """Deployments whose log source needs a root, or a key by one of its roots; None for other rows."""
    if not row.pk:
        return None
    if isinstance(row, StoreRoot):
        sources = LogSource.objects.filter(root=row)
    elif isinstance(row, StoreCredential):
        sources = LogSource.objects.filter(root__credential=row)
    else:
        return None
    found = Deployment.objects.filter(retired_at=None, pk__in=sources.values("deployment"))
    return Uses(rows=rows_of(found), one="has its log in", many="have their logs in")
