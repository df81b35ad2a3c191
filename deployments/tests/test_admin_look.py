"""The admin is a part of the product: its bar, its theme, its places."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from bs4 import BeautifulSoup
from django.test import Client

from deployments.admin.site import OTHERS
from deployments.tests import factories

pytestmark = pytest.mark.django_db
RUNTIMES = "/admin/deployments/runtime/"
MARK = "\u203a"


@pytest.fixture
def platform(client_as: Callable[[str], Client]) -> Client:
    return client_as("platform")


def soup(client: Client, address: str) -> BeautifulSoup:
    return BeautifulSoup(client.get(address).content, "html.parser")


def words(page: BeautifulSoup, selector: str) -> list[str]:
    return [" ".join(item.text.split()) for item in page.select(selector)]


def test_every_page_is_under_admin_in_the_products_bar(platform: Client) -> None:
    for address in ("/admin/", RUNTIMES, f"{RUNTIMES}add/"):
        assert words(soup(platform, address), ".mainnav [aria-current]") == ["Admin"], address
    assert words(soup(platform, "/fleet/"), ".mainnav [aria-current]") == ["Fleet"]


def test_its_colours_are_those_chosen_in_the_product(platform: Client) -> None:
    platform.cookies["theme"] = "dark"
    page = soup(platform, RUNTIMES)
    assert "theme-dark" in str(page.body["class"] if page.body else "")
    assert "admin/js/theme.js" not in str(page)


def test_crumbs_lead_back_to_the_list_and_to_the_platform(platform: Client) -> None:
    row = factories.make_runtime()
    assert words(soup(platform, RUNTIMES), ".breadcrumbs") == [f"Platform {MARK} Runtimes"]
    assert words(soup(platform, RUNTIMES), "#content h1") == ["Runtimes"]
    page = soup(platform, f"{RUNTIMES}{row.pk}/delete/")
    assert words(page, ".breadcrumbs") == [f"Platform {MARK} Runtimes {MARK} {row} {MARK} Delete"]
    assert [item["href"] for item in page.select(".breadcrumbs a")] == [
        "/admin/",
        RUNTIMES,
        f"{RUNTIMES}{row.pk}/change/",
    ]


def test_every_page_stands_under_its_subject(platform: Client) -> None:
    captions = words(soup(platform, "/admin/"), ".subject caption")
    assert captions[:3] == ["People", "Clusters", "What is offered"]
    assert OTHERS not in captions, "name the subject of a new page"
