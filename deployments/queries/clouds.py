"""What a worker answered about clusters of a project, beside those that are registered already."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings

from baristaweb.lib.clock import now
from deployments.models import CloudRequest, Cluster, User


@dataclass(frozen=True)
class Listed:
    """`known`: the registered cluster that this is, if it is one."""

    name: str
    location: str
    version: str
    status: str
    is_autopilot: bool
    has_dns: bool
    known: Cluster | None

    @property
    def key(self) -> str:
        return f"{self.location}/{self.name}"


def find(user: User, request_id: uuid.UUID) -> CloudRequest | None:
    """The user's own question, while it is kept."""
    kept_since = now() - timedelta(hours=settings.BARISTA.keep_log_answers_h)
    rows = CloudRequest.objects.select_related("cluster").filter(author=user, created_at__gt=kept_since)
    return rows.filter(pk=request_id).first()


def listed(row: CloudRequest) -> Sequence[Listed]:
    """Of a list that was answered."""
    known: dict[tuple[str, str], Cluster] = {}
    for cluster in Cluster.objects.filter(project=row.project, access=Cluster.Access.GKE):
        known[cluster.location, cluster.cloud_name or cluster.slug] = cluster
    rows: list[dict[str, Any]] = row.result.get("clusters", [])
    return [Listed(**item, known=known.get((item["location"], item["name"]))) for item in rows]
