"""What every row of one layer can say of itself: a deployment's, a team's, an environment's or a cluster's."""

from __future__ import annotations

from typing import Any

from django.db.models import Q

from deployments.domain.catalogue import Environment
from deployments.domain.sleep.schedule.layers import Level

ENVIRONMENTS = [(item.value, item.label) for item in Environment]


class OfLayer:
    """Of a model with `deployment`, `team` and `cluster`, of which one is set, or a filled `environment`."""

    deployment: Any
    team: Any
    cluster: Any
    environment: Any
    deployment_id: int | None
    team_id: int | None
    cluster_id: int | None

    @property
    def level(self) -> Level:
        if self.deployment_id:
            return Level.DEPLOYMENT
        if self.team_id:
            return Level.TEAM
        return Level.CLUSTER if self.cluster_id else Level.ENVIRONMENT

    @property
    def layer_name(self) -> str:
        named = self.deployment or self.team or self.cluster
        if named is not None:
            return str(named)
        return str(Environment(self.environment).label) if self.environment else "nothing"


def of_one_layer() -> Q:
    """The condition that exactly one of the four is set."""
    none: dict[str, Any] = {"deployment": None, "team": None, "cluster": None}
    alone = [
        Q(environment="", **{f"{name}__isnull": False}, **{other: None for other in none if other != name})
        for name in none
    ]
    return alone[0] | alone[1] | alone[2] | (Q(**none) & ~Q(environment=""))
