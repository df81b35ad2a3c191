"""Parts of a page that renew themselves leave alone what a person is doing there."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from baristaweb.lib.clock import now
from deployments.domain.status.states import State
from deployments.models import ClusterEvent
from deployments.tests import factories
from deployments.tests.browser.conftest import Site
from deployments.tests.fixtures import People, Places
from deployments.tests.views.seen import see

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True, databases=["default", "locks"])]

RENEWED = """() => new Promise((done) => document.addEventListener("htmx:afterSettle", () => setTimeout(done, 50),
    {once: true}))"""
FOCUS = "() => document.activeElement.getAttribute('href') || document.activeElement.id"


def wait_for_a_poll(page: Page) -> None:
    page.evaluate(RENEWED)


def test_the_fleet_keeps_ticks_and_the_keyboards_place(site: Site, people: People, places: Places) -> None:
    for name in ("one", "two", "three"):
        factories.make_deployment(author=people.editor, namespace=places.dev, name=name)
    page = site.visit("editor")
    page.goto("/fleet/?sort=name")
    page.get_by_label("Choose two in").check()
    expect(page.locator("#selected")).to_have_text("With 1 selected")
    page.locator("#fleet-rows a.name", has_text="three").focus()
    place = page.evaluate(FOCUS)
    page.locator("#fleet-rows").evaluate("(rows) => { rows.dataset.old = 'yes'; }")
    wait_for_a_poll(page)
    expect(page.locator("#fleet-rows[data-old]")).to_have_count(0)
    assert page.evaluate(FOCUS) == place
    expect(page.get_by_label("Choose two in")).to_be_checked()
    expect(page.get_by_label("Choose one in")).not_to_be_checked()
    expect(page.locator("#selected")).to_have_text("With 1 selected")

    page.get_by_label("Choose all on this page").check()
    page.get_by_role("button", name="Restart").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Restart 3 deployments")


def test_a_deployments_page_keeps_what_is_typed_and_unfolded(site: Site, people: People, places: Places) -> None:
    row = factories.make_deployment(author=people.editor, namespace=places.dev, name="busy")
    see(row, State.ROLLING_OUT)
    for number in range(12):
        ClusterEvent.objects.create(
            cluster=places.dev.cluster, deployment=row, uid=f"e{number}", object_kind="Pod", object_name="busy-1",
            type="Normal", reason="abcdefghijkl"[number], message="said", first_at=now(), last_at=now(),
        )  # fmt: skip
    page = site.visit("editor")
    page.goto(f"/deployments/{row.slug}/")
    page.locator("#more-events summary").click()
    page.locator("#q-count").fill("5")
    page.locator("#overview").evaluate("(part) => { part.dataset.old = 'yes'; }")
    wait_for_a_poll(page)
    expect(page.locator("#overview[data-old]")).to_have_count(0)
    expect(page.locator("#more-events")).to_have_attribute("open", "")
    expect(page.locator("#q-count")).to_have_value("5")
    assert page.evaluate(FOCUS) == "q-count"
