"""Each door opens on its shell function, under the name that `dispatch` sends."""

from __future__ import annotations

from unittest.mock import Mock

import pytest
from celery import current_app

from deployments import breaker, dispatch, tasks
from deployments.kube.api import Unreachable
from deployments.models import Cluster

DOORS = [
    (dispatch.RECONCILE, tasks.reconcile_deployment),
    (dispatch.CHECK_PROPOSAL, tasks.check_proposal),
    (dispatch.FETCH_LOGS, tasks.fetch_logs),
    (dispatch.CHECK_CLUSTER, tasks.check_cluster),
    (dispatch.PULL_PRICES, tasks.pull_prices),
    (dispatch.ASK_CLOUD, tasks.ask_cloud),
    (dispatch.VERIFY_AUDIT, tasks.verify_audit),
]


@pytest.mark.parametrize(("name", "door"), DOORS)
def test_names(name: str, door: object) -> None:
    assert current_app.tasks[name].name == name
    assert current_app.tasks[name].max_retries == 3


def test_reconcile_says_again_what_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = Mock()
    monkeypatch.setattr("deployments.reconcile.one", calls.one)
    monkeypatch.setattr("deployments.observe.refresh", calls.refresh)

    tasks.reconcile_deployment(7)

    assert [(name, args) for name, args, _ in calls.mock_calls] == [("one", (7,)), ("refresh", (7,))]


@pytest.mark.parametrize(
    ("door", "target"),
    [
        (tasks.check_proposal, "deployments.dryrun.answer"),
        (tasks.fetch_logs, "deployments.podlogs.answer"),
        (tasks.ask_cloud, "deployments.clouds.answer"),
        (tasks.verify_audit, "deployments.actions.audit_checks.answer"),
    ],
)
def test_questions(monkeypatch: pytest.MonkeyPatch, door: object, target: str) -> None:
    answer = Mock()
    monkeypatch.setattr(target, answer)

    door("an-id")  # type: ignore[operator]

    answer.assert_called_once_with("an-id")


def test_a_cluster_that_does_not_answer_is_no_failure_of_the_task(
    cluster_row: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    probe = Mock(side_effect=Unreachable("The cluster refuses connections."))
    monkeypatch.setattr(breaker, "probe", probe)

    tasks.check_cluster(cluster_row.pk)

    probe.assert_called_once_with(cluster_row)
