"""Who owns a namespace is decided once deployments stand on it, also when both happen at the same moment."""

from __future__ import annotations

from typing import Any

import pytest

from deployments.actions import places
from deployments.actions.errors import Refused, Wrong
from deployments.models import Deployment, Namespace, ServedModel
from deployments.tests import factories
from deployments.tests.fixtures import People, Places
from deployments.tests.meanwhile import in_between


def moved(namespace: Namespace) -> Namespace:
    row = Namespace.objects.get(pk=namespace.pk)
    row.team = factories.make_team()
    return row


@pytest.mark.django_db
def test_it_keeps_its_team_and_environment(people: People, places_: Places) -> None:
    factories.make_deployment(author=people.editor, namespace=places_.dev)
    for changes in ({"team": factories.make_team()}, {"environment": "prod"}):
        row = Namespace.objects.get(pk=places_.dev.pk)
        for name, value in changes.items():
            setattr(row, name, value)
        with pytest.raises(Refused, match="keeps its team and place"):
            places.save(row=row, by=factories.BY)


@pytest.mark.django_db
def test_a_model_keeps_its_team_and_may_be_renamed(people: People, places_: Places) -> None:
    model = factories.make_deployment(author=people.editor, namespace=places_.dev).model
    row = ServedModel.objects.get(pk=model.pk)
    row.name = "New name"
    assert places.save(row=row, by=factories.BY).name == "New name"
    row.team = factories.make_team()
    with pytest.raises(Refused, match="keeps its team and place"):
        places.save(row=row, by=factories.BY)


@pytest.mark.django_db(transaction=True)
def test_it_cannot_move_while_something_is_created_in_it(people: People, places_: Places) -> None:
    proposal = factories.make_proposal(author=people.editor, namespace=places_.dev)
    row = moved(places_.dev)

    error = in_between(
        lambda: factories.apply(proposal, by=people.editor), lambda: places.save(row=row, by=factories.BY)
    )

    assert isinstance(error, Refused)
    assert Namespace.objects.get(pk=row.pk).team_id == places_.dev.team_id


@pytest.mark.django_db(transaction=True)
def test_nothing_is_created_in_it_while_it_moves(people: People, places_: Places) -> None:
    proposal = factories.make_proposal(author=people.editor, namespace=places_.dev)
    row = moved(places_.dev)

    error = in_between(
        lambda: places.save(row=row, by=factories.BY), lambda: factories.apply(proposal, by=people.editor)
    )

    assert isinstance(error, Wrong)
    assert set(error.errors) == {"model"}
    assert not Deployment.objects.filter(namespace=row).exists()


@pytest.fixture
def places_(places: Any) -> Places:
    """Under another name than the module that is tested."""
    found: Places = places
    return found
