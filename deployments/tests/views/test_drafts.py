"""What was typed and not proposed is there when the form is opened again."""

from __future__ import annotations

from collections.abc import Callable

from django.test import Client
from django.urls import reverse

from deployments.actions import drafts
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


def test_a_draft_of_another_sitting_is_not_typed_over(client_as: ClientAs, people: People, places: Places) -> None:
    deployment = factories.make_deployment(author=people.editor, namespace=places.dev)
    url = reverse("deployment-edit", args=[deployment.slug])
    client = client_as("editor")
    typed(client, deployment, model_version="first")
    first = Draft.objects.get()
    page = soup_of(client.get(url))
    assert page.select_one("#draft-id")["value"] == ""  # type: ignore[index]
    typed(client, deployment, model_version="second")
    assert sorted(row.data["model_version"][0] for row in Draft.objects.all()) == ["first", "second"]
    assert body(client.get(url)).count("You left changes unfinished") == 2
    assert 'value="first"' in body(client.get(f"{url}?draft=n{first.pk}"))
    assert 'value="second"' in body(client.get(f"{url}?draft=1"))


def test_a_page_goes_on_with_its_own_draft(client_as: ClientAs, people: People, places: Places) -> None:
    deployment = factories.make_deployment(author=people.editor, namespace=places.dev)
    url = reverse("deployment-edit", args=[deployment.slug])
    client = client_as("editor")
    sent = posted(deployment, model_version="a") | {"step": "1"}
    answer = soup_of(client.post(url, sent, headers={"hx-request": "true"}))
    number = answer.select_one("#draft-id")["value"]  # type: ignore[index]
    assert number == str(Draft.objects.get().pk)
    typed(client, deployment, model_version="b", draft_id=str(number))
    assert Draft.objects.get().data["model_version"] == ["b"]
    taken = soup_of(client.get(f"{url}?draft=1"))
    assert taken.select_one("#draft-id")["value"] == number  # type: ignore[index]


def test_another_persons_draft_is_not_reached_by_its_number(
    client_as: ClientAs, people: People, places: Places
) -> None:
    deployment = factories.make_deployment(author=people.editor, namespace=places.dev)
    typed(client_as("editor"), deployment, model_version="mine")
    number = str(Draft.objects.get().pk)
    other = client_as("maintainer")
    typed(other, deployment, model_version="theirs", draft_id=number)
    other.post(reverse("deployment-draft-discard", args=[deployment.slug]), {"draft_id": number})
    assert Draft.objects.get().data["model_version"] == ["mine"]


def test_one_is_discarded_from_home(client_as: ClientAs, people: People, places: Places) -> None:
    deployment = factories.make_deployment(author=people.editor, namespace=places.dev)
    client = client_as("editor")
    typed(client, deployment, model_version="first")
    typed(client, deployment, model_version="second")
    page = soup_of(client.get(reverse("home")))
    forms = page.select('section[aria-label="Unfinished"] form')
    assert len(forms) == 2
    sent = {str(field["name"]): str(field["value"]) for field in forms[0].select("input[name]")}
    assert client.post(str(forms[0]["action"]), sent).headers["Location"] == reverse("home")
    assert Draft.objects.get().data["model_version"] == ["first"]


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
    assert "Nothing needs you" in page, "what one left oneself waits for nobody"
    assert reverse("deployment-edit", args=[deployment.slug]) + "?draft=1" in page
    assert reverse("deployment-new") + "?draft=1" in page
    assert "half-typed" in page
    assert "Not finished" not in body(client_as("maintainer").get(reverse("home")))


def test_a_draft_of_somebody_who_may_not_edit_any_more_is_not_listed(
    client_as: ClientAs, people: People, places: Places
) -> None:
    deployment = factories.make_deployment(author=people.editor, namespace=places.dev)
    drafts.keep(by=people.viewer, key=deployment.slug, data={})
    assert "Not finished" not in body(client_as("viewer").get(reverse("home")))
