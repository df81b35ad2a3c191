"""Asking a worker which clusters a project has, or what a connection lacks. Nobody's intent changes: no event."""

from __future__ import annotations

from django.db import transaction

from deployments import dispatch
from deployments.models import CloudRequest, Cluster, User


@transaction.atomic
def look(*, project: str, location: str, service_account: str, by: User) -> CloudRequest:
    """Ask for the clusters of a project (in one location, or in all); the page polls the row."""
    row = CloudRequest.objects.create(
        kind=CloudRequest.Kind.LIST, project=project, location=location, service_account=service_account, author=by
    )
    dispatch.ask_cloud_soon(row.pk)
    return row


@transaction.atomic
def check(*, cluster: Cluster, by: User) -> CloudRequest:
    """Ask for the connection to a cluster to be tried step by step."""
    row = CloudRequest.objects.create(kind=CloudRequest.Kind.CHECK, cluster=cluster, author=by)
    dispatch.ask_cloud_soon(row.pk)
    return row
