"""Who uses what the platform team offers, so that nothing is changed or taken away under somebody unseen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.db import models
from django.db.models import Q

from deployments.domain.catalogue import Environment
from deployments.domain.sleep.schedule.layers import Level
from deployments.domain.text.images import allowed
from deployments.models import (
    Budget,
    Cluster,
    Deployment,
    HardwareProfile,
    HolidayCalendar,
    MetadataPrefix,
    Namespace,
    Permit,
    PriceTerm,
    PriceVersion,
    RegistryRule,
    Runtime,
    ServedModel,
    SleepFreeze,
    SleepGrant,
    SleepHolidays,
    SleepSchedule,
    Team,
)
from deployments.models.deployment import DeploymentQuerySet
from deployments.models.layers import OfLayer

SHOWN: Final = 20
_ORDER: Final = {Environment.PROD: 0, Environment.STAGING: 1, Environment.DEV: 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """A deployment, and what its next edit will take from the catalogue that it does not run yet."""

    slug: str
    name: str
    namespace: str
    environment: Environment
    differs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Uses:
    """Prod first. `one` and `many` complete "1 deployment ... it" and "3 deployments ... it".

    `is_rule`: it says something of them and they go on without it, so that it may be deleted by its name. `differ`:
    they have copies of it, and their next edit takes it as it is then.
    """

    rows: tuple[Use, ...]
    one: str = "uses"
    many: str = "use"
    is_rule: bool = False
    differ: bool = False

    @property
    def count(self) -> int:
        return len(self.rows)

    @property
    def prod(self) -> int:
        return sum(row.environment is Environment.PROD for row in self.rows)

    @property
    def shown(self) -> tuple[Use, ...]:
        return self.rows[:SHOWN]

    @property
    def hidden(self) -> int:
        return max(0, self.count - SHOWN)

    @property
    def words(self) -> str:
        """ "3 deployments use it, 1 of them in prod" """
        if not self.rows:
            return f"No deployment {self.one} it"
        many = f"1 deployment {self.one} it" if self.count == 1 else f"{self.count} deployments {self.many} it"
        where = "none of them in prod" if not self.prod else f"{self.prod} of them in prod"
        if self.count == 1:
            where = "in prod" if self.prod else "not in prod"
        return f"{many}, {where}"


def uses_of(row: models.Model) -> Uses | None:
    """None for rows that no deployment depends on."""
    if not row.pk:
        return None
    live = Deployment.objects.filter(retired_at=None, current__isnull=False)
    if isinstance(row, Runtime):
        return _copies(live.filter(current__runtime__slug=row.slug), row.to_domain().to_json(), "runtime")
    if isinstance(row, HardwareProfile):
        using = live.filter(current__spec__profile=row.slug)
        return _copies(using, row.to_domain().to_json(), "profile")
    if isinstance(row, Namespace):
        return Uses(rows=rows_of(live.filter(namespace=row)), one="is in", many="are in")
    if isinstance(row, Cluster):
        return Uses(rows=rows_of(live.filter(namespace__cluster=row)), one="runs in", many="run in")
    if isinstance(row, Team):
        return Uses(rows=rows_of(live.filter(namespace__team=row)), one="belongs to", many="belong to")
    if isinstance(row, ServedModel):
        return Uses(rows=rows_of(live.filter(model=row)), one="serves", many="serve")
    if isinstance(row, RegistryRule):
        return Uses(rows=_under(row, live), one="needs", many="need")
    if isinstance(row, MetadataPrefix):
        # Taken away when its keys must be sent no more: what has one keeps serving and stops at its next apply.
        return Uses(rows=_labelled(row, live), one="has a key under", many="have keys under", is_rule=True)
    return _ruled(row, live)


def _ruled(row: models.Model, live: DeploymentQuerySet) -> Uses | None:
    """Deployments that a rule of sleep, of cost or of permits speaks of."""
    if isinstance(row, (SleepSchedule, SleepHolidays, SleepGrant)):
        return _under_rule(rows_of(_of_layer(row, live)))
    if isinstance(row, (SleepFreeze, PriceVersion, PriceTerm)):
        return _under_rule(rows_of(live.filter(namespace__cluster=row.cluster_id)))
    if isinstance(row, Budget):
        within = live.filter(namespace__team=row.team_id) if row.team_id else live
        within = within.filter(namespace__environment=row.environment) if row.environment else within
        within = within.filter(model=row.model_id) if row.model_id else within
        return _under_rule(rows_of(within.filter(pk=row.deployment_id) if row.deployment_id else within))
    if isinstance(row, Permit):
        within = live.filter(namespace=row.namespace_id) if row.namespace_id else live
        return _under_rule(rows_of(within.filter(pk=row.deployment_id) if row.deployment_id else within))
    if isinstance(row, HolidayCalendar):
        keeping = [item for item in SleepHolidays.objects.all() if row.key in item.calendars.split()]
        found = live.none()
        for item in keeping:
            found |= _of_layer(item, live)
        return Uses(rows=rows_of(found), one="keeps", many="keep")
    return None


def _under_rule(rows: tuple[Use, ...]) -> Uses:
    return Uses(rows=rows, one="is under", many="are under", is_rule=True)


def _of_layer(row: OfLayer, live: DeploymentQuerySet) -> DeploymentQuerySet:
    match row.level:
        case Level.DEPLOYMENT:
            return live.filter(pk=row.deployment_id)
        case Level.TEAM:
            return live.filter(namespace__team=row.team_id)
        case Level.CLUSTER:
            return live.filter(namespace__cluster=row.cluster_id)
    return live.filter(namespace__environment=row.environment)


def _copies(using: DeploymentQuerySet, offered: Mapping[str, Any], which: str) -> Uses:
    return Uses(
        rows=rows_of(using, lambda found: _differing(getattr(found.current, which) or {}, offered)), differ=True
    )


def _differing(copy: Mapping[str, Any], offered: Mapping[str, Any]) -> tuple[str, ...]:
    """Keys of a definition that are not as the deployment's own copy has them."""
    keys = sorted(copy.keys() | offered.keys())
    return tuple(key.replace("_", " ") for key in keys if (copy.get(key) or None) != (offered.get(key) or None))


