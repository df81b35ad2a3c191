"""Doors for Celery: ids in, nothing out. Every one is safe to run twice, late, or never: rows are the intent."""

from __future__ import annotations

import contextlib

from celery import shared_task

from deployments import breaker, clouds, dispatch, dryrun, errands, podlogs
from deployments.actions import audit_checks
from deployments.kube.api import ClusterError
from deployments.models import Cluster
from deployments.prices import refresh
from deployments.workers import Nudged


@shared_task(bind=True, base=Nudged, name=dispatch.RECONCILE, max_retries=3, default_retry_delay=5)  # type: ignore[untyped-decorator]
def reconcile_deployment(task: Nudged, deployment_id: int) -> None:
    if not errands.is_tried_since(deployment_id, task.sent_at):
        errands.reconcile_and_refresh(deployment_id)


@shared_task(base=Nudged, name=dispatch.CHECK_PROPOSAL, max_retries=3, default_retry_delay=5)  # type: ignore[untyped-decorator]
def check_proposal(proposal_id: str) -> None:
    dryrun.answer(proposal_id)


@shared_task(base=Nudged, name=dispatch.FETCH_LOGS, max_retries=3, default_retry_delay=5)  # type: ignore[untyped-decorator]
def fetch_logs(request_id: str) -> None:
    podlogs.answer(request_id)


@shared_task(base=Nudged, name=dispatch.CHECK_CLUSTER, max_retries=3, default_retry_delay=5)  # type: ignore[untyped-decorator]
def check_cluster(cluster_id: int) -> None:
    # What went wrong is in the cluster's health row.
    with contextlib.suppress(ClusterError):
        breaker.probe(Cluster.objects.get(pk=cluster_id))


@shared_task(base=Nudged, name=dispatch.ASK_CLOUD, max_retries=3, default_retry_delay=5)  # type: ignore[untyped-decorator]
def ask_cloud(request_id: str) -> None:
    clouds.answer(request_id)


@shared_task(base=Nudged, name=dispatch.PULL_PRICES, max_retries=3, default_retry_delay=5)  # type: ignore[untyped-decorator]
def pull_prices(pull_id: int) -> None:
    refresh.catalog(pull_id)


@shared_task(base=Nudged, name=dispatch.VERIFY_AUDIT, max_retries=3, default_retry_delay=5)  # type: ignore[untyped-decorator]
def verify_audit(check_id: int) -> None:
    audit_checks.answer(check_id)
