"""The main job in a browser: log in, edit, review, apply, watch it roll out, roll back, read the audit."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from deployments.models import AuditEvent, Deployment, Namespace, Revision
from deployments.tests import factories
from deployments.tests.browser.conftest import Site
from deployments.tests.fixtures import People

pytestmark = [
    pytest.mark.browser,
    pytest.mark.cluster,
    pytest.mark.django_db(transaction=True, databases=["default", "locks"]),
]

DELIVERY_S = 40


@pytest.fixture
def ranker(people: People, place: Namespace) -> Deployment:
    spec = factories.make_spec(env=(("LOG_LEVEL", "info"),))
    return factories.make_deployment(author=people.maintainer, namespace=place, name="ranker", spec=spec)


def wait_for(page: Page, text: str, *, javascript: bool) -> None:
    """With JavaScript the page updates itself; without it a person reloads."""
    if javascript:
        expect(page.locator("main")).to_contain_text(re.compile(text), timeout=DELIVERY_S * 1000)
        return
    for _ in range(DELIVERY_S):
        if re.search(text, page.locator("main").inner_text()):
            return
        page.wait_for_timeout(1000)
        page.reload()
    pytest.fail(f"the page never said {text!r}: {page.locator('main').inner_text()[:600]}")


@pytest.mark.parametrize("javascript", [True, False], ids=["javascript", "no javascript"])
def test_edit_review_apply_and_roll_back(site: Site, workers: None, ranker: Deployment, javascript: bool) -> None:
    page = site.visit("editor", javascript=javascript)
    page.goto("/fleet/")
    page.get_by_role("main").get_by_role("link", name="ranker", exact=True).first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("ranker")
    wait_for(page, r"1 (of 1 )?(pods? )?ready|1/1|1 pod ready|Running", javascript=javascript)

    page.get_by_role("link", name="Edit", exact=True).click()
    page.locator("[name=replicas__count]").fill("2")
    page.locator("[name=env_value]").first.fill("debug")
    page.get_by_role("button", name="Review changes").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Review 2 changes to ranker")
    wait_for(page, r"Deployment[\s\S]*(accepts|Accepted|would|OK)", javascript=javascript)
    page.get_by_label("Why?").fill("look at a slow query")
    page.get_by_role("button", name=re.compile("^Apply 2 changes to ranker in dev")).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("ranker")
    wait_for(page, r"revision 2[\s\S]*(2/2|2 of 2|2 pods? ready|2 ready)", javascript=javascript)

    page.get_by_role("link", name=re.compile("^Revisions")).click()
    page.get_by_role("button", name="Roll back to revision 1").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("return of ranker to revision 1")
    page.get_by_label("Why?").fill("the query is found")
    page.get_by_role("button", name=re.compile("^Roll back ranker in dev to revision 1")).click()
    wait_for(page, r"revision 3", javascript=javascript)

    page.get_by_role("link", name="Activity").click()
    activity = page.locator("main")
    expect(activity).to_contain_text("look at a slow query")
    expect(activity).to_contain_text("the query is found")
    numbers = list(Revision.objects.filter(deployment=ranker).order_by("number").values_list("number", "returns_to"))
    assert numbers == [(1, None), (2, None), (3, 1)]
    kinds = list(AuditEvent.objects.filter(deployment_id=ranker.pk).order_by("seq").values_list("kind", flat=True))
    assert kinds == ["deployment.created", "revision.saved", "revision.rolled_back"]


@pytest.mark.parametrize("javascript", [True, False], ids=["javascript", "no javascript"])
def test_two_people_edit_at_once(site: Site, ranker: Deployment, people: People, javascript: bool) -> None:
    """The second to apply sees both versions; nothing is overwritten."""
    page = site.visit("editor", javascript=javascript)
    page.goto(f"/deployments/{ranker.slug}/edit/")
    page.locator("[name=model_version]").fill("mine")
    page.get_by_role("button", name="Review changes").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Review 1 change")
    other = factories.make_spec(env=(("LOG_LEVEL", "error"),))
    factories.apply(factories.edit(ranker, author=people.maintainer, spec=other), by=people.maintainer)
    page.get_by_role("button", name=re.compile("^Apply")).click()
    main = page.locator("main")
    expect(main).to_contain_text("maintainer")
    expect(main).to_contain_text("mine")
    expect(main).to_contain_text("error")
    assert Revision.objects.filter(deployment=ranker).count() == 2


def test_what_was_typed_survives_a_mistake(site: Site, ranker: Deployment) -> None:
    page = site.visit("editor", javascript=False)
    page.goto(f"/deployments/{ranker.slug}/edit/")
    page.locator("[name=artifact_uri]").fill("not an address")
    page.locator("[name=model_version]").fill("7")
    page.get_by_role("button", name="Review changes").click()
    expect(page.locator("main")).to_contain_text("Must be a place such as gs://")
    assert page.locator("[name=artifact_uri]").input_value() == "not an address"
    assert page.locator("[name=model_version]").input_value() == "7"
    assert Revision.objects.filter(deployment=ranker).count() == 1


def test_a_viewer_sees_and_cannot_change(site: Site, ranker: Deployment) -> None:
    page = site.visit("viewer")
    page.goto(f"/deployments/{ranker.slug}/")
    expect(page.get_by_role("heading", level=1)).to_contain_text("ranker")
    assert page.get_by_role("link", name="Edit", exact=True).count() == 0
    answer = page.goto(f"/deployments/{ranker.slug}/edit/")
    assert answer is not None
    assert answer.status == 403
    expect(page.locator("main")).to_contain_text("Editor")
    site.complaints.clear()  # the console reports the 403 that was asked for
