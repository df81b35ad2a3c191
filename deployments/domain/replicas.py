"""How many pods: three numbers that are never one.

*Desired* is what the spec says, *effective* is what is wanted at this instant, *live* is what the cluster runs. An edit
changes the desired number; only the effective one is ever written to a cluster.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from deployments.domain.spec.parts import Fixed
from deployments.domain.spec.spec import Spec


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectiveReplicas:
    """What is wanted now. `count`: pods, and with an autoscaler the number below which it does not go.

    `is_autoscaled`: the autoscaler owns the number and `count` is only where it begins.
    """

    count: int
    is_autoscaled: bool

    @property
    def held(self) -> int | None:
        """The number that a worker holds through /scale; None while the autoscaler owns it."""
        return None if self.is_autoscaled else self.count


def effective_replicas(spec: Spec, *, at: datetime) -> EffectiveReplicas:
    """The number wanted at `at`: today the spec's own at every instant."""
    return EffectiveReplicas(count=spec.min_replicas, is_autoscaled=not isinstance(spec.replicas, Fixed))


@dataclass(frozen=True, slots=True, kw_only=True)
class Replicas:
    """The three numbers side by side. `live` None: the cluster was not seen yet."""

    desired: int
    effective: EffectiveReplicas
    live: int | None

    @property
    def is_scaled_by_hand(self) -> bool:
        """Somebody else changed the number that a worker holds: the next apply puts it back."""
        return self.live is not None and self.effective.held not in (None, self.live)
