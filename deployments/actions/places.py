"""Who owns a namespace and a model. Permissions and checks of every deployment hang on both."""

from __future__ import annotations

from django.db import connection, transaction

from deployments.actions import records
from deployments.actions.errors import Refused
from deployments.audit import Actor
from deployments.models import Namespace, ServedModel

_HOSTS = 20  # tells locks of hosts from other advisory locks
FIXED = ("cluster_id", "name", "environment", "team_id")


@transaction.atomic
def save(*, row: Namespace | ServedModel, by: Actor, note: str = "") -> Namespace | ServedModel:
    """Insert or update; what deployments stand on is not pulled from under them. Raises Refused.

    A deployment that is being created holds the row, so whoever comes second sees what the first one did.
    """
    manager = type(row)._default_manager
    before = manager.select_for_update(of=("self",)).filter(pk=row.pk).first() if row.pk else None
    moved = [name for name in FIXED if hasattr(row, name) and before and getattr(before, name) != getattr(row, name)]
    # A model's name is only shown; a namespace's is an address.
    if isinstance(row, ServedModel):
        moved = [name for name in moved if name == "team_id"]
    if moved and row.deployments.exists():
        raise Refused(f"{row} has deployments by now: it keeps its team and place. Retired ones count too.")
    return records.save(row=row, by=by, note=note)


def hold(namespace: Namespace, model: ServedModel) -> tuple[Namespace, ServedModel]:
    """Both rows fresh, and nobody moves them until the end of the transaction."""
    # Without joins: a row that moved while we waited for its lock would not fit its old team, and be left out.
    return (
        Namespace.objects.select_for_update(no_key=True).get(pk=namespace.pk),
        ServedModel.objects.select_for_update(no_key=True).get(pk=model.pk),
    )


def hold_host(host: str | None) -> None:
    """Nobody else takes the host until the end of the transaction, so that two cannot save it unseen by each other."""
    if host is not None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, %s))", [host, _HOSTS])
