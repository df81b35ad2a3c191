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
def create_user(*, by: Actor, username: str, password: str | None, **fields: object) -> User:
    """A user who can log in with `password`, or not at all when it is None."""
    user = User.objects.create_user(username, password, **fields)
    audit.record("user.created", user, by=by)
    return user


@transaction.atomic
def set_password(*, user: User, password: str, by: Actor) -> None:
    """A new password; every open session of the user ends."""
    user.set_password(password)
    user.save(update_fields=["password"])
    audit.record("user.password_changed", user, by=by)


@transaction.atomic
def set_role(*, team: Team, user: User, role: Role, by: Actor) -> Membership:
    """Make `user` a member of `team` with `role`, or change the role."""
    member = Membership.objects.select_for_update().filter(team=team, user=user).first()
    before = Role(member.role).label if member else "not a member"
    if member is None:
        member = Membership(team=team, user=user)
    member.role = role.value
    member.save()
    audit.record(
        "member.changed",
        member,
        by=by,
        changes=[{"path": "role", "label": "Role", "before": before, "after": role.label}],
        facts={"user": str(user), "team": str(team)},
    )
    return member


@transaction.atomic
def remove(*, member: Membership, by: Actor) -> None:
    """End a membership. Raises Refused for the last maintainer of a team."""
    row = Membership.objects.select_for_update().get(pk=member.pk)
    others = Membership.objects.filter(team=row.team, role=Role.MAINTAINER.value).exclude(pk=row.pk)
    if row.role == Role.MAINTAINER and not others.exists():
        raise Refused(f"{row.user} is the last maintainer of {row.team}. Make somebody else maintainer first.")
    facts = {"user": str(row.user), "team": str(row.team)}
    pk = row.pk
    row.delete()
    row.pk = pk
    audit.record("member.removed", row, by=by, facts=facts)


def end_sessions(*, user: User) -> int:
    """Delete the sessions of a user who may no longer log in; returns how many."""
    mine = [row.pk for row in Session.objects.iterator() if row.get_decoded().get("_auth_user_id") == str(user.pk)]
    return Session.objects.filter(pk__in=mine).delete()[0]
