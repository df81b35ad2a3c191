"""Whether the audit log is intact: the answers of workers that recomputed its chain."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from deployments.access import TooSmallARole, current_user
from deployments.actions import audit_checks
from deployments.audit import Actor
from deployments.models import AuditCheck

SHOWN = 20


@require_http_methods(["GET", "HEAD", "POST"])
def verification(request: HttpRequest) -> HttpResponse:
    """The last checks; a POST asks for another."""
    user = current_user(request)
    if request.method == "POST":
        if not user.sees_everything:
            raise TooSmallARole.platforms()
        audit_checks.ask(by=Actor.of(request))
        return redirect("audit-verification")
    checks = list(AuditCheck.objects.all()[:SHOWN])
    context = {
        "checks": checks,
        "waiting": next((check for check in checks if check.answer == "waiting"), None),
        "last": next((check for check in checks if check.answer == "done"), None),
        # What was altered names entries of all teams.
        "sees_findings": user.sees_everything,
    }
    return render(request, "audit/verification.html", context)
