"""Reads that join several models for one page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import AnonymousUser

from deployments.models import ClusterHealth, User
from deployments.queries import workers


@dataclass(frozen=True, kw_only=True)
class ClusterBanner:
    """One sentence about a cluster that is not reachable."""

    name: str
    sentence: str
    since: datetime


SENTENCES = {
    ClusterHealth.State.STARTING: "is starting: {error}. Changes are saved and applied when it is up.",
    ClusterHealth.State.AWAY: "does not answer. You see the last known state; changes are saved and applied later.",
    ClusterHealth.State.REFUSED: "refuses Barista's credentials until the platform team renews them. Changes stay.",
}


def cluster_banners(user: User | AnonymousUser) -> list[ClusterBanner]:
    """A banner for workers that do not work, and for each cluster of the user's teams that is not reachable."""
    if not isinstance(user, User):
        return []
    rows = ClusterHealth.objects.filter(state__in=list(SENTENCES), cluster__is_active=True).select_related("cluster")
    if not user.sees_everything:
        rows = rows.filter(cluster__namespaces__team__memberships__user=user).distinct()
    banners = [
        ClusterBanner(
            name=row.cluster.name,
            sentence=SENTENCES[ClusterHealth.State(row.state)].format(error=row.last_error or "please wait"),
            since=row.since,
        )
        for row in rows
    ]
    trouble = workers.trouble()
    if trouble is not None:
        banners.insert(0, ClusterBanner(name="Barista", sentence=trouble.sentence, since=trouble.since))
    return banners
