"""Promoting: the difference, what is taken over, the pinned digest, and a proposal at the end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from baristaweb.lib.clock import now
from deployments.actions import deployments as actions
from deployments.actions import promotions
from deployments.actions.promotions import NotServing
from deployments.audit import Actor
from deployments.domain.spec.parts import Autoscale, Fixed
from deployments.domain.status.states import State
from deployments.models import AuditEvent, Deployment, Observation, Proposal, Rollout
from deployments.queries.promotion import Promotion, targets_of
from deployments.tests import factories
from deployments.tests.fixtures import People, Places
from deployments.tests.views.helpers import body, decide, newest
from deployments.tests.views.seen import make_pod, see, soup_of

ClientAs = Callable[[str], Client]
IMAGE = "docker.io/tensorflow/serving:2.16.1"
DIGEST = "sha256:" + "a" * 64


@pytest.fixture
def pair(people: People, places: Places) -> tuple[Deployment, Deployment]:
    """The same model in dev and staging."""
    model = factories.make_model(team=people.team, slug="ranker")
    dev = factories.make_deployment(
        author=people.editor,
        namespace=places.dev,
        name="ranker",
        model=model,
        spec=factories.make_spec(model_version="2", env=(("LOG_LEVEL", "debug"),), replicas=Fixed(1)),
    )
    staging = factories.make_deployment(
        author=people.editor,
        namespace=places.staging,
        name="ranker",
        model=model,
        spec=factories.make_spec(env=(("ONLY_HERE", "1"),), replicas=Autoscale(2, 4)),
    )
    see(dev)
    see(staging)
    return dev, staging


def see_pods(deployment: Deployment, *image_ids: str) -> None:
    """What the watch stores of ready pods."""
    pods = [
        {
            "metadata": {"name": f"{deployment.name}-{number}"},
            "spec": {"containers": [{"name": "model", "image": IMAGE}]},
            "status": {
                "conditions": [{"type": "Ready", "status": "True"}],
                "containerStatuses": [{"name": "model", "imageID": image_id}],
            },
        }
        for number, image_id in enumerate(image_ids)
    ]
    Observation.objects.filter(deployment=deployment).update(observed_at=now(), view={"pods": pods})


def send(client: Client, source: Deployment, *carry: str, **fields: Any) -> Any:
    data = {"to": "", "source_revision": "1", "target_revision": "1", "carry": list(carry)} | fields
    return client.post(reverse("deployment-promote", args=[source.slug]), data)


def test_promote_review_apply(client_as: ClientAs, pair: tuple[Deployment, Deployment]) -> None:
    dev, staging = pair
    see_pods(dev, f"docker.io/tensorflow/serving@{DIGEST}")
    client = client_as("editor")
    assert "Promote to staging" in body(client.get(reverse("deployment-detail", args=[dev.slug])))
    page = client.get(reverse("deployment-promote", args=[dev.slug]))
    text = body(page)
    assert f"{IMAGE}@{DIGEST}" in text
    assert "The only ready pod runs sha256:aaaaaaaaaaaa, so the tag is pinned to it." in text
    ticked = {item.setting.key for _, items in page.context["sections"] for item in items if item.is_on}
    assert ticked == {"model", "image_override", "env.LOG_LEVEL"}

    answer = send(client, dev, *ticked)
    proposal = newest()
    assert answer["Location"] == reverse("deployment-review", args=[proposal.pk])
    assert (proposal.kind, proposal.deployment, proposal.based_on) == (Proposal.Kind.EDIT, staging, 1)
    assert "Promotes revision 1 of ranker in search-dev" in body(client.get(answer["Location"]))
    assert decide(client, proposal).status_code == 302
    spec = Deployment.objects.related().get(pk=staging.pk).current.to_spec()
    assert spec == factories.make_spec(
        model_version="2",
        image_override=f"{IMAGE}@{DIGEST}",
        env=(("LOG_LEVEL", "debug"), ("ONLY_HERE", "1")),
        replicas=Autoscale(2, 4),
    )


def test_without_one_digest_the_tag_stays_and_the_page_says_why(
    client_as: ClientAs, pair: tuple[Deployment, Deployment]
) -> None:
    dev, _ = pair
    see_pods(dev, f"docker.io/tensorflow/serving@{DIGEST}", f"docker.io/tensorflow/serving@sha256:{'b' * 64}")
    page = client_as("editor").get(reverse("deployment-promote", args=[dev.slug]))
    assert "the ready pods run 2 different digests" in body(page)
    keys = {item.setting.key for _, items in page.context["sections"] for item in items}
    assert "image_override" not in keys


def test_an_editor_proposes_a_new_deployment_for_prod(
    client_as: ClientAs, people: People, places: Places, pair: tuple[Deployment, Deployment]
) -> None:
    _, staging = pair
    client = client_as("editor")
    page = client.get(reverse("deployment-promote", args=[staging.slug]))
    assert "it will be created" in body(page)
    keys = [item.setting.key for _, items in page.context["sections"] for item in items if item.is_on]
    answer = send(client, staging, *keys, target_revision="0", name="ranker")
    proposal = newest()
    assert (proposal.kind, proposal.namespace, proposal.deployment) == (Proposal.Kind.CREATE, places.prod, None)
    assert proposal.spec_hash == staging.current.spec_hash
    assert decide(client, proposal).status_code == 403
    assert decide(client, proposal, do="send").status_code == 302
    assert decide(client_as("maintainer"), proposal).status_code == 302
    assert Deployment.objects.get(namespace=places.prod, name="ranker").model_id == staging.model_id
    assert answer.status_code == 302


def test_a_name_that_is_taken_is_said_and_another_can_be_given(
    client_as: ClientAs, people: People, places: Places, pair: tuple[Deployment, Deployment]
) -> None:
    factories.make_deployment(author=people.maintainer, namespace=places.prod, name="ranker")
    client = client_as("editor")
    answer = send(client, pair[1], target_revision="0", name="ranker")
    assert answer.status_code == 422
    assert "already exists in search-prod" in body(answer)
    assert send(client, pair[1], target_revision="0", name="ranker-2").status_code == 302
    assert newest().name == "ranker-2"


@pytest.mark.parametrize("seen", [{"source_revision": "7"}, {"target_revision": "7"}, {"target_revision": ""}])
def test_what_was_saved_meanwhile_is_shown_first(
    client_as: ClientAs, pair: tuple[Deployment, Deployment], seen: dict[str, str]
) -> None:
    answer = send(client_as("editor"), pair[0], "model", **seen)
    assert answer.status_code == 409
    assert "saved since you opened this page" in body(answer)
    assert not Proposal.objects.filter(applied_at=None).exists()


def test_nothing_ticked_or_unknown_changes_nothing(client_as: ClientAs, pair: tuple[Deployment, Deployment]) -> None:
    for carry in ([], ["service_account", "env.NOT_THERE"]):
        answer = send(client_as("editor"), pair[0], *carry)
        assert answer.status_code == 422
        assert "Select at least one setting" in body(answer)


def test_equal_deployments_have_nothing_to_promote(client_as: ClientAs, people: People, places: Places) -> None:
    model = factories.make_model(team=people.team)
    first, _ = (
        factories.make_deployment(author=people.editor, namespace=place, name="same", model=model)
        for place in (places.dev, places.staging)
    )
    assert "is the same already" in body(client_as("editor").get(reverse("deployment-promote", args=[first.slug])))


def test_what_cannot_be_promoted_says_so(
    client_as: ClientAs, people: People, places: Places, pair: tuple[Deployment, Deployment]
) -> None:
    client = client_as("editor")
    prod = factories.make_deployment(author=people.maintainer, namespace=places.prod)
    assert "Promote to" not in body(client.get(reverse("deployment-detail", args=[prod.slug])))
    page = client.get(reverse("deployment-promote", args=[prod.slug]), follow=True)
    assert "no namespace in an environment after production" in body(page)
    actions.retire(deployment=pair[0], by=Actor.as_user(people.maintainer), note="done")
    page = client.get(reverse("deployment-promote", args=[pair[0].slug]), follow=True)
    assert "is retired. Restore it before you promote it." in body(page)


def test_foreign_targets_are_missing_and_viewers_may_not(
    client_as: ClientAs, people: People, pair: tuple[Deployment, Deployment]
) -> None:
    url = reverse("deployment-promote", args=[pair[0].slug])
    assert client_as("editor").get(url, {"to": "new-999999"}).status_code == 404
    assert client_as("viewer").get(url).status_code == 403
    assert client_as("stranger").get(url).status_code == 404
    assert "Promote to" not in body(client_as("viewer").get(reverse("deployment-detail", args=[pair[0].slug])))


def crash(deployment: Deployment) -> None:
    pod = make_pod(f"{deployment.name}-1", ready=False)
    see(
        deployment,
        State.CRASH_LOOPING,
        sentence="Nothing serves: 0 of 1 ready.",
        ready=0,
        view={"pods": [pod]},
    )


def test_what_fails_is_said_first_and_nothing_of_it_is_ticked(
    client_as: ClientAs, pair: tuple[Deployment, Deployment]
) -> None:
    crash(pair[0])
    page = client_as("editor").get(reverse("deployment-promote", args=[pair[0].slug]))
    soup = soup_of(page)
    first = soup.select("section.verdict")[0]
    assert "bad" in first["class"]
    assert "Revision 1 of ranker in dev does not serve, and never did: crash-looping." in first.text
    assert "Its use is not measured" in " ".join(first.text.split())
    assert not soup.select("input[name=carry][checked]")
    assert soup.select_one("textarea[name=override][required]")


def test_what_fails_is_refused_without_a_reason_and_the_reason_is_kept(
    client_as: ClientAs, pair: tuple[Deployment, Deployment]
) -> None:
    crash(pair[0])
    client = client_as("editor")
    for reason in ("", "   "):
        refused = send(client, pair[0], "model", override=reason)
        assert refused.status_code == 422
        assert "does not serve" in body(refused)
    assert not Proposal.objects.filter(promotes__isnull=False).exists()
    answer = send(client, pair[0], "model", override="It crashes for want of the staging store <only>")
    review = soup_of(client.get(answer["Location"]))
    assert "does not serve" in review.select_one("#source-state").text  # type: ignore[union-attr]
    assert "for want of the staging store <only>" in review.text
    assert decide(client, newest()).status_code == 302
    event = AuditEvent.objects.get(kind="revision.saved", deployment_id=pair[1].pk)
    assert event.facts["promotes"] == pair[0].slug
    assert event.facts["promotes_state"] == "crash-looping"
    assert event.facts["promoted_although"].startswith("It crashes")


def test_the_action_refuses_what_fails_whatever_page_asked(people: People, pair: tuple[Deployment, Deployment]) -> None:
    crash(pair[0])
    source = Deployment.objects.related().get(pk=pair[0].pk)
    promotion = Promotion(source=source, revision=source.current, target=targets_of(source)[0])  # type: ignore[arg-type]
    with pytest.raises(NotServing, match="does not serve"):
        promotions.propose(promotion=promotion, keys={"model"}, by=people.editor, name="ranker", based_on=1)


def test_what_began_to_fail_after_it_was_proposed_is_not_applied(
    client_as: ClientAs, pair: tuple[Deployment, Deployment]
) -> None:
    client = client_as("editor")
    send(client, pair[0], "model")
    crash(pair[0])
    refused = decide(client, newest())
    assert refused.status_code == 422
    assert "Promote it again and say why" in body(refused)
    assert Deployment.objects.get(pk=pair[1].pk).generation == 1


def test_one_that_served_and_sleeps_may_be_promoted_and_the_page_says_so(
    client_as: ClientAs, pair: tuple[Deployment, Deployment]
) -> None:
    see(pair[0], State.ASLEEP)
    Rollout.objects.filter(deployment=pair[0]).update(completed_at=now())
    client = client_as("editor")
    page = client.get(reverse("deployment-promote", args=[pair[0].slug]))
    assert "served once, and is asleep now" in body(page)
    assert send(client, pair[0], "model").status_code == 302


def test_a_value_of_another_environment_is_marked_and_left(
    client_as: ClientAs, people: People, places: Places, pair: tuple[Deployment, Deployment]
) -> None:
    spec = factories.make_spec(env=(("STORE", "http://store.dev.svc"),))
    factories.apply(factories.edit(pair[0], author=people.editor, spec=spec), by=people.editor)
    see(pair[0])
    page = client_as("editor").get(reverse("deployment-promote", args=[pair[0].slug]))
    box = soup_of(page).select_one("input[value='env.STORE']")
    assert box is not None
    assert "checked" not in box.attrs
    assert "names dev" in body(page)
