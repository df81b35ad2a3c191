"""The names of this app's tasks, and who asks for them."""

from __future__ import annotations

import uuid

from baristaweb.lib.queue import nudge_after_commit

RECONCILE = "deployments.reconcile"
CHECK_PROPOSAL = "deployments.check_proposal"
FETCH_LOGS = "deployments.fetch_logs"
CHECK_CLUSTER = "deployments.check_cluster"
PULL_PRICES = "deployments.pull_prices"
ASK_CLOUD = "deployments.ask_cloud"
VERIFY_AUDIT = "deployments.verify_audit"

# Queues, each with slots of its own, so that a flood of one kind delays no other (baristaweb.settings).
APPLIES, DRY_RUNS, LOGS = "reconcile", "dry-runs", "logs"


def reconcile_soon(deployment_id: int) -> None:
    """After commit, ask a worker to reconcile the deployment."""
    nudge_after_commit(RECONCILE, deployment_id)


def check_proposal_soon(proposal_id: uuid.UUID) -> None:
    """After commit, ask a worker for the cluster's verdict."""
    nudge_after_commit(CHECK_PROPOSAL, str(proposal_id))


def fetch_logs_soon(request_id: uuid.UUID) -> None:
    """After commit, ask a worker for log lines."""
    nudge_after_commit(FETCH_LOGS, str(request_id))


def check_cluster_soon(cluster_id: int) -> None:
    """After commit, ask a worker to connect to the cluster."""
    nudge_after_commit(CHECK_CLUSTER, cluster_id)


def ask_cloud_soon(request_id: uuid.UUID) -> None:
    """After commit, have a worker look for clusters or try a connection."""
    nudge_after_commit(ASK_CLOUD, str(request_id))


def verify_audit_soon(check_id: int) -> None:
    """After commit, have a worker verify the audit log."""
    nudge_after_commit(VERIFY_AUDIT, check_id)
