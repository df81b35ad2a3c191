"""What all pages of a deployment's data share: who may see them, the range of time, the state they begin with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest

from baristaweb.lib.clock import now
from baristaweb.lib.numbers import whole
from deployments.access import current_user, get_deployment, may
from deployments.domain.roles import Permission
from deployments.models import Deployment
from deployments.views.detail import shell_of
from observability.domain.charts.frame import Frame
from observability.domain.charts.rail import Change, Pill, rail
from observability.domain.charts.scales import Times
from observability.domain.results.health import DataState
from observability.models import DataHealth, JudgedWindow
from observability.queries import changes, observed
from observability.queries.observed import DAYS, Scope


@dataclass(frozen=True)
class Rights:
    """What the person may do with a deployment's data."""

    export: bool
    see_sensitive: bool
    post_change: bool
    edit_baseline: bool


def rights_of(request: HttpRequest, deployment: Deployment) -> Rights:
    user = current_user(request)

    def has(permission: Permission) -> bool:
        return may(user, permission, team_id=deployment.team.pk, environment=deployment.environment)

    return Rights(
        export=has(Permission.DATA_EXPORT),
        see_sensitive=has(Permission.SENSITIVE_EXPORT),
        post_change=has(Permission.CHANGE_POST),
        edit_baseline=has(Permission.BASELINE_EDIT),
    )


@dataclass(frozen=True, kw_only=True)
class Health:
    """The first sentence of every page."""

    state: DataState
    sentence: str
    since: datetime | None = None
    change: Change | None = None
    newest_at: datetime | None = None

    @property
    def tone(self) -> str:
        return {"bad": "bad", "warn": "warn", "stall": "warn", "ok": "ok"}.get(self.state.tone.value, "plan")


def open_page(
    request: HttpRequest, slug: str, page: str, permission: Permission = Permission.DATA_VIEW
) -> tuple[Deployment, Scope | None, dict[str, Any]]:
    """The deployment, its scope (None: nothing is connected) and the context of the frame. Raises as access does."""
    deployment = get_deployment(request, slug, permission)
    days = whole(request.GET.get("days"), 14)
    scope = observed.scope_of(deployment, days=days if days in DAYS else 14, at=now())
    context = shell_of(request, deployment, "observability") | {
        "scope": scope,
        "data_page": page,
        "data_rights": rights_of(request, deployment),
        "health": health_of(deployment, scope),
        "day_choices": DAYS,
    }
    return deployment, scope, context


def health_of(deployment: Deployment, scope: Scope | None) -> Health:
    """As the last evaluation wrote it; the states before there is one."""
    if scope is None:
        return Health(
            state=DataState.NOT_CONNECTED, sentence="No log is connected, so nothing is known about this model's data."
        )
    row = DataHealth.objects.filter(pk=deployment.pk).first()
    if row is None:
        return Health(state=DataState.FEW, sentence="No window has closed yet: the first verdict comes after it.")
    change = _change_before(deployment, row.since) if row.since else None
    return Health(
        state=DataState(row.state), sentence=row.sentence, since=row.since, change=change, newest_at=row.newest_at
    )


def _change_before(deployment: Deployment, since: datetime) -> Change | None:
    """What changed last before the data did, within the window and the two hours before it."""
    found = changes.changes_of(deployment, since - timedelta(hours=2), since + timedelta(hours=1))
    return found[-1] if found else None


@dataclass(frozen=True, eq=False)
class Axis:
    """One time axis for a box of panels, with the rail of changes on top."""

    frame: Frame
    pills: Sequence[Pill]
    changes: Sequence[Change]


def axis_of(scope: Scope, judged: Sequence[JudgedWindow]) -> Axis:
    low, high = scope.seconds
    times = Times(low, high, scope.zone)
    found = changes.changes_of(scope.deployment, scope.since, scope.until)
    pills, marks = rail(found, times)
    frame = Frame(times, observed.stretches_of(scope, judged), marks, gap=1.5 * scope.step_s)
    return Axis(frame, pills, found)
