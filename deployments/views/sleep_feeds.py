"""Coming sleeps as calendars to subscribe to, and an address with which a client wakes a model. Both take keys."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_POST, require_safe

from baristaweb.lib.clock import now
from deployments import access
from deployments.actions import awake
from deployments.actions.errors import OverBudget, Refused
from deployments.audit import Actor
from deployments.domain.roles import Permission
from deployments.domain.sleep.plan import waves
from deployments.domain.sleep.schedule import coming, ics
from deployments.domain.sleep.schedule.coming import Transition
from deployments.models import Deployment, Team, User
from deployments.queries import sleep as queries
from deployments.queries import sleep_keys
from deployments.queries.sleep_layers import said

TRANSITIONS: Final = 20
MOST_OF_A_TEAM: Final = 500


@login_not_required
@require_safe
def of_deployment(request: HttpRequest, slug: str) -> HttpResponse:
    """The next sleeps of one deployment."""
    found = Deployment.objects.related().filter(slug=slug).first()
    user = _person(request, sleep_keys.FEED, found)
    if isinstance(user, HttpResponse):
        return user
    if found is None or not Deployment.objects.visible_to(user).filter(pk=found.pk).exists():
        raise Http404
    return _feed(request, f"{found.name} in {found.namespace.environment}", [found])


@login_not_required
@require_safe
def of_team(request: HttpRequest, slug: str) -> HttpResponse:
    """The next sleeps of everything of a team."""
    found = Team.objects.filter(slug=slug).first()
    user = _person(request, sleep_keys.FEED, found)
    if isinstance(user, HttpResponse):
        return user
    if found is None or not (user.sees_everything or found.pk in user.roles):
        raise Http404
    rows = Deployment.objects.related().live().filter(namespace__team=found, current__isnull=False)
    return _feed(request, f"{found.name}: sleep", rows.order_by("slug")[:MOST_OF_A_TEAM])


def _person(request: HttpRequest, what: str, target: Deployment | Team | None) -> User | HttpResponse:
    """Who asks, by login or by key; else where to log in."""
    if isinstance(request.user, User):
        return request.user
    key = request.GET.get("key", "")
    user = sleep_keys.user_of(key, what, target) if key and target is not None else None
    if user is not None:
        return user
    if key:
        raise Http404
    return redirect_to_login(request.get_full_path())


def _feed(request: HttpRequest, name: str, rows: Iterable[Deployment]) -> HttpResponse:
    at = now()
    known, sleeps = said(at=at), list[tuple[str, str, Transition]]()
    listed = list(rows)
    kept = queries.keep_awakes_of([row.pk for row in listed], at=at)
    for row in listed:
        if not known.speaks_of(row) and row.open_sleep is None:
            continue
        record = row.sleep_for_plan
        inputs = queries.inputs_of(row, known, kept.get(row.pk, ()))
        sleeping = record.open_sleep if record else None
        who = f"{row.name} in {row.namespace.environment}"
        coming_up = coming.transitions(inputs, at=at, sleeping=sleeping, count=TRANSITIONS)
        sleeps += [(f"deployment-{row.pk}", who, one) for one in coming_up]
    body = ics.feed(name=name, sleeps=sleeps, at=at, host=request.get_host())
    answer = HttpResponse(body, content_type="text/calendar; charset=utf-8")
    answer.headers["Content-Disposition"] = 'inline; filename="sleep.ics"'
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer


@csrf_exempt
@login_not_required
@require_POST
def wake_now(request: HttpRequest, slug: str) -> HttpResponse:
    """Wake it, or say how far its wake is: asked twice it is woken once. A key is given as `Authorization: Bearer`."""
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        return _wake_of_session(request, slug)
    found = Deployment.objects.filter(slug=slug).first()
    user = sleep_keys.user_of(key.strip(), sleep_keys.WAKE, found) if found is not None else None
    if user is None:
        return JsonResponse(
            {"error": "The key is not valid for this deployment. Copy it anew from its page."}, status=401
        )
    request.user = user
    return _wake(request, slug)


@csrf_protect
def _wake_of_session(request: HttpRequest, slug: str) -> HttpResponse:
    if not isinstance(request.user, User):
        return redirect_to_login(request.get_full_path())
    return _wake(request, slug)


def _wake(request: HttpRequest, slug: str) -> HttpResponse:
    row = access.get_deployment(request, slug, Permission.AWAKE_KEEP)
    record = row.open_sleep
    if row.is_retired:
        return JsonResponse({"state": "retired", "error": "It is retired: there is nothing to wake."}, status=409)
    if record is None or (record.hold_since is not None and not record.is_waking):
        return JsonResponse({"state": "awake", "ready": row.observation.ready, "ready_in_seconds": 0})
    if not record.is_waking:
        # Somebody may be faster, or it closes meanwhile: what follows says how far it is.
        try:
            awake.wake_now(deployment=row, by=Actor.of(request, via="api"), note="woken by a client")
        except OverBudget as problem:
            return JsonResponse({"state": "asleep", "error": str(problem)}, status=409)
        except Refused:
            pass  # said by how far it is
    row = Deployment.objects.related().get(pk=row.pk)
    return JsonResponse(_how_far(row), status=202 if row.open_sleep is not None else 200)


def _how_far(row: Deployment) -> dict[str, object]:
    """The expected time until ready by its own wakes; None where it has not woken often enough, with the reason."""
    record, took = row.open_sleep, queries.took_of(row.pk)
    if record is None:
        return {"state": "awake", "ready": row.observation.ready, "ready_in_seconds": 0}
    expected, basis = None, "it has not woken before"
    if took:
        count = f"{len(took)} wakes" if len(took) > 1 else "wake"
        expected, basis = waves.p90(took), f"p90 of its last {count}"
    passed = (now() - record.wake_started_at).total_seconds() if record.wake_started_at else 0.0
    left = None if expected is None else max(0, round(expected - passed))
    return {
        "state": "waking" if record.is_waking else "asleep",
        "started_at": record.wake_started_at.isoformat() if record.wake_started_at else None,
        "ready_in_seconds": left,
        "basis": basis,
        "failed": record.wake_failed_at is not None,
        "problem": record.wake_problem,
    }
