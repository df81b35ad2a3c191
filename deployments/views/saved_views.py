"""A person's own views of the fleet: naming the filters in use, and forgetting them."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from deployments.access import current_user
from deployments.actions import saved_views as actions
from deployments.actions.errors import Refused
from deployments.domain.catalogue import Environment, ModelType
from deployments.domain.status.states import State
from deployments.models import SavedView
from deployments.queries.fleet import Filters
from deployments.views.fleet import SORT_WORDS, VIEW_WORDS, filters_of, query_of


@dataclass(frozen=True, kw_only=True)
class Listed:
    """A kept view and what it filters, in words."""

    view: SavedView
    words: str


@require_http_methods(["GET", "HEAD", "POST"])
def saved_views(request: HttpRequest) -> HttpResponse:
    """The person's views; with filters in the address, a form that keeps those. POST keeps them."""
    user = current_user(request)
    posted = request.method == "POST"
    query = query_of(filters_of(QueryDict(request.POST.get("query", "")) if posted else request.GET))
    refusal = name = ""
    if posted:
        name = request.POST.get("name", "")
        try:
            view = actions.save(by=user, name=name, query=query)
        except Refused as problem:
            refusal = str(problem)
        else:
            messages.success(request, f"{view.name} is one of your views now.")
            return redirect(f"{reverse('fleet')}?{view.query}")
    context = {
        "views": [Listed(view=row, words=words_of(row.query)) for row in SavedView.objects.filter(user=user)],
        "most": actions.MOST,
        "query": query,
        "words": words_of(query),
        "name": name,
        "refusal": refusal,
    }
    return render(request, "deployments/saved_views.html", context, status=422 if refusal else 200)


@require_POST
def delete(request: HttpRequest, view_id: int) -> HttpResponse:
    """Forget one of the person's own views."""
    found = SavedView.objects.filter(pk=view_id, user=current_user(request)).first()
    if found is None:
        raise Http404
    name = found.name
    actions.delete(view=found)
    messages.success(request, f"{name} is deleted.")
    return redirect("fleet-views")


def words_of(query: str) -> str:
    """ "search ranker, Crash-looping, prod"."""
    filters: Filters = filters_of(QueryDict(query))
    parts = [
        VIEW_WORDS.get(filters.view, "") if filters.view else "",
        f"search “{filters.words}”" if filters.words else "",
        _label(State, filters.state),
        filters.environment if filters.environment in {item.value for item in Environment} else "",
        _label(ModelType, filters.type),
        f"team {filters.team}" if filters.team else "",
        f"cluster {filters.cluster}" if filters.cluster else "",
        f"runtime {filters.runtime}" if filters.runtime else "",
        f"by {SORT_WORDS[filters.sort]}" if filters.sort != "state" else "",
    ]
    return ", ".join(part for part in parts if part)


def _label(kind: type[State] | type[ModelType], value: str) -> str:
    return next((item.label for item in kind if item.value == value), "")
