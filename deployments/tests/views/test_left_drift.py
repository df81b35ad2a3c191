"""What others changed may be left as it is for a while, by editors too; nothing that is gone, and nothing newer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from baristaweb.lib.clock import now
from deployments.actions import deployments as actions
from deployments.actions.errors import Refused
from deployments.domain.changes.drift import DriftItem
from deployments.domain.status.states import ClusterView, State
from deployments.models import AuditEvent, Deployment, DeploymentState, Observation
from deployments.observe import rows
from deployments.tests import factories
from deployments.tests.domain.cluster import deployment as live
from deployments.tests.domain.cluster import pod
from deployments.tests.fixtures import People, Places
from deployments.tests.views.helpers import body
from deployments.tests.views.seen import see

ClientAs = Callable[[str], Client]
pytestmark = pytest.mark.django_db
SURGE = DriftItem("Deployment.spec.strategy.rollingUpdate.maxSurge", 1, 3, "kubectl-patch", None)


@pytest.fixture
def drifted(people: People, places: Places) -> Deployment:
    found = factories.make_deployment(author=people.maintainer, namespace=places.dev, name="ranker")
    see(found)
    drift(found, SURGE)
    return Deployment.objects.related().get(pk=found.pk)


def drift(deployment: Deployment, *items: DriftItem) -> None:
    DeploymentState.objects.filter(deployment=deployment).update(drift=[item.to_json() for item in items])


def state_of(deployment: Deployment) -> State:
    """What is stored once the cluster is looked at again, with its pod ready."""
    view = ClusterView(deployment=live(1), pods=(pod(ready=True),))
    rows.write([rows.Seen(deployment.pk, view, now())])
    return State(Observation.objects.get(pk=deployment.pk).state)


def leave(client: Client, deployment: Deployment, **fields: Any) -> Any:
    sent = {"do": "leave", "days": "7", "why": "The load test needs it."} | fields
    return client.post(reverse("deployment-conflict", args=[deployment.slug]), sent)


def test_an_editor_leaves_it_and_it_is_trouble_again_when_it_changes(client_as: ClientAs, drifted: Deployment) -> None:
    assert state_of(drifted) is State.DRIFTED
    client = client_as("editor")
    assert "Leave it" in body(client.get(reverse("deployment-conflict", args=[drifted.slug])))
    assert leave(client, drifted).status_code == 302

    assert state_of(drifted) is State.RUNNING
    event = AuditEvent.objects.get(kind="drift.left")
    assert (event.actor_name, event.note, event.facts["days"]) == ("editor", "The load test needs it.", 7)
    page = body(client.get(reverse("deployment-detail", args=[drifted.slug])))
    assert "Left as it is by <b>editor</b> until" in page
    assert "\u201cThe load test needs it.\u201d" in page

    drift(drifted, DriftItem(SURGE.path, 1, 5, "kubectl-patch", None))
    assert state_of(drifted) is State.DRIFTED


def test_it_is_trouble_again_when_the_time_is_over(client_as: ClientAs, drifted: Deployment) -> None:
    leave(client_as("editor"), drifted)
    Deployment.objects.filter(pk=drifted.pk).update(left_until=now() - timedelta(seconds=1))
    assert state_of(drifted) is State.DRIFTED


@pytest.mark.parametrize(
    ("fields", "words"),
    [({"why": " "}, "Say why it may stay"), ({"days": "0"}, "1 to 30 days"), ({"days": "x"}, "1 to 30 days")],
)
def test_without_a_reason_or_an_end_it_is_refused(
    client_as: ClientAs, drifted: Deployment, fields: dict[str, str], words: str
) -> None:
    answer = leave(client_as("editor"), drifted, **fields)
    assert answer.status_code == 422
    assert words in body(answer)
    assert state_of(drifted) is State.DRIFTED


def test_what_is_gone_cannot_be_left(drifted: Deployment) -> None:
    drift(drifted, SURGE, DriftItem("Service", "present", None, "", None))
    with pytest.raises(Refused, match="gone from the cluster"):
        actions.leave(deployment=drifted, by=factories.BY, days=7, note="because")


def test_viewers_leave_nothing(client_as: ClientAs, drifted: Deployment) -> None:
    assert leave(client_as("viewer"), drifted).status_code == 403
    assert state_of(drifted) is State.DRIFTED
