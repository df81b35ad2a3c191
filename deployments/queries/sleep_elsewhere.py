"""What other downscalers were told in clusters, as the watch read it last, of namespaces that a user sees."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from deployments.domain.apiserver.objects import instant, objects, text
from deployments.models import Cluster, ClusterHealth, Namespace, User


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere:
    """`documents` as `dialects.files.understood` takes them. `read_at` None: the watch has not looked yet."""

    cluster: Cluster
    documents: tuple[dict[str, Any], ...]
    read_at: datetime | None
    problem: str


def elsewhere(user: User) -> list[Elsewhere]:
    """Of active clusters in which the user sees a namespace; objects of other namespaces are left out."""
    places = Namespace.objects.filter(cluster__is_active=True)
    if not user.sees_everything:
        places = places.filter(team_id__in=list(user.roles))
    seen: dict[int, set[str]] = defaultdict(set)
    for cluster_id, name in places.values_list("cluster_id", "name"):
        seen[cluster_id].add(name)
    rows = ClusterHealth.objects.filter(cluster__in=list(seen)).select_related("cluster").order_by("cluster__name")
    return [_of(row, seen[row.cluster_id]) for row in rows]


def _of(row: ClusterHealth, names: set[str]) -> Elsewhere:
    found = row.schedules or {}
    return Elsewhere(
        cluster=row.cluster,
        documents=tuple(one for one in objects(found, "objects") if _namespace(one) in names),
        read_at=instant(found, "at"),
        problem=text(found, "problem"),
    )


def _namespace(one: dict[str, Any]) -> str:
    """That of a namespace is itself."""
    return text(one, "metadata", "name" if one.get("kind") == "Namespace" else "namespace")
