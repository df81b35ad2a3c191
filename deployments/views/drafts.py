"""What was typed into the form of a spec and not proposed: kept, offered again, forgotten."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from deployments import access
from deployments.actions import drafts
from deployments.domain.roles import Permission
from deployments.models import Draft


def keep(request: HttpRequest, key: str, data: QueryDict) -> None:
    drafts.keep(by=access.current_user(request), key=key, data=dict(data.lists()))


def forget(request: HttpRequest, key: str) -> None:
    drafts.discard(by=access.current_user(request), key=key)


def offered(request: HttpRequest, key: str) -> Draft | None:
    """The draft to offer on a page just opened; none when the page was opened with something to fill in."""
    if request.method == "POST" or any(name in request.GET for name in ("draft", "from", "proposal", "adopt")):
        return None
    return _of(request, key)


def taken_up(request: HttpRequest, key: str) -> QueryDict | None:
    """?draft=1: what the author typed and did not propose."""
    draft = _of(request, key) if request.GET.get("draft") == "1" else None
    if draft is None:
        return None
    data = QueryDict(mutable=True)
    for name, values in draft.data.items():
        data.setlist(name, values)
    return data


def _of(request: HttpRequest, key: str) -> Draft | None:
    return Draft.objects.filter(user=access.current_user(request), key=key).first()


@require_POST
def discard(request: HttpRequest, slug: str) -> HttpResponse:
    """Forget the draft of an edit."""
    deployment = access.get_deployment(request, slug, Permission.REVISION_PROPOSE)
    forget(request, deployment.slug)
    return redirect("deployment-edit", deployment.slug)


@require_POST
def discard_new(request: HttpRequest) -> HttpResponse:
    """Forget the draft of a new deployment."""
    forget(request, Draft.NEW)
    return redirect("deployment-new")
