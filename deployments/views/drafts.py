"""What was typed into the form of a spec and not proposed: kept, offered again, forgotten."""

from __future__ import annotations

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from baristaweb.lib.numbers import whole
from deployments import access
from deployments.actions import drafts
from deployments.domain.roles import Permission
from deployments.models import Draft


def keep(request: HttpRequest, key: str, data: QueryDict) -> None:
    drafts.keep(by=access.current_user(request), key=key, data=dict(data.lists()), **_of_page(request))


def forget(request: HttpRequest, key: str) -> None:
    drafts.discard(by=access.current_user(request), key=key, **_of_page(request))


def offered(request: HttpRequest, key: str) -> list[Draft]:
    """The drafts to offer on a page just opened; none when the page was opened with something to fill in."""
    if request.method == "POST" or any(name in request.GET for name in ("draft", "from", "proposal", "adopt")):
        return []
    return list(_all(request, key))


def taken_up(request: HttpRequest, key: str) -> QueryDict | None:
    """?draft=1 (the newest) or its number: what the author typed and did not propose."""
    draft = _wanted(request, key)
    if draft is None:
        return None
    data = QueryDict(mutable=True)
    for name, values in draft.data.items():
        data.setlist(name, values)
    return data


def fields(request: HttpRequest, key: str) -> list[tuple[str, int]]:
    """Hidden fields by which a form tells which draft it goes on with, or which it leaves alone."""
    if request.method == "POST":
        return [(name, number) for name, number in _of_page(request).items() if number]
    draft = _wanted(request, key)
    if draft is not None:
        return [("resumes", draft.pk)]
    newest = _all(request, key).filter(key=key).first()
    return [("beside", newest.pk)] if newest is not None else []


def _of_page(request: HttpRequest) -> dict[str, int]:
    return {name: whole(request.POST.get(name), 0) for name in ("resumes", "beside")}


def _all(request: HttpRequest, key: str) -> QuerySet[Draft]:
    mine = Draft.objects.filter(user=access.current_user(request))
    return drafts.of_key(mine, key).order_by("-saved_at")


def _wanted(request: HttpRequest, key: str) -> Draft | None:
    wanted = request.GET.get("draft", "")
    if wanted == "1":
        return _all(request, key).first()
    number = whole(wanted, 0)
    return _all(request, key).filter(pk=number).first() if number else None


def _after(request: HttpRequest, page: str, *args: str) -> HttpResponse:
    return redirect("home") if request.POST.get("back") == "home" else redirect(page, *args)


@require_POST
def discard(request: HttpRequest, slug: str) -> HttpResponse:
    """Forget the draft of an edit."""
    deployment = access.get_deployment(request, slug, Permission.REVISION_PROPOSE)
    forget(request, deployment.slug)
    return _after(request, "deployment-edit", deployment.slug)


@require_POST
def discard_new(request: HttpRequest) -> HttpResponse:
    """Forget the draft of a new deployment."""
    forget(request, Draft.NEW)
    return _after(request, "deployment-new")
