"""How many pods: three numbers that are never one.

*Desired* is what the spec says, *effective* is what is wanted at this instant, *live* is what the cluster runs. An edit
changes the desired number; only the effective one is ever written to a cluster.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from deployments.domain.sleep.plan import cases, steps
from deployments.domain.sleep.plan.cases import Answer, Record
from deployments.domain.spec.parts import Autoscale, Fixed
from deployments.domain.spec.spec import Spec


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectiveReplicas:
    """What is wanted now. `count`: pods, and with an autoscaler the number below which it does not go.

    `is_autoscaled`: there is an autoscaler, it owns the number, and `count` is only where it begins. `is_resting`: not
    at 0, where it does nothing. `starts_from_zero`: and so `count` is written where it stands at 0. `is_left`: somebody
    else's number is held, and is neither written nor compared.
    """

    count: int
    is_autoscaled: bool
    is_resting: bool = False
    starts_from_zero: bool = False
    is_left: bool = False

    @property
    def held(self) -> int | None:
        """The number that a worker holds through /scale; None while the autoscaler or somebody else owns it."""
        if self.is_left:
            return None
        return None if self.is_autoscaled and not self.is_resting else self.count


def effective_replicas(spec: Spec, *, at: datetime, sleep: Record | None = None) -> EffectiveReplicas:
    """The number wanted at `at`: the spec's own, unless it sleeps (`sleep` is the record that is open then)."""
    is_autoscaled = not isinstance(spec.replicas, Fixed)
    if sleep is None:
        return EffectiveReplicas(count=spec.min_replicas, is_autoscaled=is_autoscaled)
    planned = for_plan(spec)
    if sleep.hold is not None and sleep.wake_started_at is None and sleep.hold.answer is not Answer.RESTORE:
        return EffectiveReplicas(count=sleep.hold.replicas, is_autoscaled=is_autoscaled, is_left=True)
    if sleep.wake_started_at is None:
        wanted = steps.sleeping_at(planned, sleep.target, sleep.saved_replicas)
    else:
        hold = sleep.hold
        live = cases.Live(seen_at=hold.since, replicas=hold.replicas) if hold is not None else None
        wanted = steps.waking_to(planned, sleep, live)
    count = wanted.count if wanted.count is not None else wanted.minimum or 0
    return EffectiveReplicas(
        count=count,
        is_autoscaled=is_autoscaled,
        is_resting=is_autoscaled and count == 0,
        starts_from_zero=is_autoscaled and bool(wanted.count),
    )


def for_plan(spec: Spec) -> cases.Spec:
    """The numbers of a spec as the plan of sleep wants to know them."""
    if isinstance(spec.replicas, Autoscale):
        scaler = cases.Autoscaler(minimum=spec.replicas.min, maximum=spec.replicas.max)
        return cases.Spec(replicas=spec.min_replicas, autoscaler=scaler)
    return cases.Spec(replicas=spec.min_replicas)


def spec_while(spec: Spec, sleep: Record | None) -> Spec:
    """The spec to render: asleep above 0, the autoscaler's minimum is lower."""
    if sleep is None or sleep.wake_started_at is not None or sleep.target == 0 or isinstance(spec.replicas, Fixed):
        return spec
    return replace(spec, replicas=replace(spec.replicas, min=min(sleep.target, spec.replicas.min)))


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
