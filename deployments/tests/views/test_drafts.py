"""What was typed and not proposed is there when the form is opened again."""

from __future__ import annotations

from collections.abc import Callable

from django.test import Client
from django.urls import reverse

from deployments.actions import drafts
from deployments.domain.spec.spec import Spec
from deployments.forms.spec import form as spec_forms
from deployments.forms.spec import texts
from deployments.models import Deployment, Draft, Proposal
from deployments.tests import factories
from deployments.tests.fixtures import People, Places
from deployments.tests.views.helpers import body, posted, send_edit
from deployments.tests.views.seen import soup_of

ClientAs = Callable[[str], Client]


def typed(client: Client, deployment: Deployment, **changes: str) -> None:
    """As htmx posts the form while somebody types."""
    url = reverse("deployment-edit", args=[deployment.slug])
    client.post(url, posted(deployment, **changes) | {"step": "1"}, headers={"hx-request": "true"})


def test_a_draft_survives_and_is_offered(client_as: ClientAs, people: People, places: Places) -> None:
    deployment = factories.make_deployment(author=people.editor, namespace=places.dev)
    url = reverse("deployment-edit", args=[deployment.slug])
    typed(client_as("editor"), deployment, model_version="half-typed")

    later = client_as("editor")
    assert "You left changes unfinished" in body(later.get(url))
    assert "half-typed" not in body(later.get(url))
    assert 'value="half-typed"' in body(later.get(url + "?draft=1"))
    assert "You left changes unfinished" not in body(client_as("maintainer").get(url))
    assert "csrfmiddlewaretoken" not in Draft.objects.get().data

    later.post(reverse("deployment-draft-discard", args=[deployment.slug]))
    assert "You left changes unfinished" not in body(later.get(url))


def test_a_proposal_ends_the_draft(client_as: ClientAs, people: People, places: Places) -> None:
    deployment = factories.make_deployment(author=people.editor, namespace=places.dev)
    client = client_as("editor")
    assert send_edit(client, deployment, model_version="2", service="70000").status_code == 422
    assert Draft.objects.get().data["model_version"] == ["2"]
    assert send_edit(client, deployment, model_version="2").status_code == 302
    assert not Draft.objects.exists()


def test_discarding_gives_the_draft_up(client_as: ClientAs, people: People, places: Places) -> None:
    deployment = factories.make_deployment(author=people.editor, namespace=places.dev)
    client = client_as("editor")
    typed(client, deployment, model_version="half-typed")
    url = reverse("deployment-edit", args=[deployment.slug])
    response = client.post(url, posted(deployment, model_version="half-typed") | {"discard": "1"})
    assert response.headers["Location"] == reverse("deployment-detail", args=[deployment.slug])
    drafts.keep(by=people.editor, key=Draft.NEW, data={"name": ["half"]})
    assert client.post(reverse("deployment-new"), {"discard": "1"}).headers["Location"] == reverse("fleet")
    assert not Draft.objects.exists()
    assert not Proposal.objects.filter(kind=Proposal.Kind.EDIT).exists()


def test_drafts_are_bounded_and_storable(people: People) -> None:
    drafts.keep(by=people.editor, key="a", data={"note": ["nul\0 here"]})
    assert Draft.objects.get().data == {"note": ["nul here"]}
    drafts.keep(by=people.editor, key="b", data={"note": ["x" * (drafts.MOST_BYTES + 1)]})
    assert not Draft.objects.filter(key="b").exists()
    for number in range(drafts.MOST + 3):
        drafts.keep(by=people.editor, key=f"key-{number}", data={})
    assert Draft.objects.count() == drafts.MOST


def test_a_new_deployment_is_kept_too(client_as: ClientAs, people: People, places: Places) -> None:
    client, url = client_as("editor"), reverse("deployment-new")
    client.post(url, {"name": "half-typed", "step": "1"}, headers={"hx-request": "true"})
    assert "You left a new deployment unfinished" in body(client.get(url))
    assert 'value="half-typed"' not in body(client.get(url))
    page = body(client.get(url + "?draft=1"))
    assert 'value="half-typed"' in page
    assert "You left" not in page
    assert "You left" not in body(client_as("maintainer").get(url))
    client.post(reverse("deployment-new-draft-discard"))
    assert "You left" not in body(client.get(url))


def test_a_new_deployment_that_does_not_fit_is_kept_until_it_is_proposed(
    client_as: ClientAs, people: People, places: Places
) -> None:
    factories.make_deployment(author=people.editor, namespace=places.dev)
    client, url = client_as("editor"), reverse("deployment-new")
    model = factories.make_model(team=people.team)
    data = spec_forms.data_of(texts.DEFAULTS, ())
    filled = {name: data.getlist(name) for name in data} | {
        "namespace": places.dev.pk,
        "model": model.pk,
        "name": "second",
        "artifact_uri": "gs://acme-models/x",
        "runtime": "tfserving",
        "profile": "cpu-small",
    }
    assert client.post(url, filled | {"replicas__count": "x"}).status_code == 422
    assert Draft.objects.get().data["name"] == ["second"]
    assert client.post(url, filled).status_code == 302
    assert not Draft.objects.exists()


