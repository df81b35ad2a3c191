"""The rule that every test of the suite holds: the network is asked while no transaction is open."""

import pytest
from django.db import transaction

from baristaweb.lib import queue
from deployments import breaker, dispatch
from deployments.tests.cluster.conftest import Bench
from deployments.tests.fixtures import NetworkInTransaction

pytestmark = [pytest.mark.cluster, pytest.mark.django_db(transaction=True, databases=["default", "locks"])]


def test_a_call_of_the_cluster_inside_a_transaction_is_caught(bench: Bench) -> None:
    gateway = breaker.reach(bench.place.cluster)
    with transaction.atomic(), pytest.raises(NetworkInTransaction):
        gateway.ready()


def test_a_nudge_inside_a_transaction_is_caught() -> None:
    with transaction.atomic(), pytest.raises(NetworkInTransaction):
        queue.nudge(dispatch.RECONCILE, 1)


def test_a_nudge_after_the_commit_is_not(bench: Bench) -> None:
    with transaction.atomic():
        queue.nudge_after_commit(dispatch.RECONCILE, 1)
