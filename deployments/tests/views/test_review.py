"""The review: what will happen, the cluster's verdict, and who decides what."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from deployments.actions import deployments as actions
from deployments.audit import Actor
from deployments.domain.catalogue import Probe
from deployments.domain.spec.parts import Autoscale, Budget, Fixed, Recreate, Resources, RollingUpdate
from deployments.models import AuditEvent, Deployment, Observation, Proposal, RegistryRule, Revision
from deployments.models.requests import Answer
from deployments.tests import factories
from deployments.tests.fixtures import People, Places
from deployments.tests.views.helpers import answer, body, decide, newest, posted, send_edit

ClientAs = Callable[[str], Client]


@pytest.fixture
def deployment(people: People, places: Places) -> Deployment:
    return factories.make_deployment(author=people.editor, namespace=places.dev, name="ranker")


@pytest.fixture
def in_prod(people: People, places: Places) -> Deployment:
    return factories.make_deployment(author=people.maintainer, namespace=places.prod, name="ranker")


def proposed(author: Any, deployment: Deployment, **fields: Any) -> Proposal:
    return factories.edit(deployment, author=author, spec=factories.make_spec(**fields))


def page(client: Client, proposal: Proposal) -> str:
    return body(client.get(reverse("deployment-review", args=[proposal.pk])))


def patch(client: Client, proposal: Proposal) -> str:
    url = reverse("deployment-verdict", args=[proposal.pk])
    return body(client.get(url, headers={"hx-request": "true"}))


def test_waiting_polls_and_applying_stays_possible(client_as: ClientAs, people: People, deployment: Deployment) -> None:
    proposal = proposed(people.editor, deployment, model_version="2")
    client = client_as("editor")
    html = page(client, proposal)
    assert 'hx-trigger="every 1s"' in html
    assert "Check again" in html
    assert "The cluster has not checked this yet." in html
    assert "disabled" not in html
    assert decide(client, proposal).status_code == 302
    assert Deployment.objects.get(pk=deployment.pk).current.number == 2


def test_an_answer_ends_the_polling_and_decides_the_first_line(
    client_as: ClientAs, people: People, deployment: Deployment
) -> None:
    proposal = proposed(people.editor, deployment, model_version="2", replicas=Fixed(2))
    client = client_as("editor")
    assert "every 1s" in patch(client, proposal)
    answer(proposal, restarts=True, objects=[{"kind": "Deployment", "name": "ranker", "outcome": "changed"}])
    html = patch(client, proposal)
    assert "every 1s" not in html
    assert "Replaces the pod in development, gradually, and goes from 1 to 2 pods." in html
    assert "Accepted" in html
    assert html.count("hx-swap-oob") == 4
    full = page(client, proposal)
    assert "replaces pods" in full
    assert "no restart" in full, "the number of replicas restarts nothing"
    assert "every 1s" not in full


def test_no_restart_is_said(client_as: ClientAs, people: People, deployment: Deployment) -> None:
    proposal = proposed(people.editor, deployment, replicas=Autoscale(1, 4))
    answer(proposal, restarts=False)
    assert "without replacing a pod" in page(client_as("editor"), proposal)


def test_a_refusal_of_the_cluster_cannot_be_applied(
    client_as: ClientAs, people: People, deployment: Deployment
) -> None:
    proposal = proposed(people.editor, deployment, model_version="2")
    refused = {"kind": "Pod", "name": "ranker", "outcome": "refused", "message": "exceeded quota: team-search"}
    answer(proposal, restarts=True, objects=[refused], refusals=["Pod: exceeded quota: team-search"])
    client = client_as("editor")
    html = page(client, proposal)
    assert "The cluster refuses this change" in html
    assert "Pod: exceeded quota: team-search" in html
    assert 'value="apply" disabled' in html
    response = decide(client, proposal)
    assert response.status_code == 409
    assert Deployment.objects.get(pk=deployment.pk).current.number == 1


def test_a_cluster_that_is_away_does_not_stop_anybody(
    client_as: ClientAs, people: People, deployment: Deployment
) -> None:
    proposal = proposed(people.editor, deployment, model_version="2")
    Proposal.objects.filter(pk=proposal.pk).update(
        answer=Answer.FAILED, verdict={"problem": "It did not answer within 5 s."}
    )
    client = client_as("editor")
    html = page(client, proposal)
    assert "It did not answer within 5 s." in html
    assert "The cluster has not checked this yet" in html
    assert decide(client, proposal, "check").status_code == 302
    assert Proposal.objects.get(pk=proposal.pk).answer == Answer.WAITING
    assert decide(client, proposal).status_code == 302


def test_held_fields_and_warnings_are_named(client_as: ClientAs, people: People, deployment: Deployment) -> None:
    proposal = proposed(people.editor, deployment, model_version="2")
    held = {"kind": "Deployment", "path": "spec.paused", "manager": "kubectl-edit", "live": True, "desired": False}
    answer(proposal, restarts=True, conflicts=[held], warnings=["would violate <PodSecurity>"])
    html = page(client_as("editor"), proposal)
    assert "<b>kubectl-edit</b> holds" in html
    assert "would violate &lt;PodSecurity&gt;" in html


def test_a_double_submit_makes_one_revision(client_as: ClientAs, people: People, deployment: Deployment) -> None:
    proposal = proposed(people.editor, deployment, model_version="2")
    client = client_as("editor")
    assert decide(client, proposal)["Location"] == decide(client, proposal)["Location"]
    assert Revision.objects.filter(deployment=deployment).count() == 2
    assert AuditEvent.objects.filter(kind="revision.saved").count() == 1
    assert "as revision 2" in page(client, proposal)


def test_only_what_was_shown_is_applied(client_as: ClientAs, people: People, deployment: Deployment) -> None:
    proposal = proposed(people.editor, deployment, model_version="2")
    response = decide(client_as("editor"), proposal, reviewed="0" * 64)
    assert response.status_code == 422
    assert "Review it again" in body(response)


def test_prod_takes_a_reason_and_keeps_it(client_as: ClientAs, people: People, in_prod: Deployment) -> None:
    proposal = proposed(people.maintainer, in_prod, model_version="2")
    client = client_as("maintainer")
    response = decide(client, proposal, note="  ")
    assert response.status_code == 422
    assert "Say why" in body(response)
    assert "prodband" in body(response)
    assert decide(client, proposal, note="v2 is better").status_code == 302
    assert AuditEvent.objects.get(kind="revision.saved").note == "v2 is better"


def test_an_editor_sends_to_a_maintainer_who_applies(client_as: ClientAs, people: People, in_prod: Deployment) -> None:
    editor, maintainer = client_as("editor"), client_as("maintainer")
    assert send_edit(editor, in_prod, model_version="2").status_code == 302
    proposal = newest()
    assert "Send to a maintainer" in page(editor, proposal)
    assert decide(editor, proposal).status_code == 403
    url = reverse("deployment-review", args=[proposal.pk])
    assert maintainer.get(url).status_code == 404, "a proposal that was not sent is its author's own"
    assert decide(editor, proposal, "send", note="").status_code == 422
    assert decide(editor, proposal, "send", note="fresher features").status_code == 302
    html = page(maintainer, proposal)
    assert "fresher features" in html
    assert "Apply 1 change to ranker in prod" in html
    assert client_as("viewer").get(url).status_code == 200
    assert client_as("stranger").get(url).status_code == 404
    assert decide(maintainer, proposal, note="agreed").status_code == 302
    assert Deployment.objects.get(pk=in_prod.pk).current.number == 2
    assert AuditEvent.objects.get(kind="revision.saved").facts["proposed_by"] == "editor"


def test_a_maintainer_drops_it(client_as: ClientAs, people: People, in_prod: Deployment) -> None:
    editor = client_as("editor")
    send_edit(editor, in_prod, model_version="2")
    proposal = newest()
    decide(editor, proposal, "send", note="please")
    assert decide(client_as("maintainer"), proposal, "drop").status_code == 302
    assert AuditEvent.objects.filter(kind="proposal.dropped").exists()
    assert decide(client_as("maintainer"), proposal).status_code == 422
    assert "Discarded" in page(editor, proposal)


def test_somebody_saved_first(client_as: ClientAs, people: People, deployment: Deployment) -> None:
    mine = proposed(people.editor, deployment, model_version="2", env=(("MINE", "1"),))
    factories.apply(proposed(people.maintainer, deployment, model_version="3"), by=people.maintainer, note="theirs!")
    client = client_as("editor")
    response = decide(client, mine)
    assert response.status_code == 409
    html = body(response)
    assert "maintainer saved revision 2" in html
    assert "theirs!" in html
    assert "both changed" in html
    assert "only you changed" in html
    assert "It cannot be applied as it is" in page(client, mine)

    url = reverse("deployment-merge", args=[mine.pk])
    response = client.post(url, {"seen": "2", "pick_model_version": "theirs", "pick_env__MINE": "yours"})
    assert response.status_code == 302
    merged = newest()
    assert response["Location"] == reverse("deployment-review", args=[merged.pk])
    assert merged.based_on == 2
    assert (merged.spec["model_version"], merged.spec["env"]) == ("3", [{"name": "MINE", "value": "1"}])
    assert Proposal.objects.get(pk=mine.pk).dropped_at is not None
    assert decide(client, merged).status_code == 302
    assert Deployment.objects.get(pk=deployment.pk).current.number == 3


def test_a_form_from_an_old_tab_shows_both_versions(
    client_as: ClientAs, people: People, deployment: Deployment
) -> None:
    old_tab = posted(deployment, model_version="2")
    factories.apply(proposed(people.maintainer, deployment, model_version="3"), by=people.maintainer)
    response = client_as("editor").post(reverse("deployment-edit", args=[deployment.slug]), old_tab)
    assert response.status_code == 409
    assert "Somebody saved first" in body(response)
    assert Deployment.objects.get(pk=deployment.pk).current.number == 2


def test_a_merge_that_does_not_fit_says_so(client_as: ClientAs, people: People, deployment: Deployment) -> None:
    mine = proposed(people.editor, deployment, replicas=Autoscale(5, 6))
    theirs = proposed(people.maintainer, deployment, replicas=Autoscale(1, 2))
    factories.apply(theirs, by=people.maintainer)
    client, url = client_as("editor"), reverse("deployment-merge", args=[mine.pk])
    picks = {"seen": "2", "pick_replicas__min": "yours", "pick_replicas__max": "theirs"}
    response = client.post(url, picks)
    assert response.status_code == 422
    assert "Must be at least the minimum (5)." in body(response)
    assert client.post(url, picks | {"seen": "1"}).status_code == 409
    nothing_left = {"seen": "2", "pick_replicas__min": "theirs", "pick_replicas__max": "theirs"}
    assert "Nothing of yours is left" in body(client.post(url, nothing_left, follow=True))


def test_warnings(client_as: ClientAs, people: People, in_prod: Deployment) -> None:
    proposal = proposed(
        people.maintainer, in_prod, strategy=Recreate(), image_override="docker.io/tensorflow/serving:2.17"
    )
    html = page(client_as("maintainer"), proposal)
    for words in ("pin its digest", "nothing serves in between", "when its node goes, nothing serves"):
        assert words in html


def test_each_warning_is_shown(client_as: ClientAs, people: People, in_prod: Deployment) -> None:
    Observation.objects.filter(deployment=in_prod).update(view={"usage": {"pod-a": {"memory_b": 3 << 30}}})
    proposal = proposed(
        people.maintainer,
        in_prod,
        image_override="docker.io/tensorflow/serving:2.17",
        readiness=Probe(kind="off"),
        budget=Budget(min_available=1),
    )
    answer(proposal, objects=[], quota={"cpu": 0})
    client = client_as("maintainer")
    html = page(client, proposal)
    for words in (
        "This affects live traffic.",
        "One pod only: when its node goes, nothing serves.",
        "There is no readiness probe",
        "is below what a pod uses now (3 GiB)",
        "pin its digest",
        "quota leaves nothing",
        "nodes cannot be drained",
    ):
        assert words in html
    # The form refuses such an image; a registry may be taken off the list between the proposal and its review.
    RegistryRule.objects.all().delete()
    assert "is not of an allowed registry." in page(client, proposal)
    assert decide(client, proposal).status_code == 422


def test_outside_prod_what_prod_would_mind_is_folded(
    client_as: ClientAs, people: People, deployment: Deployment
) -> None:
    html = page(client_as("editor"), proposed(people.editor, deployment, model_version="2"))
    folded = html.partition('id="before-prod"')[2]
    assert "Fix before prod" in folded
    assert "One pod only" in folded
    assert "This changes production" not in html
    assert 'id="review-warnings" hidden' in html


def test_an_applied_proposal_goes_on_to_say_what_it_changed(
    client_as: ClientAs, people: People, deployment: Deployment
) -> None:
    proposal = proposed(people.editor, deployment, model_version="2")
    client = client_as("editor")
    decide(client, proposal)
    decide(client, proposed(people.editor, Deployment.objects.get(pk=deployment.pk), model_version="3"))
    html = " ".join(page(client, proposal).split())
    assert "Review 1 change to ranker" in html
    assert "revision 1 became revision 2" in html
    assert "as revision 2 by" in html
    assert 'id="review-say"' not in html
    assert 'value="apply"' not in html


def test_a_quota_too_small_for_all_pods_is_said_when_the_cluster_has_answered(
    client_as: ClientAs, people: People, deployment: Deployment
) -> None:
    proposal = proposed(people.editor, deployment, replicas=Fixed(4))
    client = client_as("editor")
    assert 'id="review-warnings" hidden' in page(client, proposal)
    answer(proposal, objects=[], quota={"cpu": 4000, "pods": 3})
    html = patch(client, proposal)
    assert 'id="review-warnings" hx-swap-oob="true"' in html
    assert "4 pods want a place; the namespace&#x27;s quota leaves only 3: some would not start." in html
    assert "4 pods want" in page(client, proposal)


def test_back_to_the_form_keeps_everything(client_as: ClientAs, people: People, deployment: Deployment) -> None:
    proposal = proposed(people.editor, deployment, model_version="77")
    client = client_as("editor")
    link = f"{reverse('deployment-edit', args=[deployment.slug])}?proposal={proposal.pk}"
    assert link in page(client, proposal)
    html = body(client.get(link))
    assert 'value="77"' in html
    assert "was 1" in html


def test_an_unknown_button_is_refused(client_as: ClientAs, people: People, deployment: Deployment) -> None:
    proposal = proposed(people.editor, deployment, model_version="2")
    assert decide(client_as("editor"), proposal, "nonsense").status_code == 422


def test_a_retired_deployment_takes_no_revision(client_as: ClientAs, people: People, deployment: Deployment) -> None:
    proposal = proposed(people.editor, deployment, model_version="2")
    actions.retire(deployment=deployment, by=Actor.as_user(people.maintainer), note="")
    response = decide(client_as("editor"), proposal)
    assert response.status_code == 409
    assert "was retired meanwhile" in body(response)


def test_memory_in_use_is_compared_with_the_new_limit(
    client_as: ClientAs, people: People, deployment: Deployment
) -> None:
    view = {"usage": {"pod-a": {"memory_b": 3 << 30}, "pod-b": {"memory_b": 1 << 30}}}
    Observation.objects.filter(deployment=deployment).update(view=view)
    proposal = proposed(people.editor, deployment, model_version="2")
    html = page(client_as("editor"), proposal)
    assert "The memory limit 1 GiB is below what a pod uses now (3 GiB)" in html


@pytest.mark.parametrize(("missing", "warns"), [(0, True), (1, False)])
def test_a_rollout_that_needs_gpus_of_its_own_is_said(
    client_as: ClientAs, people: People, deployment: Deployment, missing: int, warns: bool
) -> None:
    size = Resources(cpu_request=1000, memory_request=1 << 30, memory_limit=1 << 30, gpu_count=1, gpu_type="nvidia-l4")
    strategy = RollingUpdate(max_surge=1 - missing, max_unavailable=missing)
    spec = factories.make_spec(model_version="2", resources=size, profile=None, strategy=strategy)
    proposal = factories.edit(deployment, author=people.editor, spec=spec)
    answer(proposal, restarts=True, objects=[])
    assert ("needs GPUs of its own" in page(client_as("editor"), proposal)) == warns