def _labelled(prefix: MetadataPrefix, live: DeploymentQuerySet) -> tuple[Use, ...]:
    def has_key(found: Deployment) -> bool:
        spec = found.current.spec if found.current else {}
        return any(key.startswith(prefix.prefix) for part in ("labels", "annotations") for key in spec.get(part) or {})

    return tuple(use for found, use in _pairs(live) if has_key(found))


def _under(rule: RegistryRule, live: DeploymentQuerySet) -> tuple[Use, ...]:
    """Deployments whose image only this rule allows."""
    if rule.team_id:
        live = live.filter(namespace__team=rule.team_id)
    others: dict[int, list[str]] = {}

    def needs(found: Deployment) -> bool:
        team = found.namespace.team_id
        if team not in others:
            rules = RegistryRule.objects.filter(Q(team=None) | Q(team=team)).exclude(pk=rule.pk)
            others[team] = list(rules.values_list("prefix", flat=True))
        current = found.current
        image = (current.spec.get("image_override") or current.runtime.get("image", "")) if current else ""
        return allowed(image, [rule.prefix]) and not allowed(image, others[team])

    return tuple(use for found, use in _pairs(live) if needs(found))


def rows_of(using: DeploymentQuerySet, differs: Any = None) -> tuple[Use, ...]:
    """Prod first, then by name; `differs` says of each what its next edit takes."""
    return tuple(use for _, use in _pairs(using, differs))


def _pairs(using: DeploymentQuerySet, differs: Any = None) -> Iterable[tuple[Deployment, Use]]:
    found = using.select_related("namespace", "current").order_by("slug")
    pairs = [
        (
            item,
            Use(
                slug=item.slug,
                name=item.name,
                namespace=item.namespace.name,
                environment=item.environment,
                differs=differs(item) if differs else (),
            ),
        )
        for item in found
    ]
    return sorted(pairs, key=lambda pair: (_ORDER[pair[1].environment], pair[1].slug))
