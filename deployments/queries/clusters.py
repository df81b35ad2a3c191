"""How each cluster is, and how far behind its deployments are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, F, Min, Q

from baristaweb.lib.clock import now
from deployments.domain.apiserver.capacity import Room, room
from deployments.domain.catalogue import HardwareProfile as Profile
from deployments.domain.sleep.dialects.installed import Installed
from deployments.domain.status.states import Phase
from deployments.models import Cluster, ClusterHealth, Deployment, HardwareProfile, Namespace, Permit, User

# Trying again would not help: somebody has to decide or to mend something.
STOPPED = (Phase.CONFLICT, Phase.BLOCKED, Phase.PARKED)


@dataclass(frozen=True, kw_only=True)
class ClusterView:
    """`pending`: saved changes on their way to the cluster; `stopped`: those that wait for a person."""

    cluster: Cluster
    health: ClusterHealth | None
    deployments: int
    pending: int
    oldest_pending_at: datetime | None
    stopped: int
    namespaces: tuple[Namespace, ...]
    rooms: tuple[Room, ...]
    downscalers: tuple[Installed, ...] = ()


def clusters(user: User) -> list[ClusterView]:
    """Clusters in which a team of the user has a namespace; all for platform admins and auditors."""
    spaces = Namespace.objects.select_related("team").order_by("environment", "name")
    found = Cluster.objects.select_related("health").order_by("slug")
    mine = Deployment.objects.visible_to(user)
    if not user.sees_everything:
        spaces = spaces.filter(team_id__in=list(user.roles))
        found = found.filter(namespaces__team_id__in=list(user.roles)).distinct()
    is_behind = ~Q(generation=F("state__observed_generation"))
    waiting = is_behind & Q(paused_at=None) & ~Q(state__phase__in=[*STOPPED, Phase.RETIRED])
    lags = {
        row["namespace__cluster"]: row
        for row in mine.order_by()
        .values("namespace__cluster")
        .annotate(
            deployments=Count("pk", filter=Q(retired_at=None)),
            pending=Count("pk", filter=waiting),
            oldest=Min("state__waiting_since", filter=waiting),
            stopped=Count("pk", filter=Q(state__phase__in=STOPPED)),
        )
    }
    by_cluster: dict[int, list[Namespace]] = {}
    for space in spaces:
        by_cluster.setdefault(space.cluster_id, []).append(space)
    profiles = [row.to_domain() for row in HardwareProfile.objects.filter(is_active=True)]
    return [_view(row, lags.get(row.pk, {}), by_cluster.get(row.pk, []), profiles) for row in found]


def find(user: User, slug: str) -> Cluster | None:
    """A cluster that the user sees; None also when there is none of that name."""
    return next((view.cluster for view in clusters(user) if view.cluster.slug == slug), None)


@dataclass(frozen=True, kw_only=True)
class Unpermitted:
    """What running deployments still use though nothing permits it."""

    number: int
    first_ends_at: datetime | None


def unpermitted() -> Unpermitted:
    found = Permit.objects.exclude(deployment=None).filter(deployment__retired_at=None).valid_at(now())
    counted = found.aggregate(number=Count("pk"), first=Min("expires_at"))
    return Unpermitted(number=counted["number"], first_ends_at=counted["first"])


def _view(cluster: Cluster, lag: Mapping[str, Any], spaces: list[Namespace], profiles: list[Profile]) -> ClusterView:
    health = getattr(cluster, "health", None)
    rooms = [room(profile, health.capacity) for profile in profiles] if health and health.capacity else []
    return ClusterView(
        cluster=cluster,
        health=health,
        deployments=int(str(lag.get("deployments", 0))),
        pending=int(str(lag.get("pending", 0))),
        oldest_pending_at=lag.get("oldest"),
        stopped=int(str(lag.get("stopped", 0))),
        namespaces=tuple(spaces),
        rooms=tuple(item for item in rooms if item is not None),
        downscalers=tuple(map(Installed.from_json, (health.downscalers or ()) if health else ())),
    )
