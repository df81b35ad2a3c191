"""Fetch and authorise in one step. Strangers get the 404 of a missing object; too small a role gets 403 in words."""

from __future__ import annotations

import uuid
from datetime import timedelta

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest

from baristaweb.lib.clock import now
from deployments import audit
from deployments.domain.catalogue import Environment
from deployments.domain.roles import Permission, Role, is_allowed, needed_role
from deployments.models import Budget, Deployment, LogRequest, Membership, Namespace, Proposal, Team, User

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class TooSmallARole(PermissionDenied):
    """The user sees the object but may not do this; says which role may, and who has it."""

    def __init__(self, *, role: Role | None, team: Team, doing: str) -> None:
        self.role = role
        self.team = team
        self.doing = doing
        self.holders = _holders(team, role) if role else []
        super().__init__(f"{doing} takes the role {role.label if role else 'platform admin'} in {team}.")


def who_may(permission: Permission, *, team: Team, environment: Environment | None) -> list[str]:
    """Up to eight people of the team whose role is enough; others may be platform admins."""
    return _holders(team, needed_role(permission, environment))


def _holders(team: Team, role: Role) -> list[str]:
    holders = Membership.objects.filter(team=team, role__in=_at_least(role), user__is_active=True)
    return [str(member.user) for member in holders.select_related("user")[:8]]


def _at_least(role: Role) -> list[str]:
    return [item.value for item in Role if item.rank >= role.rank]


def current_user(request: HttpRequest) -> User:
    """The logged-in user; LoginRequiredMiddleware has let nobody else through."""
    if not isinstance(request.user, User):
        raise Http404
    return request.user


def may(user: User, permission: Permission, *, team_id: int, environment: Environment | None) -> bool:
    """Whether `user` may do `permission` to something of the team in the environment."""
    return is_allowed(
        user.roles.get(team_id),
        permission,
        environment,
        is_auditor=user.is_auditor,
        is_platform=user.is_platform_admin,
    )


def require(request: HttpRequest, permission: Permission, *, target: Deployment | Namespace | Team) -> None:
    """Raise TooSmallARole, and record the attempt, unless the user may do this to a target it already sees."""
    place = target.namespace if isinstance(target, Deployment) else target
    team = place if isinstance(place, Team) else place.team
    environment = None if isinstance(place, Team) else Environment(place.environment)
    if may(current_user(request), permission, team_id=team.pk, environment=environment):
        return
    if request.method not in SAFE_METHODS:
        with transaction.atomic():
            audit.record_refusal(
                target,
                by=audit.Actor.of(request),
                facts={"permission": permission.value, "path": request.path[:200]},
            )
    raise TooSmallARole(role=needed_role(permission, environment), team=team, doing=permission.label)


def get_deployment(request: HttpRequest, slug: str, permission: Permission) -> Deployment:
    """The deployment with everything a page shows of it; 404 to strangers, 403 when the role is too small."""
    found = Deployment.objects.visible_to(current_user(request)).related().filter(slug=slug).first()
    if found is None:
        raise Http404
    require(request, permission, target=found)
    return found


def get_team(request: HttpRequest, slug: str, permission: Permission) -> Team:
    """One of the user's teams; any for platform admins and auditors."""
    user = current_user(request)
    found = Team.objects.filter(slug=slug).first()
    if found is None or not (user.sees_everything or found.pk in user.roles):
        raise Http404
    require(request, permission, target=found)
    return found


def get_proposal(request: HttpRequest, proposal_id: uuid.UUID, permission: Permission) -> Proposal:
    """A proposal: its author's, or one that was sent to the maintainers of a team whose deployments the user sees."""
    user = current_user(request)
    found = (
        Proposal.objects.select_related(
            "deployment__current", "model__team", "namespace__team", "namespace__cluster", "author"
        )
        .filter(pk=proposal_id)
        .first()
    )
    if found is None or not (user.sees_everything or found.namespace.team_id in user.roles):
        raise Http404
    if found.author_id != user.pk and found.sent_at is None:
        raise Http404
    require(request, permission, target=found.deployment or found.namespace)
    return found


def get_budget(request: HttpRequest, budget_id: int, permission: Permission) -> Budget:
    """A budget of the user's teams; those of a whole environment are the platform team's, and its auditors see them."""
    user = current_user(request)
    found = Budget.objects.visible_to(user).related().filter(pk=budget_id).first()
    if found is None:
        raise Http404
    if found.team is not None:
        require(request, permission, target=found.team)
    elif permission is not Permission.COST_VIEW and not user.is_platform_admin:
        raise PermissionDenied("Budgets of a whole environment are the platform team's.")
    return found


def get_log_request(request: HttpRequest, slug: str, request_id: uuid.UUID) -> LogRequest:
    """The user's own log request of a deployment that the user may still read; none that should be deleted by now."""
    deployment = get_deployment(request, slug, Permission.LOGS_VIEW)
    kept_since = now() - timedelta(hours=settings.BARISTA.keep_log_answers_h)
    mine = LogRequest.objects.filter(deployment=deployment, author=current_user(request), created_at__gt=kept_since)
    found = mine.filter(pk=request_id).first()
    if found is None:
        raise Http404
    found.deployment = deployment
    return found
