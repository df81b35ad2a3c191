"""What windows are compared with, and by which rules; both are judged again after a change."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from deployments.actions.errors import Refused, Wrong
from deployments.audit import Actor
from deployments.domain.roles import Permission
from observability.actions import baselines as actions
from observability.domain.compare.definitions import FORMULAS, THRESHOLDS
from observability.forms.baseline import BaselineForm, RulesForm
from observability.models import ReferenceShelf, SourceRules
from observability.queries import observed
from observability.queries.observed import Scope
from observability.queries.rules import rules_of
from observability.views.frame import open_page


@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest, slug: str) -> HttpResponse:
    """POST `do=baseline` or `do=rules`."""
    permission = Permission.BASELINE_EDIT if request.method == "POST" else Permission.DATA_VIEW
    _, scope, context = open_page(request, slug, "baseline", permission)
    if scope is None:
        if request.method == "POST":
            raise Http404
        return render(request, "observability/overview.html", context)
    chosen = BaselineForm(initial=_chosen(scope))
    rules = RulesForm(initial=_rules(scope))
    status, refusal = 200, ""
    if request.method == "POST":
        is_rules = request.POST.get("do") == "rules"
        if is_rules:
            rules = RulesForm(request.POST)
        else:
            chosen = BaselineForm(request.POST, request.FILES)
        refusal = _save(request, scope, rules if is_rules else chosen)
        if not refusal and (rules if is_rules else chosen).is_valid():
            messages.success(request, "Saved. All windows are evaluated again in the background.")
            return redirect("deployment-baseline", slug)
        status = 409 if refusal else 422
    context |= {
        "baseline_form": chosen,
        "rules_form": rules,
        "refusal": refusal,
        "baseline": observed.baseline_of(scope),
        "references": ReferenceShelf.objects.filter(spec=scope.spec).defer("data", "offsets").order_by("-made_at")[:12],
        "thresholds": [
            (name, rules_of(scope.source).threshold(name, value), value, FORMULAS[name])
            for name, value in THRESHOLDS.items()
        ],
    }
    return render(request, "observability/baseline.html", context, status=status)


def _save(request: HttpRequest, scope: Scope, form: BaselineForm | RulesForm) -> str:
    """Why it was refused; empty when it was saved, or the form says itself what is wrong."""
    if not form.is_valid():
        return ""
    by, note = Actor.of(request), form.cleaned_data["note"]
    try:
        if isinstance(form, RulesForm):
            based_on = form.cleaned_data["based_on"]
            actions.set_rules(source=scope.source, rules=form.rules(), based_on=based_on, by=by, note=note)
        else:
            actions.choose(row=form.row(scope.source), by=by, note=note)
    except Wrong as problem:
        for field, message in problem.errors.items():
            form.add_error(field if field in form.fields else None, message)
    except Refused as problem:
        return str(problem)
    return ""


def _chosen(scope: Scope) -> dict[str, Any]:
    row = observed.baseline_of(scope)
    if row is None:
        return {"how": "previous"}
    return {
        "how": row.how,
        "since": row.since,
        "until": row.until,
        "days": row.days,
        "model_version": row.model_version,
    }


def _rules(scope: Scope) -> dict[str, Any]:
    rules = rules_of(scope.source)
    row = SourceRules.objects.filter(pk=scope.source.pk).first()
    lines = "\n".join(f"{name} {value:g}" for name, value in rules.thresholds.items())
    return {
        "k": rules.k,
        "n": rules.n,
        "min_rows": rules.min_rows,
        "thresholds": lines,
        "based_on": row.version if row else 0,
    }
