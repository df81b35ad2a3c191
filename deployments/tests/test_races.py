"""Two people at the same moment: the second one is told, nothing is overwritten."""

from __future__ import annotations

from decimal import Decimal

import pytest
import time_machine

from deployments.actions import budgets, deployments
from deployments.actions.errors import OverBudget, Refused, Stale
from deployments.audit import Actor
from deployments.domain.spec.parts import Fixed
from deployments.models import Deployment
from deployments.tests import factories
from deployments.tests.fixtures import People, Places
from deployments.tests.meanwhile import in_between

pytestmark = pytest.mark.django_db(transaction=True)


def test_two_edits_at_once(people: People, places: Places) -> None:
    row = factories.make_deployment(author=people.editor, namespace=places.dev)
    first, second = (
        factories.edit(row, author=person, spec=factories.make_spec(model_version=version))
        for person, version in ((people.editor, "2"), (people.maintainer, "3"))
    )

    error = in_between(
        lambda: factories.apply(first, by=people.editor), lambda: factories.apply(second, by=people.maintainer)
    )

    assert isinstance(error, Stale), error
    fresh = Deployment.objects.related().get(pk=row.pk)
    assert fresh.current is not None
    assert (fresh.current.number, fresh.current.to_spec().model_version) == (2, "2")


def test_a_double_submit_at_once_makes_one_revision(people: People, places: Places) -> None:
    row = factories.make_deployment(author=people.editor, namespace=places.dev)
    proposal = factories.edit(row, author=people.editor, spec=factories.make_spec(model_version="2"))

    error = in_between(
        lambda: factories.apply(proposal, by=people.editor), lambda: factories.apply(proposal, by=people.editor)
    )

    assert error is None
    assert row.revisions.count() == 2


def test_an_edit_while_it_is_retired(people: People, places: Places) -> None:
    row = factories.make_deployment(author=people.editor, namespace=places.dev)
    proposal = factories.edit(row, author=people.editor, spec=factories.make_spec(model_version="2"))
    by = Actor.as_user(people.editor)

    error = in_between(
        lambda: deployments.retire(deployment=row, by=by, note="old"),
        lambda: factories.apply(proposal, by=people.editor),
    )

    assert isinstance(error, Refused)
    assert row.revisions.count() == 1


@time_machine.travel("2026-11-16T00:00Z", tick=False)
def test_two_editors_under_one_budget_do_not_both_pass(people: People, places: Places) -> None:
    factories.make_price_list(places.dev.cluster)
    rows = [factories.make_deployment(author=people.editor, namespace=places.dev) for _ in range(2)]
    spec = factories.make_spec(replicas=Fixed(2))
    first, second = (factories.edit(row, author=people.editor, spec=spec) for row in rows)
    # 360 h are left, of 0.025 a pod: room for one pod more, and for half of another.
    factories.make_budget(team=people.team, hard=Decimal("31.50"))

    error = in_between(
        lambda: factories.apply(first, by=people.editor), lambda: factories.apply(second, by=people.editor)
    )

    assert isinstance(error, OverBudget), error
    assert sorted(row.revisions.count() for row in rows) == [1, 2]


def test_a_limit_that_is_lowered_meanwhile_holds(people: People, places: Places) -> None:
    factories.make_price_list(places.dev.cluster)
    row = factories.make_deployment(author=people.editor, namespace=places.dev)
    proposal = factories.edit(row, author=people.editor, spec=factories.make_spec(replicas=Fixed(2)))
    budget = factories.make_budget(team=people.team, hard=100_000)
    budget.hard = Decimal(0)

    error = in_between(
        lambda: budgets.save(row=budget, by=factories.BY), lambda: factories.apply(proposal, by=people.editor)
    )

    assert isinstance(error, OverBudget), error
