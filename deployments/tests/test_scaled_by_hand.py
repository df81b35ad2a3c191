"""A number of pods that somebody set in the cluster is never undone unseen."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from baristaweb.lib.clock import now
from deployments.actions import deployments as actions
from deployments.domain.spec.parts import Autoscale, Fixed
from deployments.models import AuditEvent, Deployment, DeploymentState, Observation
from deployments.tests import factories
from deployments.tests.fixtures import People, Places
from deployments.tests.views.helpers import body, decide, newest

ClientAs = Callable[[str], Client]
pytestmark = pytest.mark.django_db


def scaled(deployment: Deployment, live: int) -> Deployment:
    """The deployment as if applied, and then scaled to `live` by somebody else."""
    DeploymentState.objects.filter(deployment=deployment).update(applied_at=now(), applied_revision=1)
    Observation.objects.filter(deployment=deployment).update(observed_at=now(), desired=live, ready=live)
    return Deployment.objects.related().get(pk=deployment.pk)


@pytest.fixture
def ranker(people: People, places: Places) -> Deployment:
    made = factories.make_deployment(
        author=people.editor,
        namespace=places.dev,
        name="ranker",
        spec=factories.make_spec(replicas=Fixed(3), model_version="1"),
    )
    return scaled(made, 7)


def propose(ranker: Deployment, people: People, **changes: object) -> None:
    factories.edit(ranker, author=people.editor, spec=factories.make_spec(**changes))


def review_of(client: Client) -> str:
    return body(client.get(reverse("deployment-review", args=[newest().pk])))


def test_the_review_of_another_change_says_that_pods_go(
    client_as: ClientAs, people: People, ranker: Deployment
) -> None:
    propose(ranker, people, replicas=Fixed(3), model_version="2")
    page = review_of(client_as("editor"))
    assert "The cluster runs 7, set outside of Barista; applying puts it to 3." in page
    assert "Pods in the cluster" in page


def test_the_audit_event_keeps_what_was_undone(client_as: ClientAs, people: People, ranker: Deployment) -> None:
    propose(ranker, people, replicas=Fixed(3), model_version="2")
    decide(client_as("editor"), newest())
    changes = {item["path"]: item for item in AuditEvent.objects.get(kind="revision.saved").changes}
    assert changes["replicas.live"]["before"] == "7, set outside of Barista"
    assert changes["replicas.live"]["after"] == "3"


def test_nothing_is_said_when_the_change_asks_for_what_runs(
    client_as: ClientAs, people: People, ranker: Deployment
) -> None:
    propose(ranker, people, replicas=Fixed(7), model_version="2")
    assert "set outside of Barista" not in review_of(client_as("editor"))


def test_nothing_is_said_of_what_the_autoscaler_owns(client_as: ClientAs, people: People, places: Places) -> None:
    made = factories.make_deployment(
        author=people.editor,
        namespace=places.dev,
        name="auto",
        spec=factories.make_spec(replicas=Autoscale(2, 9), model_version="1"),
    )
    propose(scaled(made, 7), people, replicas=Autoscale(2, 9), model_version="2")
    assert "set outside of Barista" not in review_of(client_as("editor"))


def test_the_page_of_a_restart_says_it_and_the_event_keeps_it(
    client_as: ClientAs, people: People, ranker: Deployment
) -> None:
    page = body(client_as("editor").get(reverse("deployment-restart", args=[ranker.slug])))
    assert "applying puts it back to 3" in page
    actions.restart(deployment=ranker, by=factories.Actor.as_user(people.editor))
    assert AuditEvent.objects.get(kind="deployment.restarted").changes[0]["path"] == "replicas.live"


def test_one_that_somebody_scaled_to_none_is_said_to_start(
    client_as: ClientAs, people: People, ranker: Deployment
) -> None:
    propose(scaled(ranker, 0), people, replicas=Fixed(3), model_version="2")
    said = review_of(client_as("editor"))
    assert "Starts 3 pods in development." in said
    assert "The cluster runs 0, set outside of Barista; applying puts it to 3." in said
    assert "when it wakes" not in said