def test_home_lists_what_was_left(client_as: ClientAs, people: People, places: Places) -> None:
    deployment = factories.make_deployment(author=people.editor, namespace=places.dev)
    client = client_as("editor")
    typed(client, deployment, model_version="9")
    client.post(reverse("deployment-new"), {"name": "half-typed", "step": "1"}, headers={"hx-request": "true"})
    drafts.keep(by=people.editor, key="other.place.gone", data={})
    page = body(client.get(reverse("home")))
    assert "Nothing needs you" in page, "what somebody left does not need them"
    box = soup_of(client.get(reverse("home"))).select_one("#drafts")
    assert box is not None
    links = [str(link["href"]).partition("?")[0] for link in box.select("a.q")]
    assert sorted(links) == sorted([reverse("deployment-edit", args=[deployment.slug]), reverse("deployment-new")])
    assert "half-typed" in box.text
    for form in box.select("form"):
        sent = {str(item["name"]): str(item["value"]) for item in form.select("input, button")}
        assert client.post(str(form["action"]), sent).headers["Location"] == reverse("home")
    assert "Your drafts" not in body(client.get(reverse("home")))
    assert "Your drafts" not in body(client_as("maintainer").get(reverse("home")))


def test_a_draft_of_somebody_who_may_not_edit_any_more_is_not_listed(
    client_as: ClientAs, people: People, places: Places
) -> None:
    deployment = factories.make_deployment(author=people.editor, namespace=places.dev)
    drafts.keep(by=people.viewer, key=deployment.slug, data={})
    assert "Your drafts" not in body(client_as("viewer").get(reverse("home")))


def hidden(client: Client, deployment: Deployment, query: str = "") -> dict[str, str]:
    """The fields of the edit form that say which draft it goes on with or leaves alone."""
    page = soup_of(client.get(reverse("deployment-edit", args=[deployment.slug]) + query))
    found = page.select("#spec-form input[name=resumes], #spec-form input[name=beside]")
    return {str(item["name"]): str(item["value"]) for item in found}


def test_an_edit_that_is_begun_beside_a_draft_loses_neither(
    client_as: ClientAs, people: People, places: Places
) -> None:
    deployment = factories.make_deployment(author=people.editor, namespace=places.dev)
    client, url = client_as("editor"), reverse("deployment-edit", args=[deployment.slug])
    typed(client, deployment, model_version="first")
    fields = hidden(client, deployment)
    typed(client, deployment, model_version="sec", **fields)
    typed(client, deployment, model_version="second", **fields)
    assert {row.data["model_version"][0] for row in Draft.objects.all()} == {"first", "second"}
    page = soup_of(client.get(url))
    offers = [str(link["href"]) for link in page.select(".note a") if "draft=" in str(link["href"])]
    assert len(offers) == 2
    versions = {soup_of(client.get(url + offer)).select_one("[name=model_version]")["value"] for offer in offers}  # type: ignore[index]
    assert versions == {"first", "second"}


def test_typing_on_overwrites_the_draft_that_was_resumed_and_no_other(
    client_as: ClientAs, people: People, places: Places
) -> None:
    deployment = factories.make_deployment(author=people.editor, namespace=places.dev)
    client = client_as("editor")
    typed(client, deployment, model_version="first")
    typed(client, deployment, model_version="second", **hidden(client, deployment))
    first = next(row for row in Draft.objects.all() if row.data["model_version"] == ["first"])
    resumed = hidden(client, deployment, f"?draft={first.pk}")
    assert resumed == {"resumes": str(first.pk)}
    typed(client, deployment, model_version="first and more", **resumed)
    assert {row.data["model_version"][0] for row in Draft.objects.all()} == {"first and more", "second"}
    assert send_edit(client, deployment, model_version="2", **resumed).status_code == 302
    assert [row.data["model_version"][0] for row in Draft.objects.all()] == ["second"]


def test_a_quick_edit_keeps_the_number_and_the_draft(client_as: ClientAs, people: People, places: Places) -> None:
    deployment = factories.make_deployment(author=people.editor, namespace=places.dev)
    client = client_as("editor")
    typed(client, deployment, model_version="half-typed")
    url = reverse("deployment-quick-edit", args=[deployment.slug])
    assert client.post(url, {"based_on": "1", "replicas__count": "3"}).status_code == 302
    assert Spec.from_json(Proposal.objects.get(kind=Proposal.Kind.EDIT).spec).min_replicas == 3
    assert Draft.objects.get().data["model_version"] == ["half-typed"]


def test_drafts_of_others_are_never_taken_up(client_as: ClientAs, people: People, places: Places) -> None:
    deployment = factories.make_deployment(author=people.editor, namespace=places.dev)
    drafts.keep(by=people.maintainer, key=deployment.slug, data={"model_version": ["theirs"]})
    theirs = Draft.objects.get()
    client = client_as("editor")
    url = reverse("deployment-edit", args=[deployment.slug])
    assert "theirs" not in body(client.get(f"{url}?draft={theirs.pk}"))
    typed(client, deployment, model_version="mine", resumes=str(theirs.pk), beside=str(theirs.pk))
    client.post(reverse("deployment-draft-discard", args=[deployment.slug]), {"resumes": str(theirs.pk)})
    theirs.refresh_from_db()
    assert (theirs.key, theirs.data) == (deployment.slug, {"model_version": ["theirs"]})
