"""Connecting a log in three steps: where it lies, what its columns are, what saving would do. Then it is saved.

Nothing of a source is stored before the last step. What was typed is in the rows of the questions for workers.
"""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any, Final

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods

from baristaweb.lib import passing
from baristaweb.lib.clock import now
from baristaweb.lib.numbers import whole
from deployments.access import current_user, get_deployment
from deployments.actions.errors import Refused
from deployments.audit import Actor
from deployments.domain.roles import Permission
from deployments.models import Deployment
from deployments.models.requests import Answer
from observability.actions import samples
from observability.domain.sources.columns import problem_of
from observability.forms import columns
from observability.forms.source import WhereForm, WindowsForm, question_of, windows_initial
from observability.models import LogSource, SampleRequest
from observability.queries import places
from observability.views import saving, tried
from observability.views.sources import get_source

KEPT: Final = timedelta(hours=24)
GIVE_UP_AFTER: Final = timedelta(minutes=10)
SLOW_AFTER: Final = timedelta(seconds=30)
Kind = SampleRequest.Kind


@require_http_methods(["GET", "HEAD", "POST"])
def connect(request: HttpRequest, slug: str) -> HttpResponse:
    """Where a new log lies. POST has a worker read a sample."""
    deployment = get_deployment(request, slug, Permission.SOURCE_EDIT)
    if request.method != "POST":
        return _where(request, deployment, WhereForm(team=deployment.team))
    form = WhereForm(request.POST, team=deployment.team)
    if not form.is_valid():
        return _where(request, deployment, form, status=422)
    return _ask(request, deployment, form.question)


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """A source's settings, saved as they are; `do=sample` reads a sample first, to change columns or the address."""
    row = get_source(request, slug, name, Permission.SOURCE_EDIT)
    known = question_of(row)
    where = WhereForm(initial=known, team=row.deployment.team, source=row)
    windows = WindowsForm(initial=windows_initial(known))
    if request.method != "POST":
        return _where(request, row.deployment, where, source=row, windows=windows)
    if request.POST.get("do") == "settings":
        windows = WindowsForm(request.POST)
        if not windows.is_valid():
            return _where(request, row.deployment, where, source=row, windows=windows, status=422)
        try:
            saving.settings(
                row, windows.question, by=Actor.of(request), note=_note(request), based_on=_based_on(request)
            )
        except Refused as problem:
            refusal = str(problem)
            return _where(request, row.deployment, where, source=row, windows=windows, refusal=refusal, status=409)
        messages.success(request, f"The settings of {row.name} are saved.")
        return redirect("source", slug, name)
    form = WhereForm(request.POST, team=row.deployment.team, source=row)
    if not form.is_valid():
        return _where(request, row.deployment, form, source=row, windows=windows, status=422)
    return _ask(request, row.deployment, known | form.question | {"name": row.name, "based_on": row.version}, row)


def _note(request: HttpRequest) -> str:
    return request.POST.get("note", "").strip()[:300]


def _based_on(request: HttpRequest) -> int:
    return whole(request.POST.get("based_on"), 0)


def _where(
    request: HttpRequest,
    deployment: Deployment,
    form: WhereForm,
    *,
    source: LogSource | None = None,
    windows: WindowsForm | None = None,
    refusal: str = "",
    status: int = 200,
) -> HttpResponse:
    context = {
        "deployment": deployment,
        "environment": deployment.environment,
        "form": form,
        "source": source,
        "windows": windows,
        "refusal": refusal,
        "roots": places.offered(deployment.team),
    }
    return render(request, "sources/where.html", context, status=status)


def _ask(
    request: HttpRequest, deployment: Deployment, question: dict[str, Any], source: LogSource | None = None
) -> HttpResponse:
    by = current_user(request)
    row = samples.ask(kind=Kind.PROPOSE, deployment=deployment, by=by, question=question, source=source)
    return redirect("source-sample", deployment.slug, row.pk)


def get_sample(request: HttpRequest, slug: str, request_id: uuid.UUID) -> SampleRequest:
    """The user's own question about a deployment whose sources the user may still change; none of yesterday."""
    deployment = get_deployment(request, slug, Permission.SOURCE_EDIT)
    mine = SampleRequest.objects.filter(
        deployment=deployment, author=current_user(request), created_at__gt=now() - KEPT
    )
    found = mine.select_related("source__spec").filter(pk=request_id).first()
    if found is None:
        raise Http404
    found.deployment = deployment
    return found


@require_http_methods(["GET", "HEAD", "POST"])
def sample(request: HttpRequest, slug: str, request_id: uuid.UUID) -> HttpResponse:
    """What was read, to confirm or change. POST keeps a page of columns, tries the whole, or saves what was tried."""
    row = get_sample(request, slug, request_id)
    if request.method == "POST" and row.answer == Answer.DONE:
        return _posted(request, row)
    if request.method == "POST":
        return _page(request, row, refusal="Wait for the answer of the worker.", status=409)
    return _page(request, row)


