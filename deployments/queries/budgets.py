"""Budgets against the month: of all that a person sees, and what a change does to those over one deployment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Q, QuerySet

from deployments.domain.cost.amounts import Amount
from deployments.domain.cost.budgets import Effect, Forecast, Level, Share, forecast, month_of
from deployments.domain.roles import Role
from deployments.models import Budget, Deployment, Membership, Revision, User
from deployments.models.budget import BudgetQuerySet
from deployments.queries.month_costs import MonthCosts


@dataclass(frozen=True, kw_only=True)
class Standing:
    """A budget and where its month is heading."""

    budget: Budget
    forecast: Forecast
    told: tuple[str, ...]

    @property
    def level(self) -> Level:
        return self.budget.limits.level(self.forecast.value)

    @property
    def is_at_risk(self) -> bool:
        return self.level is not Level.WITHIN

    @property
    def spent(self) -> Amount:
        return self.forecast.amount(self.forecast.spent)

    @property
    def percent(self) -> int | None:
        """The forecast in percent of the lowest limit, at most 999; None where that limit is 0."""
        limits = self.budget.limits
        lowest = limits.soft if limits.soft is not None else limits.hard
        if not lowest:
            return None
        return min(int(self.forecast.value / lowest * 100), 999)


def in_force(budgets: Iterable[Budget], *, at: datetime) -> list[Budget]:
    """One for each thing that is covered: that of the month, else that of every month."""
    month = month_of(at)[0].date()
    found: dict[tuple[object, ...], Budget] = {}
    for row in sorted((row for row in budgets if row.holds_in(month)), key=_standing_first):
        found[row.scope] = row
    return sorted(found.values(), key=lambda row: row.pk)


def _standing_first(row: Budget) -> tuple[bool, int]:
    return row.month is not None, row.pk


def standings(budgets: Iterable[Budget], *, at: datetime) -> list[Standing]:
    """Those in force, worst first. What several of them cover is worked out once."""
    rows = in_force(budgets, at=at)
    if not rows:
        return []
    covered = _deployments(rows, at)
    shares = MonthCosts(covered, at=at).shares()
    told = told_of(rows)
    found = [Standing(budget=row, forecast=_forecast(row, covered, shares, at), told=told[row.pk]) for row in rows]
    return sorted(found, key=lambda item: (-item.level.rank, -(item.percent or 0), str(item.budget)))


def effects(
    deployment: Deployment,
    *,
    spec: Mapping[str, Any],
    profile: Mapping[str, Any] | None,
    moves: bool,
    at: datetime,
    is_return: bool = False,
    lock: bool = False,
) -> tuple[Effect, ...]:
    """What it does to the budgets over a deployment to run this spec from now on; both as revisions store them.

    The deployment may be unsaved. `moves`: something that is paid for differs. With `lock`, in a transaction: nobody
    else saves under these budgets until its end, and what they saved before is counted.
    """
    rows = Budget.objects.covering(deployment).order_by("pk")
    if lock:
        # The locks alone first: after waiting, a joined row would not be looked up anew.
        list(rows.select_for_update(of=("self",)).values_list("pk", flat=True))
    budgets = in_force(rows.related(), at=at)
    if not budgets:
        return ()
    covered = _deployments(budgets, at)
    costs = MonthCosts(covered, at=at, also=deployment)
    shares = costs.shares()
    own = shares.get(deployment.pk or 0)
    new = costs.with_spec(deployment, spec, profile, own) if moves or own is None else own
    told = told_of(budgets)
    found = []
    for row in budgets:
        before = _forecast(row, covered, shares, at)
        after = _forecast(row, covered, shares, at, changed=(deployment, new))
        found.append(
            Effect(
                key=row.pk,
                name=str(row),
                limits=row.limits,
                before=before,
                after=after,
                is_unknown=moves and _is_unknown(new, row.currency),
                is_return=is_return,
                is_shared=row.team_id is None,
                told=told[row.pk],
            )
        )
    return tuple(found)


def over(*, deployment: Deployment | None, team_id: int | None) -> BudgetQuerySet:
    """Budgets that a schedule may move: of a deployment, of a team, else of everything."""
    if deployment is not None:
        return Budget.objects.covering(deployment)
    return Budget.objects.filter(Q(team=team_id) | Q(team=None)) if team_id is not None else Budget.objects.all()


def headings(rows: BudgetQuerySet, *, at: datetime, lock: bool = False) -> dict[int, tuple[Budget, Forecast]]:
    """Of those in force, where their month is heading by what the rows say now. `lock` as for `effects`."""
    if lock:
        list(rows.order_by("pk").select_for_update(of=("self",)).values_list("pk", flat=True))
    budgets = in_force(rows.related(), at=at)
    if not budgets:
        return {}
    covered = _deployments(budgets, at)
    shares = MonthCosts(covered, at=at).shares()
    return {row.pk: (row, _forecast(row, covered, shares, at)) for row in budgets}


def moved(
    before: Mapping[int, tuple[Budget, Forecast]],
    after: Mapping[int, tuple[Budget, Forecast]],
    *,
    is_unknown: bool = False,
) -> tuple[Effect, ...]:
    """What came between two looks at the same budgets. `is_unknown`: it costs something, and nobody knows how much."""
    told = told_of([row for row, _ in after.values()])
    return tuple(
        Effect(
            key=key,
            name=str(row),
            limits=row.limits,
            before=before[key][1],
            after=heading,
            is_unknown=is_unknown,
            is_shared=row.team_id is None,
            told=told[key],
        )
        for key, (row, heading) in after.items()
        if key in before
    )


def kept_with(revision: Revision | None) -> tuple[Effect, ...]:
    """What was found when the revision was saved."""
    return tuple(Effect.from_json(item) for item in revision.budgets) if revision is not None else ()


def told_of(budgets: Iterable[Budget]) -> dict[int, tuple[str, ...]]:
    """User names of those whose Home shows it, for each: the team's maintainers, and who is named beside them.

    Somebody who may not see it any more is not among them.
    """
    rows = list(budgets)
    teams = {row.team_id for row in rows if row.team_id}
    roles: dict[tuple[int, str], str] = {
        (team_id, username): role
        for team_id, username, role in Membership.objects.filter(team_id__in=teams, user__is_active=True)
        .order_by("user__username")
        .values_list("team_id", "user__username", "role")
    }
    named = {name for row in rows for name in row.told_names}
    everywhere = Q(is_platform_admin=True) | Q(is_auditor=True)
    seeing = set(User.objects.filter(everywhere, username__in=named, is_active=True).values_list("username", flat=True))
    found = {}
    for row in rows:
        maintainers = [
            name for (team, name), role in roles.items() if team == row.team_id and role == Role.MAINTAINER.value
        ]
        also = [name for name in row.told_names if name in seeing or (row.team_id or 0, name) in roles]
        found[row.pk] = tuple(dict.fromkeys((*maintainers, *also)))
    return found


def visible(user: User) -> QuerySet[Budget]:
    return Budget.objects.visible_to(user).related()


def is_past(month: date | None, *, at: datetime) -> bool:
    return month is not None and month < month_of(at)[0].date()


def _deployments(budgets: Iterable[Budget], at: datetime) -> list[Deployment]:
    """All that the budgets cover and that cost anything in the month."""
    wanted = Q(pk__in=[])
    for row in budgets:
        wanted |= row.covered()
    start, _ = month_of(at)
    return list(
        Deployment.objects.filter(wanted, Q(retired_at=None) | Q(retired_at__gt=start))
        .select_related("namespace__team", "namespace__cluster", "sleep")
        .order_by("pk")
    )


def _forecast(
    budget: Budget,
    covered: Iterable[Deployment],
    shares: Mapping[int, Share],
    at: datetime,
    *,
    changed: tuple[Deployment, Share] | None = None,
) -> Forecast:
    counted = {row.pk: shares[row.pk] for row in covered if row.pk in shares and _covers(budget, row)}
    if changed is not None:
        counted[changed[0].pk or 0] = changed[1]
    return forecast(counted.values(), currency=budget.currency, at=at)


def _covers(budget: Budget, row: Deployment) -> bool:
    """As `Budget.covered`, for a row that is here already."""
    if budget.deployment_id:
        return row.pk == budget.deployment_id
    if budget.model_id:
        return row.model_id == budget.model_id
    if budget.team_id and row.namespace.team_id != budget.team_id:
        return False
    return not budget.environment or row.namespace.environment == budget.environment


def _is_unknown(share: Share, currency: str) -> bool:
    return share.usual.value is None or (bool(share.usual.value) and share.usual.currency != currency)
