"""Fetch and authorise in one step. Strangers get the 404 of a missing object; too small a role gets 403 in words."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
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

MOST_NAMED = 8
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class TooSmallARole(PermissionDenied):
    """The user may not do this; says which role may, in which of the teams, and who has it.

    Without a permission of the table, or without a team, it is the platform admins'.
    """

    def __init__(self, permission: Permission, *, teams: Iterable[Team], environment: Environment | None) -> None:
        self.doing = permission.label
        self.teams = list(teams)
        self.role = None if permission is Permission.PLATFORM_MANAGE else needed_role(permission, environment)
        self.holders = _holders(self.teams, self.role) if self.role else _platform_admins()
        super().__init__(f"{self.doing} takes the role {self.needed}.")

    @classmethod
    def platforms(cls) -> TooSmallARole:
        """What no team role has."""
        return cls(Permission.PLATFORM_MANAGE, teams=[], environment=None)

    @property
    def needed(self) -> str:
        if self.role is None:
            return "platform admin"
        names = ", ".join(str(team) for team in self.teams)
        return f"{self.role.label} in {names}" if names else f"{self.role.label} in a team"


def who_may(permission: Permission, *, team: Team, environment: Environment | None) -> list[str]:
    """Up to eight people of the team whose role is enough; others may be platform admins."""
    return _holders([team], needed_role(permission, environment))


def _holders(teams: Sequence[Team], role: Role) -> list[str]:
    holders = Membership.objects.filter(team__in=teams, role__in=_at_least(role), user__is_active=True)
    return list(dict.fromkeys(str(member.user) for member in holders.select_related("user")[:MOST_NAMED]))


def _platform_admins() -> list[str]:
    return [str(user) for user in User.objects.filter(is_platform_admin=True, is_active=True)[:MOST_NAMED]]


def _at_least(role: Role) -> list[str]:
    return [item.value for item in Role if item.rank >= role.rank]


def teams_of(user: User) -> list[Team]:
    """Those in which the user has a role."""
    return list(Team.objects.filter(pk__in=user.roles))


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
    raise TooSmallARole(permission, teams=[team], environment=environment)


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
        raise TooSmallARole.platforms()
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
