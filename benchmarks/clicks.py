"""Count the clicks of everyday tasks in a running demo (PORT, BARISTA_HOME), in Chromium, from the fleet page.

A click is a press of a link or a button, or a choice in a list; typing is not counted. docs/comparison.md has a table.
Makes and edits one deployment in dev and retires it again.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Locator, Page, sync_playwright

from embedded.paths import LOOPBACK, Home, home_folder

CHROMIUM = Path("/usr/bin/chromium")


class Hand:
    """Clicks, and counts them."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.count = 0

    def click(self, target: str | Locator) -> None:
        (self.page.locator(target).first if isinstance(target, str) else target).click()
        self.count += 1

    def choose(self, name: str, label: str) -> None:
        self.page.locator(f"select[name='{name}']").first.select_option(label=label)
        self.count += 1

    def open(self, name: str, environment: str) -> None:
        """From the fleet, the deployment of that name and environment."""
        row = self.page.locator("table.fleet tbody tr", has_text=name).filter(has_text=environment).first
        self.click(row.locator("a[href^='/deployments/']").first)


def create(hand: Hand, name: str) -> None:
    page = hand.page
    hand.click("a[href^='/deployments/new/']")
    hand.choose("model", "Ads relevance, ads, team Ads")
    hand.choose("namespace", "ads-dev (dev), Demo cluster, team Ads")
    page.fill("[name='name']", name)
    page.fill("[name='artifact_uri']", "gs://acme-models/clicks/1")
    page.fill("[name='model_version']", "1")
    hand.choose("runtime", "TensorFlow Serving")
    hand.choose("profile", "CPU small: 500m CPU, 1 GiB")
    _review_and_apply(hand)


def change(hand: Hand, name: str, field: str, value: str) -> None:
    hand.open(name, "dev")
    hand.page.fill(f".quick [name='{field}']", value)
    hand.click(hand.page.locator(f"form.quick:has([name='{field}']) button"))
    _apply(hand)


def crash_logs(hand: Hand) -> None:
    hand.click(hand.page.get_by_role("button", name="The last logs of home-feed-ranker"))
    hand.page.wait_for_selector("#log-lines, #log[aria-label='Log']:not([aria-busy])", timeout=20_000)


def roll_back(hand: Hand, name: str) -> None:
    hand.open(name, "dev")
    hand.click("nav.tabs a[href$='/revisions/']")
    hand.click(hand.page.get_by_role("button", name="Roll back").first)
    _apply(hand)


def why_it_fails(hand: Hand) -> None:
    hand.page.get_by_text("Crash-looping").first.wait_for()


def who_changed(hand: Hand) -> None:
    hand.open("home-feed-ranker", "staging")
    hand.click("nav.tabs a[href$='/activity/']")


def retire(hand: Hand, name: str) -> None:
    hand.open(name, "dev")
    hand.page.goto(hand.page.url.split("?")[0] + "retire/")
    hand.click("main form button.btn-danger")


def _review_and_apply(hand: Hand) -> None:
    hand.click(hand.page.get_by_role("button", name="Review").first)
    _apply(hand)


def _apply(hand: Hand) -> None:
    hand.page.wait_for_url("**/proposals/*/")
    hand.click("main form button.btn-primary")
    hand.page.wait_for_url("**/deployments/*/")


def main() -> None:
    base = f"http://{LOOPBACK}:{os.environ.get('PORT', '8000')}"
    password = Home.open(home_folder()).secret("demo-password")
    name = f"clicks-{int(time.time()) % 100_000}"
    tasks: list[tuple[str, str, Callable[[Hand], None]]] = [
        ("create a deployment", "editor", lambda hand: create(hand, name)),
        ("edit the image", "editor", lambda hand: change(hand, name, "image_override", "tensorflow/serving:2.18.0")),
        ("change replicas", "editor", lambda hand: change(hand, name, "replicas__count", "2")),
        ("find why it fails", "editor", why_it_fails),
        ("read logs of a crash", "editor", crash_logs),
        ("roll back", "editor", lambda hand: roll_back(hand, name)),
        ("who changed this, all changes", "editor", who_changed),
        ("(clean up)", "maintainer", lambda hand: retire(hand, name)),
    ]
    with sync_playwright() as playwright:
        path = str(CHROMIUM) if CHROMIUM.exists() else None
        browser = playwright.chromium.launch(executable_path=path)
        for what, user, task in tasks:
            page = browser.new_context(base_url=base).new_page()
            page.set_default_timeout(10_000)
            page.goto("/login/")
            page.fill("[name='username']", user)
            page.fill("[name='password']", password)
            page.click("main form button")
            page.goto("/fleet/")
            hand = Hand(page)
            task(hand)
            print(f"  {what:<32} {hand.count}", flush=True)
            page.context.close()
        browser.close()
