"""Restart, pause, resume, retire, restore, take over: intent in the row, one event each."""

from __future__ import annotations

from datetime import timedelta

import pytest

from baristaweb.lib.clock import now
from deployments.actions import deployments
from deployments.actions.errors import Refused
from deployments.audit import Actor
from deployments.models import AuditEvent, Deployment, DeploymentState
from deployments.tests import factories
from deployments.tests.fixtures import People, Places


def fresh(row: Deployment) -> Deployment:
    return Deployment.objects.related().get(pk=row.pk)


def test_each_is_a_new_generation_with_one_event(people: People, places: Places) -> None:
    row = factories.make_deployment(author=people.editor, namespace=places.dev)
    by = Actor.as_user(people.editor)
    steps = [
        ("deployment.restarted", lambda: deployments.restart(deployment=row, by=by)),
        ("deployment.paused", lambda: deployments.pause(deployment=row, by=by, note="freeze", until=None)),
        ("deployment.resumed", lambda: deployments.resume(deployment=row, by=by)),
        ("deployment.retired", lambda: deployments.retire(deployment=row, by=by, note="")),
        ("deployment.restored", lambda: deployments.restore(deployment=row, by=by)),
    ]
    for number, (kind, step) in enumerate(steps, start=2):
        DeploymentState.objects.filter(deployment=row).update(next_reconcile_at=now() + timedelta(hours=1))
        step()
        assert AuditEvent.objects.first().kind == kind
        assert fresh(row).generation == number
        assert fresh(row).state.next_reconcile_at <= now()


def test_what_does_not_fit_is_refused(people: People, places: Places) -> None:
    row = factories.make_deployment(author=people.editor, namespace=places.dev)
    by = Actor.as_user(people.editor)
    with pytest.raises(Refused, match="Say why"):
        deployments.pause(deployment=row, by=by, note=" ", until=None)
    with pytest.raises(Refused, match="30 days"):
        deployments.pause(deployment=row, by=by, note="x", until=now() + timedelta(days=31))
    with pytest.raises(Refused, match="not paused"):
        deployments.resume(deployment=row, by=by)
    with pytest.raises(Refused, match="not retired"):
        deployments.restore(deployment=row, by=by)
    with pytest.raises(Refused, match="no conflict"):
        deployments.take_over(deployment=row, by=by, note="x")
    deployments.pause(deployment=row, by=by, note="freeze", until=None)
    with pytest.raises(Refused, match="Resume it before"):
        deployments.restart(deployment=row, by=by)
    deployments.retire(deployment=row, by=by, note="")
    with pytest.raises(Refused, match="Restore it first"):
        deployments.restart(deployment=row, by=by)


def test_retiring_in_prod_takes_the_typed_name(people: People, places: Places) -> None:
    row = factories.make_deployment(author=people.maintainer, namespace=places.prod, name="ranker")
    by = Actor.as_user(people.maintainer)
    with pytest.raises(Refused, match="Type ranker"):
        deployments.retire(deployment=row, by=by, note="old", typed_name="rank")
    deployments.retire(deployment=row, by=by, note="old", typed_name="ranker")
    assert fresh(row).is_retired


def test_taking_over_forces_one_generation(people: People, places: Places) -> None:
    row = factories.make_deployment(author=people.maintainer, namespace=places.dev)
    conflict = [{"path": "spec.replicas", "manager": "kubectl-edit", "live": "3", "desired": "2"}]
    DeploymentState.objects.filter(deployment=row).update(conflict=conflict)
    deployments.take_over(deployment=row, by=Actor.as_user(people.maintainer), note="ours")
    assert fresh(row).force_generation == fresh(row).generation == 2
    assert AuditEvent.objects.first().changes[0]["before"] == "3 (held by kubectl-edit)"


def test_trying_now_unparks_without_a_new_generation(people: People, places: Places) -> None:
    row = factories.make_deployment(author=people.editor, namespace=places.dev)
    DeploymentState.objects.filter(deployment=row).update(starts=4, next_reconcile_at=now() + timedelta(hours=1))
    deployments.try_now(deployment=row, by=Actor.as_user(people.editor))
    assert fresh(row).generation == 1
    assert (fresh(row).state.starts, fresh(row).state.next_reconcile_at <= now()) == (0, True)
