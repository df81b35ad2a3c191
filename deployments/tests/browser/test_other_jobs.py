"""Other things people come for: a new deployment, logs, asking a maintainer, retiring, and the admin."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from baristaweb.lib.clock import now
from deployments.actions import logs
from deployments.models import AuditEvent, Cluster, Deployment, LogRequest, Namespace, Revision, Runtime
from deployments.tests import factories
from deployments.tests.browser.conftest import Site
from deployments.tests.fixtures import People, Places

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True, databases=["default", "locks"])]

SCRIPTS = pytest.mark.parametrize("javascript", [True, False], ids=["javascript", "no javascript"])


@SCRIPTS
def test_create_a_deployment(site: Site, people: People, places: Places, javascript: bool) -> None:
    factories.make_runtime()
    factories.make_profile()
    factories.make_registry_rules()
    model = factories.make_model(team=people.team, slug="query-intent")
    page = site.visit("editor", javascript=javascript)
    page.goto("/deployments/new/")
    page.locator("[name=namespace]").select_option(str(places.dev.pk))
    page.locator("[name=model]").select_option(str(model.pk))
    page.locator("[name=name]").fill("query-intent")
    page.locator("[name=artifact_uri]").fill("gs://acme-models/query-intent/1")
    page.locator("[name=model_version]").fill("1")
    page.locator("[name=runtime]").select_option("tfserving")
    page.locator("[name=profile]").select_option("cpu-small")
    page.get_by_role("button", name=re.compile("^Review")).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Review a new deployment: query-intent")
    page.get_by_role("button", name="Create query-intent in dev").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("query-intent")
    made = Deployment.objects.get(name="query-intent")
    assert made.namespace == places.dev
    assert made.current is not None
    assert made.current.to_spec().artifact_uri == "gs://acme-models/query-intent/1"


def test_an_editor_asks_a_maintainer_for_prod(site: Site, people: People, places: Places) -> None:
    ranker = factories.make_deployment(author=people.maintainer, namespace=places.prod, name="ranker")
    page = site.visit("editor")
    page.goto(f"/deployments/{ranker.slug}/edit/")
    page.locator("[name=model_version]").fill("9")
    page.get_by_role("button", name="Review changes").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Review 1 change")
    assert page.get_by_role("button", name=re.compile("^Apply")).count() == 0
    page.get_by_label("Why?").fill("won its test")
    page.get_by_role("button", name="Send to a maintainer").click()
    address = page.url

    other = site.visit("maintainer", javascript=False)
    other.goto("/")
    expect(other.locator("main")).to_contain_text("ranker")
    other.goto(address)
    expect(other.locator("main")).to_contain_text("won its test")
    other.get_by_label("Why?").fill("agreed")
    other.get_by_role("button", name=re.compile("^Apply 1 change to ranker in prod")).click()
    expect(other.get_by_role("heading", level=1)).to_contain_text("ranker")
    revision = Revision.objects.get(deployment=ranker, number=2)
    assert revision.author_name == "maintainer"
    assert AuditEvent.objects.filter(kind="revision.saved").get().facts["proposed_by"] == "editor"


def test_retiring_in_prod_takes_the_typed_name(site: Site, people: People, places: Places) -> None:
    ranker = factories.make_deployment(author=people.maintainer, namespace=places.prod, name="ranker")
    page = site.visit("maintainer", javascript=False)
    page.goto(f"/deployments/{ranker.slug}/retire/")
    button = page.get_by_role("button", name=re.compile("^Retire ranker"))
    page.get_by_label("Why?").fill("replaced")
    page.locator("[name=typed_name]").fill("rankr")
    button.click()
    expect(page.get_by_role("alert")).to_contain_text("ranker")
    assert Deployment.objects.get(pk=ranker.pk).retired_at is None
    page.locator("[name=typed_name]").fill("ranker")
    button.click()
    expect(page.locator("main")).to_contain_text(re.compile("retire", re.IGNORECASE))
    assert Deployment.objects.get(pk=ranker.pk).retired_at is not None


@pytest.mark.cluster
@SCRIPTS
def test_logs_of_all_pods(site: Site, workers: None, people: People, place: Namespace, javascript: bool) -> None:
    ranker = factories.make_deployment(author=people.editor, namespace=place, name="ranker")
    page = site.visit("viewer", javascript=javascript)
    page.goto(f"/deployments/{ranker.slug}/logs/")
    page.locator("main form[method=post] button.btn-primary").first.click()
    for _ in range(20):
        if re.search("no pods|no lines|lines|could not", page.locator("main").inner_text(), re.IGNORECASE):
            break
        page.wait_for_timeout(500)
        if not javascript:
            page.reload()
    expect(page).to_have_url(re.compile(r"/logs/[0-9a-f-]{36}/$"))
    expect(page.locator("main")).to_contain_text(re.compile("pods|lines", re.IGNORECASE))


def test_searching_and_following_lines(site: Site, people: People, places: Places) -> None:
    ranker = factories.make_deployment(author=people.editor, namespace=places.dev, name="ranker")
    row = logs.request(deployment=ranker, by=people.viewer)
    said = [["2026-11-01T10:00:00+00:00", "ranker-a", "model", "INFO loaded"]]
    answered = LogRequest.objects.filter(pk=row.pk)
    answered.update(answer="done", answered_at=now(), lines=said)
    page = site.visit("viewer")
    page.goto(f"/deployments/{ranker.slug}/logs/{row.pk}/")
    page.get_by_role("button", name="Follow").click()
    expect(page.locator("#log")).to_have_attribute("aria-busy", "true")
    expect(page.locator("#log-lines")).to_contain_text("INFO loaded")
    page.get_by_label("Find in these lines").fill("store")
    said.append(["2026-11-01T10:00:01+00:00", "ranker-b", "model", "ERROR Store refused"])
    answered.update(answer="done", answered_at=now(), lines=said)
    expect(page.locator("#log-lines mark")).to_have_text("Store")
    expect(page.locator("#log header")).to_contain_text("1 of 2 lines")
    expect(page.get_by_label("Find in these lines")).to_be_focused()
    page.get_by_role("button", name="Stop following").click()
    expect(page.get_by_role("button", name="Follow", exact=True)).to_be_visible()
    with page.expect_download() as file:
        page.get_by_role("link", name="Download").click()
    assert file.value.path().read_text().count("\n") == 2


def test_the_platform_team_changes_a_runtime(site: Site, people: People, cluster_row: Cluster) -> None:
    """Django's admin under the same content security policy."""
    runtime = factories.make_runtime()
    factories.make_registry_rules()
    page = site.visit("platform")
    page.goto("/admin/")
    page.get_by_role("link", name="Runtimes", exact=True).first.click()
    page.get_by_role("link", name=runtime.name).click()
    page.locator("[name=image]").fill("https://docker.io/tensorflow/serving")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("main")).to_contain_text("Leave out http")
    page.locator("[name=image]").fill("docker.io/tensorflow/serving:2.19.1")
    page.locator("[name=reason]").fill("security fix")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("main")).to_contain_text("was changed successfully")
    assert Runtime.objects.get(pk=runtime.pk).to_domain().image == "docker.io/tensorflow/serving:2.19.1"
    page.goto(f"/admin/deployments/runtime/{runtime.pk}/history/")
    expect(page.locator("main")).to_contain_text("security fix")
