"""What the form does while somebody types: marks, what does not count, and a login that ends."""

from __future__ import annotations

import pytest
from django.contrib.sessions.models import Session
from playwright.sync_api import expect

from deployments.models import Deployment, Proposal
from deployments.tests import factories
from deployments.tests.browser.conftest import Site
from deployments.tests.fixtures import People, Places

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True, databases=["default", "locks"])]


@pytest.fixture
def ranker(people: People, places: Places) -> Deployment:
    spec = factories.make_spec(env=(("LOG_LEVEL", "info"),))
    return factories.make_deployment(author=people.editor, namespace=places.dev, name="ranker", spec=spec)


def test_marks_appear_while_typing_and_undo_takes_them_back(site: Site, ranker: Deployment) -> None:
    page = site.visit("editor")
    page.goto(f"/deployments/{ranker.slug}/edit/")
    version, port, changes = (page.locator(found) for found in ("#id_model_version", "#id_service", "#spec-changes"))
    version.fill("2")
    port.fill("70000")
    port.blur()
    expect(changes).to_contain_text("Your 2 changes")
    expect(page.locator("#id_service_error")).to_contain_text("Must be a port between 1 and 65535.")
    expect(port).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#spec-count")).to_contain_text("1 to fix first")
    page.get_by_role("button", name="Undo the change of Service port").click()
    expect(port).to_have_value("80")
    expect(changes).to_contain_text("Your 1 change")
    expect(version).to_have_value("2")


def test_only_what_counts_is_shown(site: Site, ranker: Deployment) -> None:
    page = site.visit("editor", javascript=False)
    page.goto(f"/deployments/{ranker.slug}/edit/")
    expect(page.get_by_label("CPU request")).to_be_hidden()
    page.get_by_label("Hardware profile").select_option(label="Custom size")
    expect(page.get_by_label("CPU request")).to_be_visible()
    expect(page.get_by_label("Max replicas")).to_be_hidden()
    page.get_by_label("A range that follows the load").check()
    expect(page.get_by_label("Max replicas")).to_be_visible()
    expect(page.locator("#id_replicas__count")).to_be_hidden()


def test_enter_reviews_and_presses_no_other_button(site: Site, ranker: Deployment) -> None:
    page = site.visit("editor", javascript=False)
    page.goto(f"/deployments/{ranker.slug}/edit/")
    page.get_by_label("Model version").fill("2")
    page.get_by_label("Model version").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Review 1 change to ranker")
    assert Proposal.objects.get(kind="edit").spec["env"] == [{"name": "LOG_LEVEL", "value": "info"}]


def test_a_login_that_ends_costs_nothing(site: Site, ranker: Deployment) -> None:
    page = site.visit("editor")
    page.goto(f"/deployments/{ranker.slug}/edit/")
    page.get_by_label("Model version").fill("typed")
    Session.objects.all().delete()
    page.get_by_label("Model version").blur()
    expect(page.locator("#login-ended")).to_contain_text("What you typed is still here.")
    with page.context.expect_page() as opened:
        page.locator("#login-ended a").click()
    other = opened.value
    other.get_by_label("User name").fill("editor")
    other.get_by_label("Password").fill(factories.PASSWORD)
    other.get_by_role("button", name="Log in").click()
    expect(other.get_by_role("heading", level=1)).not_to_have_text("Log in")
    other.close()
    # A headless window does not lose the focus, so it does not get it back either.
    page.evaluate("dispatchEvent(new Event('focus'))")
    expect(page.locator("#login-ended")).to_have_count(0)
    page.get_by_role("button", name="Review changes").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Review 1 change to ranker")
    assert Proposal.objects.get(kind="edit").spec["model_version"] == "typed"


def test_a_form_too_large_to_send_says_so_and_keeps_what_was_typed(site: Site, ranker: Deployment) -> None:
    page = site.visit("editor")
    page.goto(f"/deployments/{ranker.slug}/edit/")
    value = page.get_by_label("Value of variable 1")
    value.evaluate("(area) => { area.value = 'x'.repeat(3 * 1048576); }")
    page.get_by_role("button", name="Review changes").click()
    note = page.locator("#too-large")
    expect(note).to_contain_text("This form holds 3.0 MB, and at most 2.5 MB can be sent. Nothing was sent")
    assert len(value.input_value()) == 3 * 1048576
    value.fill("short")
    page.get_by_role("button", name="Review changes").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Review 1 change to ranker")
