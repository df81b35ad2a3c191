"""The same action on several deployments: a preview, then all of them or none."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from baristaweb.lib import passing
from baristaweb.lib.clock import now
from deployments import access
from deployments.actions import bulk
from deployments.actions.bulk import BulkAction, BulkRefused
from deployments.actions.errors import Refused
from deployments.audit import Actor
from deployments.domain.catalogue import Environment
from deployments.domain.cost.amounts import total
from deployments.forms.bulk import BulkForm
from deployments.models import Deployment
from deployments.queries import fleet_costs


@require_POST
def bulk_action(request: HttpRequest) -> HttpResponse:
    """POST with the chosen deployments shows what would happen; POST again with `confirm` does it."""
    form = BulkForm(request.POST, user=access.current_user(request))
    if not form.is_valid():
        for errors in form.errors.values():
            messages.error(request, " ".join(str(error) for error in errors))
        return redirect("fleet")
    rows: list[Deployment] = form.cleaned_data["deployment"]
    action = BulkAction(form.cleaned_data["action"])
    problems = _not_allowed(request, rows, action)
    if "confirm" in request.POST and not problems:
        try:
            done = bulk.run(rows=rows, action=action, by=Actor.of(request), note=form.cleaned_data["note"])
        except BulkRefused as refusal:
            problems = refusal.problems
        except Refused as refusal:
            messages.error(request, str(refusal))
            return redirect("fleet")
        else:
            passing.say(request, f"{action.label} of {len(done)} deployments is saved; workers apply it now.")
            return redirect("fleet")
    months = fleet_costs.months_of([fleet_costs.Size.of(row) for row in rows], at=now())
    context = {
        "form": form,
        "action": action,
        "rows": [(row, problems.get(row), months.get(row.pk)) for row in rows],
        "month": total(months.values()),
        "problem_count": len(problems),
        "has_prod": any(row.environment is Environment.PROD for row in rows),
        "needs_note": action is BulkAction.PAUSE or any(row.environment is Environment.PROD for row in rows),
    }
    return render(request, "deployments/bulk.html", context, status=409 if problems else 200)


def _not_allowed(request: HttpRequest, rows: list[Deployment], action: BulkAction) -> dict[Deployment, str]:
    """Those that cannot be done: the role is too small, or the state does not fit.

    A confirmed attempt with too small a role is recorded, and what state fits is then decided under the rows' locks.
    """
    problems = {}
    user = access.current_user(request)
    for row in rows:
        if "confirm" in request.POST:
            access.require(request, action.permission, target=row)
        elif not access.may(user, action.permission, team_id=row.team.pk, environment=row.environment):
            problems[row] = "not allowed with your role here"
        elif why := action.why_not(row):
            problems[row] = why
    return problems
