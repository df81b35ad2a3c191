"""What was typed into the form of a spec and not proposed: kept, offered again, forgotten."""

from __future__ import annotations

from django.db.models import Q
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from baristaweb.lib.numbers import FITS_BIGINT, whole
from deployments import access
from deployments.actions import drafts
from deployments.domain.roles import Permission
from deployments.models import Draft


def keep(request: HttpRequest, key: str, data: QueryDict) -> None:
    """Store it, and note in the request which draft the page goes on with, for `of_page`."""
    row = drafts.keep(by=access.current_user(request), key=key, data=dict(data.lists()), draft=_number(request))
    request.kept_draft = row.pk if row else None  # type: ignore[attr-defined]


def forget(request: HttpRequest, key: str) -> None:
    drafts.discard(by=access.current_user(request), key=key, draft=_number(request))


def of_page(request: HttpRequest, key: str) -> int | None:
    """The key of the draft that the page goes on with: what it typed last, took up, or said itself."""
    kept: int | None = getattr(request, "kept_draft", None)
    if kept is not None or request.method == "POST":
        return kept if kept is not None else _number(request)
    taken = _taken(request, key)
    return taken.pk if taken else None


def offered(request: HttpRequest, key: str) -> list[Draft]:
    """Drafts to offer on a page just opened, newest first; none when it was opened with something to fill in."""
    if request.method == "POST" or any(name in request.GET for name in ("draft", "from", "proposal", "adopt")):
        return []
    return _all(request, key)


def taken_up(request: HttpRequest, key: str) -> QueryDict | None:
    """?draft=1: what the author typed last and did not propose; ?draft=n12: that draft."""
    draft = _taken(request, key)
    if draft is None:
        return None
    data = QueryDict(mutable=True)
    for name, values in draft.data.items():
        data.setlist(name, values)
    return data


def _taken(request: HttpRequest, key: str) -> Draft | None:
    wanted = request.GET.get("draft", "")
    if not wanted:
        return None
    return next((row for row in _all(request, key) if row.address == wanted), None)


def _all(request: HttpRequest, key: str) -> list[Draft]:
    mine = Draft.objects.filter(user=access.current_user(request))
    found = mine.filter(Q(key=key) | Q(key__startswith=f"{key}{Draft.ASIDE}"))
    return list(found.order_by("-saved_at", "-pk"))


def _number(request: HttpRequest) -> int | None:
    return whole(request.POST.get("draft_id"), digits=FITS_BIGINT)


@require_POST
def discard(request: HttpRequest, slug: str) -> HttpResponse:
    """Forget a draft of an edit."""
    deployment = access.get_deployment(request, slug, Permission.REVISION_PROPOSE)
    forget(request, deployment.slug)
    return redirect("home") if request.POST.get("next") == "home" else redirect("deployment-edit", deployment.slug)


@require_POST
def discard_new(request: HttpRequest) -> HttpResponse:
    """Forget a draft of a new deployment."""
    forget(request, Draft.NEW)
    return redirect("home" if request.POST.get("next") == "home" else "deployment-new")
