"""Teams and their members, and the user's own profile."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from baristaweb.lib.client_address import client_address
from deployments import access
from deployments.actions import logins, people, records
from deployments.actions.errors import Refused
from deployments.audit import Actor
from deployments.domain.roles import Permission, Role
from deployments.forms.people import MemberForm, PasswordForm, ProfileForm, RoleForm
from deployments.models import Membership, Team


@require_safe
def teams(request: HttpRequest) -> HttpResponse:
    """The user's teams; all for platform admins and auditors."""
    user = access.current_user(request)
    rows = Team.objects.annotate(
        member_count=Count("memberships", filter=Q(memberships__user__is_active=True), distinct=True),
        deployment_count=Count(
            "namespaces__deployments", filter=Q(namespaces__deployments__retired_at=None), distinct=True
        ),
    )
    if not user.sees_everything:
        rows = rows.filter(pk__in=list(user.roles))
    listed = [(team, user.roles.get(team.pk)) for team in rows]
    return render(request, "teams/list.html", {"teams": listed})


@require_http_methods(["GET", "HEAD", "POST"])
def team(request: HttpRequest, slug: str) -> HttpResponse:
    """A team's members, namespaces and models; POST adds a member."""
    found = access.get_team(
        request, slug, Permission.MEMBER_MANAGE if request.method == "POST" else Permission.TEAM_VIEW
    )
    form = MemberForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        user, role = form.cleaned_data["username"], Role(form.cleaned_data["role"])
        people.set_role(team=found, user=user, role=role, by=Actor.of(request))
        messages.success(request, f"{user} is now {role.label.lower()} of {found}.")
        return redirect("team", slug=slug)
    context = {
        "team": found,
        "form": form,
        "members": found.memberships.filter(user__is_active=True).select_related("user").order_by("user__username"),
        "namespaces": found.namespaces.select_related("cluster").order_by("name"),
        "models": found.models.order_by("slug"),
        "roles": list(Role),
        "may_manage": access.may(
            access.current_user(request), Permission.MEMBER_MANAGE, team_id=found.pk, environment=None
        ),
    }
    return render(request, "teams/detail.html", context, status=422 if form.errors else 200)


def _member(team_row: Team, member_id: int) -> Membership:
    found = team_row.memberships.select_related("user", "team").filter(pk=member_id).first()
    if found is None:
        raise Http404
    return found


@require_POST
def change_role(request: HttpRequest, slug: str, member_id: int) -> HttpResponse:
    """Give a member another role."""
    found = access.get_team(request, slug, Permission.MEMBER_MANAGE)
    member = _member(found, member_id)
    form = RoleForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Choose viewer, editor or maintainer.")
        return redirect("team", slug=slug)
    role = Role(form.cleaned_data["role"])
    try:
        people.set_role(team=found, user=member.user, role=role, by=Actor.of(request))
        messages.success(request, f"{member.user} is now {role.label.lower()} of {found}.")
    except Refused as refusal:
        messages.error(request, str(refusal))
    return redirect("team", slug=slug)


@require_POST
def remove_member(request: HttpRequest, slug: str, member_id: int) -> HttpResponse:
    """End a membership."""
    found = access.get_team(request, slug, Permission.MEMBER_MANAGE)
    member = _member(found, member_id)
    try:
        people.remove(member=member, by=Actor.of(request))
        messages.success(request, f"{member.user} is no longer a member of {found}.")
    except Refused as refusal:
        messages.error(request, str(refusal))
    return redirect("team", slug=slug)


@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    """The user's own name, email, roles and password."""
    user = access.current_user(request)
    form = ProfileForm(request.POST or None, instance=user)
    if request.method == "POST" and form.is_valid():
        records.save(row=user, by=Actor.of(request))
        messages.success(request, "Your profile is saved.")
        return redirect("profile")
    context = {
        "form": form,
        "password_form": PasswordForm(user=user),
        "memberships": user.memberships.select_related("team").order_by("team__name"),
    }
    return render(request, "profile/profile.html", context, status=422 if form.errors else 200)


@require_POST
def change_password(request: HttpRequest) -> HttpResponse:
    """A new password; other sessions of the user end, this one goes on."""
    user = access.current_user(request)
    who = {"username": user.username, "address": client_address(request)}
    if not logins.admit(**who):
        return render(request, "429.html", status=429)
    form = PasswordForm(request.POST, user=user)
    is_valid = form.is_valid()
    if "present" in form.cleaned_data:
        logins.forget(**who)
    if not is_valid:
        context = {
            "form": ProfileForm(instance=user),
            "password_form": form,
            "memberships": user.memberships.select_related("team").order_by("team__name"),
        }
        return render(request, "profile/profile.html", context, status=422)
    people.set_password(user=user, password=form.cleaned_data["new"], by=Actor.of(request))
    update_session_auth_hash(request, user)
    messages.success(request, "Your password is changed. Sessions elsewhere have ended.")
    return redirect("profile")
