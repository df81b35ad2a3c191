"""Users, teams and memberships."""

from __future__ import annotations

from django.contrib.sessions.models import Session
from django.db import transaction

from deployments import audit
from deployments.actions.errors import Refused
from deployments.audit import Actor
from deployments.domain.roles import Role
from deployments.models import Membership, Team, User


@transaction.atomic
def create_user(*, by: Actor, username: str, password: str | None, note: str = "", **fields: object) -> User:
    """A user who can log in with `password`, or not at all when it is None."""
    user = User.objects.create_user(username, password, **fields)
    audit.record("user.created", user, by=by, note=note)
    return user


@transaction.atomic
def set_password(*, user: User, password: str, by: Actor, note: str = "") -> None:
    """A new password; every open session of the user ends."""
    user.set_password(password)
    user.save(update_fields=["password"])
    audit.record("user.password_changed", user, by=by, note=note)


@transaction.atomic
def set_role(*, team: Team, user: User, role: Role, by: Actor, note: str = "") -> Membership:
    """Make `user` a member of `team` with `role`, or change the role. Raises Refused for the last maintainer."""
    member = Membership.objects.select_for_update().filter(team=team, user=user).first()
    if member is not None and role is not Role.MAINTAINER:
        _keep_a_maintainer(member)
    if member is not None and member.role == role:
        return member
    before = Role(member.role).label if member else "not a member"
    if member is None:
        member = Membership(team=team, user=user)
    member.role = role.value
    member.save()
    audit.record(
        "member.changed",
        member,
        by=by,
        note=note,
        changes=[{"path": "role", "label": "Role", "before": before, "after": role.label}],
        facts={"user": str(user), "team": str(team)},
    )
    return member


@transaction.atomic
def remove(*, member: Membership, by: Actor, note: str = "") -> None:
    """End a membership. Raises Refused for the last maintainer of a team."""
    row = Membership.objects.select_for_update(of=("self",)).select_related("user", "team").get(pk=member.pk)
    _keep_a_maintainer(row)
    facts = {"user": str(row.user), "team": str(row.team)}
    pk = row.pk
    row.delete()
    row.pk = pk
    audit.record("member.removed", row, by=by, note=note, facts=facts)


def _keep_a_maintainer(member: Membership) -> None:
    """A team without a maintainer could neither apply to prod nor mend that itself."""
    others = Membership.objects.filter(team=member.team, role=Role.MAINTAINER.value, user__is_active=True)
    if member.role == Role.MAINTAINER and not others.exclude(pk=member.pk).exists():
        raise Refused(f"{member.user} is the last maintainer of {member.team}. Make somebody else maintainer first.")


def end_sessions(*, user: User) -> int:
    """Delete the sessions of a user who may no longer log in; returns how many."""
    mine = [row.pk for row in Session.objects.iterator() if row.get_decoded().get("_auth_user_id") == str(user.pk)]
    return Session.objects.filter(pk__in=mine).delete()[0]
