"""Budgets: where the month is heading, and the forms that set them."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from baristaweb.lib.clock import now
from deployments import access
from deployments.actions import budgets as actions
from deployments.actions.errors import Refused, Wrong
from deployments.audit import Actor
from deployments.domain.cost.budgets import month_of
from deployments.domain.roles import Permission
from deployments.forms.budgets import BudgetForm, editable_teams, initial_of
from deployments.models import Budget, Deployment
from deployments.queries import budgets as queries
from deployments.queries.budgets import Standing
from deployments.views.budget_bar import Bar, bar


@require_safe
def budgets(request: HttpRequest) -> HttpResponse:
    """All that the user sees, worst first."""
    user = access.current_user(request)
    at = now()
    rows = list(queries.visible(user))
    shown = queries.standings(rows, at=at)
    in_force = {item.budget.pk for item in shown}
    context = {
        "rows": _drawn(shown),
        "others": [row for row in rows if row.pk not in in_force],
        "month": month_of(at)[0],
        "may_make": bool(editable_teams(user)),
        "at_risk": sum(item.is_at_risk for item in shown),
    }
    return render(request, "costs/budgets.html", context)


@require_safe
def at_risk(request: HttpRequest) -> HttpResponse:
    """For Home: those over a limit by forecast."""
    user = access.current_user(request)
    shown = queries.standings(queries.visible(user), at=now())
    context = {"rows": _drawn([item for item in shown if item.is_at_risk]), "count": len(shown)}
    return render(request, "costs/_budgets_at_risk.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def create(request: HttpRequest) -> HttpResponse:
    """A new one; ?deployment= offers that deployment too."""
    user = access.current_user(request)
    if not (user.is_platform_admin or editable_teams(user)):
        raise access.TooSmallARole(Permission.BUDGET_EDIT, teams=access.teams_of(user), environment=None)
    form = BudgetForm(request.POST or None, user=user, deployment=_deployment(request))
    if request.method != "POST" or not form.is_valid():
        return _page(request, form, status=422 if form.is_bound else 200)
    row = form.row
    if row.team is not None:
        access.require(request, Permission.BUDGET_EDIT, target=row.team)
    return _save(request, form, row)


@require_http_methods(["GET", "HEAD", "POST"])
def budget(request: HttpRequest, budget_id: int) -> HttpResponse:
    """One budget: POST changes its limits, or deletes it (`do=delete`)."""
    permission = Permission.BUDGET_EDIT if request.method == "POST" else Permission.COST_VIEW
    found = access.get_budget(request, budget_id, permission)
    user = access.current_user(request)
    if request.method != "POST":
        return _page(request, BudgetForm(initial=initial_of(found), user=user, row=found), found)
    if request.POST.get("do") == "delete":
        return _delete(request, found)
    form = BudgetForm(request.POST, user=user, row=found)
    if not form.is_valid():
        # The form's row is the shown one: what was typed and refused must not be drawn as the limit.
        return _page(request, form, access.get_budget(request, budget_id, permission), status=422)
    return _save(request, form, form.row)


def _save(request: HttpRequest, form: BudgetForm, row: Budget) -> HttpResponse:
    is_new = row.pk is None
    try:
        saved = actions.save(row=row, by=Actor.of(request), note=form.cleaned_data["note"])
    except Wrong as problem:
        for path, message in problem.errors.items():
            form.add_error(path, message)
        return _page(request, form, None if is_new else row, status=422)
    except Refused as problem:
        return _page(request, form, None if is_new else row, refusal=str(problem), status=409)
    messages.success(request, f"The budget of {saved.covers} is saved.")
    return redirect("cost-budget", saved.pk)


def _delete(request: HttpRequest, row: Budget) -> HttpResponse:
    name = row.covers
    try:
        actions.delete(row=row, by=Actor.of(request), note=request.POST.get("note", ""))
    except Refused as problem:
        messages.error(request, str(problem))
    else:
        messages.success(request, f"The budget of {name} is deleted. Changes are no longer held to it.")
    return redirect("cost-budgets")


def _deployment(request: HttpRequest) -> Deployment | None:
    slug = request.GET.get("deployment", "")
    return access.get_deployment(request, slug, Permission.COST_VIEW) if slug else None


def _page(
    request: HttpRequest, form: BudgetForm, row: Budget | None = None, *, refusal: str = "", status: int = 200
) -> HttpResponse:
    user = access.current_user(request)
    shown = queries.standings([row], at=now()) if row is not None and row.pk else []
    context: dict[str, Any] = {
        "form": form,
        "budget": row,
        "rows": _drawn(shown),
        "refusal": refusal,
        "may_edit": row is None or (user.is_platform_admin if row.team is None else row.team in editable_teams(user)),
    }
    return render(request, "costs/budget.html", context, status=status)


def _drawn(shown: list[Standing]) -> list[tuple[Standing, Bar]]:
    return [(item, bar(item.budget.limits, item.forecast)) for item in shown]