def _posted(request: HttpRequest, row: SampleRequest) -> HttpResponse:
    if request.POST.get("do") == "save":
        return _save(request, row)
    choices = columns.posted(request.POST, len(_told(row)))
    samples.keep_choices(row, choices, columns.masked_where_marked(choices, _told(row)))
    windows = WindowsForm(request.POST)
    if request.POST.get("do") != "try":
        chosen = {name: request.POST.get(name, "")[:100] for name in ("q", "look")}
        chosen["page"] = request.POST.get("do", "").removeprefix("page:")[:6]
        query = urlencode({name: value for name, value in chosen.items() if value})
        return HttpResponseRedirect(f"{reverse('source-sample', args=[row.deployment.slug, row.pk])}?{query}#columns")
    rows = columns.read(row.question, _told(row))
    problem = problem_of([one.column for one in rows])
    if problem or not windows.is_valid():
        return _page(request, row, windows=windows, refusal=problem, status=422)
    question = {**row.question, **windows.question, **columns.asked(rows)}
    made = samples.ask(
        kind=Kind.DRY_RUN, deployment=row.deployment, by=current_user(request), question=question, source=row.source
    )
    return redirect("source-sample", row.deployment.slug, made.pk)


def _save(request: HttpRequest, row: SampleRequest) -> HttpResponse:
    if row.kind != Kind.DRY_RUN:
        return _page(request, row, refusal="Try it first: a dry run shows what saving would do.", status=409)
    try:
        made = saving.save(row, by=Actor.of(request), note=_note(request))
    except Refused as problem:
        return _page(request, row, refusal=str(problem), status=409)
    passing.say(request, f"{made.name} of {row.deployment.name} is saved. Its objects are looked for now.")
    return redirect("source", row.deployment.slug, made.name)


def _told(row: SampleRequest) -> list[dict[str, Any]]:
    """The columns that the page is about."""
    found = row.question.get("proposal") if row.kind == Kind.DRY_RUN else row.result.get("columns")
    return list(found or [])


def _page(
    request: HttpRequest,
    row: SampleRequest,
    *,
    windows: WindowsForm | None = None,
    refusal: str = "",
    status: int = 200,
) -> HttpResponse:
    waited = now() - row.created_at
    is_waiting = row.answer == Answer.WAITING
    context: dict[str, Any] = {
        "deployment": row.deployment,
        "environment": row.deployment.environment,
        "row": row,
        "source": row.source,
        "refusal": refusal,
        "is_dry_run": row.kind == Kind.DRY_RUN,
        "is_waiting": is_waiting and waited < GIVE_UP_AFTER,
        "has_given_up": is_waiting and waited >= GIVE_UP_AFTER,
        "is_slow": is_waiting and waited > SLOW_AFTER,
        "here": reverse("source-sample", args=[row.deployment.slug, row.pk]),
        "question": row.question,
    }
    if request.htmx and is_waiting:  # type: ignore[attr-defined]
        return render(request, "sources/sample.html#waiting", context)
    if row.answer == Answer.DONE or (row.kind == Kind.DRY_RUN and not is_waiting):
        context |= _table(request, row) | {"windows": windows or WindowsForm(initial=windows_initial(row.question))}
    if row.answer == Answer.DONE:
        context["told"] = tried.told(row)
    answer = render(request, "sources/sample.html", context, status=status)
    if request.htmx:  # type: ignore[attr-defined]
        answer["HX-Redirect"] = context["here"]  # the wait is over: the page is another one now
    return answer


def _table(request: HttpRequest, row: SampleRequest) -> dict[str, Any]:
    rows = columns.read(row.question, _told(row))
    words, is_doubtful = request.GET.get("q", "").strip()[:100], request.GET.get("look") == "first"
    left = columns.shown(rows, words=words, is_doubtful=is_doubtful)
    pages = max((len(left) + columns.PAGE - 1) // columns.PAGE, 1)
    number = min(max(whole(request.GET.get("page"), 1), 1), pages)
    shown = left[(number - 1) * columns.PAGE : number * columns.PAGE]
    return {
        "rows": shown,
        "shown": ",".join(str(one.place) for one in shown),
        "count": len(rows),
        "left": len(left),
        "doubtful": sum(1 for one in rows if one.column.doubt),
        "sensitive": sum(1 for one in rows if one.column.is_sensitive),
        "q": words,
        "look": "first" if is_doubtful else "",
        "page_number": number,
        "pages": range(1, pages + 1) if pages > 1 else (),
        "roles": columns.ROLES,
        "kinds": columns.KINDS,
    }
