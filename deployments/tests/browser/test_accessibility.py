"""axe-core finds nothing on any page, light or dark; no page is wider than a phone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from deployments.actions import deployments, proposals
from deployments.audit import Actor
from deployments.models import AuditEvent, Cluster, Deployment, Proposal
from deployments.tests import factories
from deployments.tests.browser.conftest import Site
from deployments.tests.fixtures import People, Places

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True, databases=["default", "locks"])]

AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text()
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PHONE = {"width": 390, "height": 844}


@pytest.fixture
def pages(people: People, places: Places, cluster_row: Cluster) -> list[str]:
    """One address of each kind of page."""
    by = Actor.as_user(people.maintainer)
    factories.make_price_list(cluster_row)
    env = (("LOG_LEVEL", "info"), ("TOP_K", "10"))
    dev = factories.make_deployment(
        author=people.editor, namespace=places.dev, name="ranker", spec=factories.make_spec(env=env)
    )
    prod = factories.make_deployment(author=people.maintainer, namespace=places.prod, name="ranker")
    gone = factories.make_deployment(author=people.editor, namespace=places.staging, name="ranker")
    factories.apply(
        factories.edit(dev, author=people.editor, spec=factories.make_spec(model_version="2")), by=people.editor
    )
    deployments.pause(deployment=prod, by=by, note="a study runs", until=None)
    deployments.retire(deployment=gone, by=by, note="done")
    sent = factories.edit(prod, author=people.editor, spec=factories.make_spec(model_version="3"))
    proposals.send(proposal=sent, by=Actor.as_user(people.editor), note="please")
    left_behind = factories.edit(dev, author=people.maintainer, spec=factories.make_spec(model_version="4"))
    current = Deployment.objects.get(pk=dev.pk)
    theirs = factories.edit(current, author=people.maintainer, spec=factories.make_spec(model_version="5"))
    factories.apply(theirs, by=people.maintainer)
    merge = reverse("deployment-merge", args=[left_behind.pk])
    restore = f"/deployments/{gone.slug}/restore/"
    of_proposals = [*_of_proposal(sent), *_of_proposal(theirs), *_of_proposal(left_behind), merge]
    return [*_of(dev), *_of(prod), f"/deployments/{gone.slug}/", restore, *of_proposals, *_others(dev)]


def _of(deployment: Deployment) -> list[str]:
    base = f"/deployments/{deployment.slug}/"
    tabs = ("", "configuration/", "revisions/", "logs/", "cost/", "activity/", "edit/", "restart/", "pause/", "retire/")
    return [base + tab for tab in (*tabs, "sleep/", "keep-awake/", "conflict/")]


def _of_proposal(proposal: Proposal) -> list[str]:
    return [reverse("deployment-review", args=[proposal.pk])]


def _others(deployment: Deployment) -> list[str]:
    seq = AuditEvent.objects.filter(deployment_id=deployment.pk).order_by("-seq")[0].seq
    named = ["home", "fleet", "audit", "audit-queue", "clusters", "teams", "profile", "deployment-new"]
    return [
        *(reverse(name) for name in named),
        f"/audit/{seq}/",
        "/teams/search/",
        "/fleet/?q=nothing-is-called-this",
        f"/deployments/{deployment.slug}/revisions/?a=1&b=2",
        f"/deployments/{deployment.slug}/rollback/1/",
        f"/deployments/{deployment.slug}/promote/",
        "/there-is-no-such-page/",
    ]


def problems(page: Page) -> list[str]:
    """What axe-core complains about, a line each."""
    page.evaluate(AXE)
    options = {"runOnly": {"type": "tag", "values": RULES}, "resultTypes": ["violations"]}
    found: dict[str, Any] = page.evaluate("(options) => axe.run(document, options)", options)
    assert len(found["passes"]) > 5, "axe-core did not look"
    return [
        f"{rule['id']} ({rule['impact']}): {node['target']} {node['html'][:160]} {node.get('failureSummary', '')[:300]}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_page_is_accessible(site: Site, pages: list[str], theme: str) -> None:
    page = site.visit("maintainer", reduced_motion="reduce")
    page.context.add_cookies([{"name": "theme", "value": theme, "url": site.url}])
    wrong = []
    for address in pages:
        page.goto(address)
        wrong += [f"{address}: {problem}" for problem in problems(page)]
    site.complaints[:] = [text for text in site.complaints if "there-is-no-such-page" not in text]
    assert not wrong, f"{len(wrong)} problems\n" + "\n".join(wrong[:60])


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_what_has_no_price_is_accessible(site: Site, pages: list[str], theme: str) -> None:
    page = site.visit("platform")
    page.context.add_cookies([{"name": "theme", "value": theme, "url": site.url}])
    page.goto(reverse("cost-coverage"))
    assert problems(page) == []
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_the_login_is_accessible(site: Site, people: People) -> None:
    page = site.visit()
    page.goto("/login/")
    assert problems(page) == []
    page.get_by_label("User name").fill("nobody")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_be_visible()
    assert problems(page) == []


def test_no_page_is_wider_than_a_phone(site: Site, pages: list[str]) -> None:
    page = site.visit("maintainer")
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    wide = []
    for address in pages:
        page.goto(address)
        width = page.evaluate("document.documentElement.scrollWidth")
        if width > PHONE["width"]:
            wide.append(f"{address} is {width} wide")
    site.complaints[:] = [text for text in site.complaints if "there-is-no-such-page" not in text]
    assert not wide, "\n".join(wide)


def test_the_main_pages_work_by_keyboard(site: Site, pages: list[str]) -> None:
    """The first Tab offers to skip the navigation, and every stop is visible."""
    page = site.visit("maintainer")
    page.goto("/fleet/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('href')") == "#main"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    for _ in range(12):
        page.keyboard.press("Tab")
        shown = page.evaluate(
            "(() => { const box = document.activeElement.getBoundingClientRect();"
            " return document.activeElement === document.body || (box.width > 0 && box.height > 0); })()"
        )
        assert shown, page.evaluate("document.activeElement.outerHTML.slice(0, 200)")
