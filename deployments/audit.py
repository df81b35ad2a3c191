"""The only writer of audit events. Call `record` last in the transaction that it describes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from django.conf import settings
from django.db import connection, models
from django.db.models import F
from django.http import HttpRequest

from baristaweb.lib.clock import now
from deployments.domain.changes.diff import FieldChange
from deployments.domain.text.naming import signed_name
from deployments.models import AuditEvent, Deployment, Namespace, RefusedTries, Team, User

NOTE_LIMIT = AuditEvent._meta.get_field("note").max_length or 500


@dataclass(frozen=True, kw_only=True)
class Actor:
    """Who acts, and through what. `name` is what people call themselves; `username` is theirs alone."""

    name: str
    username: str = ""
    id: int | None = None
    via: str = "worker"
    request_id: str = ""
    user: User | None = None

    @classmethod
    def of(cls, request: HttpRequest, *, via: str = "web") -> Actor:
        """The logged-in user of `request`."""
        user = request.user
        if not isinstance(user, User):
            raise TypeError("only a logged-in user acts")
        return cls(
            name=user.display_name or user.username,
            username=user.username,
            id=user.pk,
            via=via,
            user=user,
            request_id=structlog.contextvars.get_contextvars().get("request_id", ""),
        )

    @classmethod
    def as_user(cls, user: User, *, via: str = "command") -> Actor:
        """`user`, acting through a command instead of the site."""
        name = user.display_name or user.username
        return cls(name=name, username=user.username, id=user.pk, via=via, user=user)

    @classmethod
    def system(cls, name: str, *, via: str = "worker") -> Actor:
        """A process of Barista itself, like `relay`."""
        return cls(name=name, via=via)

    @property
    def label(self) -> str:
        """As it is kept beside a revision or a sign-off."""
        return signed_name(self.name, self.username) if self.username else self.name[:120]


def record(
    kind: str,
    target: models.Model,
    *,
    by: Actor,
    note: str = "",
    changes: Iterable[FieldChange] | Iterable[Mapping[str, str]] = (),
    facts: Mapping[str, Any] | None = None,
    was_allowed: bool = True,
) -> None:
    """Append one event about `target` (kind: noun.verbed).

    Must run inside the transaction of the change: the database refuses to commit a change of intent without an event
    of the same transaction for the same object.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("an audit event belongs in the transaction of what it describes")
    AuditEvent.objects.bulk_create(
        [
            AuditEvent(
                kind=kind,
                was_allowed=was_allowed,
                actor_id=by.id,
                actor_name=by.name[:120],
                actor_username=by.username,
                via=by.via,
                request_id=by.request_id,
                object_type=str(target._meta.model_name),
                object_id=str(target.pk),
                object_name=str(target)[:253],
                note=note[:NOTE_LIMIT],
                changes=[_change(change) for change in changes],
                facts=dict(facts or {}),
                **_place(target),
            )
        ]
    )


def record_refusal(target: models.Model, *, by: Actor, facts: Mapping[str, Any]) -> None:
    """Append that a person tried what their role does not allow; beyond BARISTA_REFUSED_EVENTS an hour, only count it.

    Else a script of somebody without rights would fill a log that nobody can shorten.
    """
    tries = {"actor_id": by.id or 0, "hour": now().replace(minute=0, second=0, microsecond=0)}
    RefusedTries.objects.bulk_create([RefusedTries(**tries)], ignore_conflicts=True)
    RefusedTries.objects.filter(**tries).update(count=F("count") + 1)
    count = RefusedTries.objects.filter(**tries).values_list("count", flat=True).get()
    most = settings.BARISTA.refused_events
    if count > most:
        return
    last = {"further_tries": "are counted, and told when the hour is over"} if count == most else {}
    record("permission.refused", target, by=by, facts={**facts, **last}, was_allowed=False)


def _change(change: FieldChange | Mapping[str, str]) -> dict[str, str]:
    if isinstance(change, Mapping):
        return dict(change)
    return {"path": change.path, "label": change.label, "before": change.before, "after": change.after}


def _place(target: models.Model) -> dict[str, Any]:
    """Team, environment and cluster of what was changed, as they are called now."""
    deployment = target if isinstance(target, Deployment) else getattr(target, "deployment", None)
    if deployment is not None:
        return {
            "deployment_id": deployment.pk,
            "team_id": deployment.team.pk,
            "team_name": deployment.team.name,
            "environment": deployment.namespace.environment,
            "cluster_name": deployment.namespace.cluster.name,
        }
    team = target if isinstance(target, Team) else getattr(target, "team", None)
    place: dict[str, Any] = {"team_id": team.pk, "team_name": team.name} if team is not None else {}
    if isinstance(target, Namespace):
        place |= {"environment": target.environment, "cluster_name": target.cluster.name}
    return place
