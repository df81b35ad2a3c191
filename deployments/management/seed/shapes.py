"""The shapes that the demo's data is written in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from deployments.domain.spec.spec import Spec


@dataclass(frozen=True, kw_only=True)
class Person:
    username: str
    name: str
    is_platform_admin: bool = False
    is_auditor: bool = False
    can_log_in: bool = True
    roles: Mapping[str, str] = field(default_factory=dict)  # team slug -> role


@dataclass(frozen=True, kw_only=True)
class TeamPlan:
    slug: str
    name: str
    contact: str
    short: str  # its namespaces are <short>-dev, -staging and -prod; empty: none


@dataclass(frozen=True, kw_only=True)
class ModelPlan:
    slug: str
    name: str
    team: str
    type: str
    description: str


@dataclass(frozen=True)
class Edit:
    """One more revision: who, why, and the fields of Spec that change. `env` adds to what is set; None removes."""

    by: str
    why: str
    change: Mapping[str, Any] = field(default_factory=dict)
    env: Mapping[str, str | None] = field(default_factory=dict)
    returns_to: int | None = None

    def on(self, spec: Spec) -> Spec:
        """`spec` with this edit."""
        variables: dict[str, str | None] = {**dict(spec.env), **self.env}
        kept = tuple((name, value) for name, value in variables.items() if value is not None)
        return replace(spec, **self.change, env=kept)


@dataclass(frozen=True, kw_only=True)
class DeploymentPlan:
    """One deployment: its first spec, the edits after it, and what it is left in."""

    model: str
    environment: Literal["dev", "staging", "prod"]
    by: str
    why: str
    spec: Spec
    edits: tuple[Edit, ...] = ()
    paused: str = ""  # why; once it runs
    retired: str = ""  # why; once it ran
    waiting: Edit | None = None  # sent to the maintainers, not applied
    later: Edit | None = None  # made once the cluster is up, so that its rollout is seen as it happens
    changed_behind_our_back: tuple[str, ...] = ()  # arguments of kubectl, run once the cluster is up
