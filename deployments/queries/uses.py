"""Who uses what the platform team offers, so that nothing is changed or taken away under somebody unseen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.db import models
from django.db.models import Q

from deployments.domain.catalogue import Environment
from deployments.domain.text.images import allowed
from deployments.models import Cluster, Deployment, HardwareProfile, Namespace, RegistryRule, Runtime
from deployments.models.deployment import DeploymentQuerySet

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
    """Prod first. `one` and `many` complete "1 deployment ... it" and "3 deployments ... it"."""

    rows: tuple[Use, ...]
    one: str = "uses"
    many: str = "use"

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
    """None for rows that no deployment names."""
    live = Deployment.objects.filter(retired_at=None, current__isnull=False)
    if isinstance(row, Runtime):
        return _copies(live.filter(current__runtime__slug=row.slug), row.to_domain().to_json(), "runtime")
    if isinstance(row, HardwareProfile):
        using = live.filter(current__spec__profile=row.slug)
        return _copies(using, row.to_domain().to_json(), "profile")
    if isinstance(row, Namespace):
        return Uses(rows=_rows(live.filter(namespace=row)), one="is in", many="are in") if row.pk else None
    if isinstance(row, Cluster):
        return Uses(rows=_rows(live.filter(namespace__cluster=row)), one="runs in", many="run in") if row.pk else None
    return Uses(rows=_under(row, live), one="needs", many="need") if isinstance(row, RegistryRule) else None


def _copies(using: DeploymentQuerySet, offered: Mapping[str, Any], which: str) -> Uses:
    return Uses(rows=_rows(using, lambda found: _differing(getattr(found.current, which) or {}, offered)))


def _differing(copy: Mapping[str, Any], offered: Mapping[str, Any]) -> tuple[str, ...]:
    """Keys of a definition that are not as the deployment's own copy has them."""
    keys = sorted(copy.keys() | offered.keys())
    return tuple(key.replace("_", " ") for key in keys if (copy.get(key) or None) != (offered.get(key) or None))


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


def _rows(using: DeploymentQuerySet, differs: Any = None) -> tuple[Use, ...]:
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
