"""What pages of a running demo cost on the wire: cold, warm and idle; and whether any scrolls sideways on a phone.

`make demo` in one terminal, `make bench ONLY=weight` in another; PORT and BARISTA_HOME as for the demo. Bytes are those
that Chromium received, headers included, compressed as they came. Idle is two minutes on a page that nobody touches.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from embedded.paths import LOOPBACK, Home, home_folder
from embedded.screenshots import NARROW, SYSTEM_CHROMIUM, WIDE

LIMIT_KIB: Final = 150.0
SETTLE_MS: Final = 1_500
IDLE_MS: Final = int(os.environ.get("BARISTA_BENCH_IDLE_S", "120")) * 1_000
IDLE: Final = ("fleet", "deployment")
PAGES: Final = {
    "login": "/login/",
    "home": "/",
    "fleet": "/fleet/",
    "deployment": "{deployment}",
    "configuration": "{deployment}configuration/",
    "revisions": "{deployment}revisions/",
    "logs": "{deployment}logs/",
    "activity": "{deployment}activity/",
    "cost": "{deployment}cost/",
    "sleep": "{deployment}sleep/",
    "features": "{deployment}features/",
    "edit": "{deployment}edit/",
    "new": "/deployments/new/",
    "audit": "/audit/",
    "review queue": "/audit/queue/",
    "costs": "/costs/",
    "budgets": "/costs/budgets/",
    "sleep tonight": "/sleep/",
    "sleep rules": "/sleep/rules/",
    "sleep ledger": "/sleep/ledger/",
    "data health": "/fleet/data/",
    "log sources": "/sources/",
    "clusters": "/clusters/",
    "teams": "/teams/",
    "profile": "/profile/",
    "admin": "/admin/",
}


@dataclass
class Wire:
    """What a page received since `start`."""

    page: Page
    requests: int = 0
    size: float = 0.0
    session: Any = field(init=False)

    def __post_init__(self) -> None:
        self.session = self.page.context.new_cdp_session(self.page)
        self.session.send("Network.enable")
        self.session.on("Network.loadingFinished", self._add)

    def _add(self, event: dict[str, Any]) -> None:
        self.requests += bool(event["encodedDataLength"])
        self.size += event["encodedDataLength"]

    def start(self) -> None:
        self.requests, self.size = 0, 0.0

    @property
    def kib(self) -> float:
        return self.size / 1024


def main() -> None:
    base = f"http://{LOOPBACK}:{os.environ.get('PORT', '8000')}"
    password = Home.open(home_folder()).secret("demo-password")
    with sync_playwright() as playwright:
        path = str(SYSTEM_CHROMIUM) if SYSTEM_CHROMIUM.exists() else None
        browser = playwright.chromium.launch(executable_path=path, args=["--disable-dev-shm-usage", "--no-sandbox"])
        people = log_in(browser, base, password, WIDE)
        deployment = deployment_in(people)
        print(f"\nBytes on the wire, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC; at most {LIMIT_KIB:.0f} KiB cold\n")
        print("| page | cold KiB | requests | warm KiB | requests |\n|---|---|---|---|---|")
        heavy = []
        for name, address in PAGES.items():
            cold, warm = _measure(browser, people, base, name, address.format(deployment=deployment))
            print(f"| {name} | {cold[0]:.0f} | {cold[1]} | {warm[0]:.1f} | {warm[1]} |", flush=True)
            heavy += [name] if cold[0] > LIMIT_KIB else []
        _idle(people, deployment)
        wide = _sideways(browser, base, password, deployment)
        browser.close()
    print(f"\nHeavier than {LIMIT_KIB:.0f} KiB: {', '.join(heavy) or 'none'}.")
    print(f"Scroll sideways at 390 px: {wide or 'none'}.")
    if heavy or wide:
        sys.exit(1)


def log_in(browser: Browser, base: str, password: str, size: tuple[int, int]) -> BrowserContext:
    context = browser.new_context(base_url=base, viewport={"width": size[0], "height": size[1]})
    page = context.new_page()
    page.goto("/login/")
    page.fill("[name=username]", "platform")
    page.fill("[name=password]", password)
    page.click("button.btn-primary")
    page.close()
    return context


def deployment_in(context: BrowserContext) -> str:
    """The address of one that serves and has features."""
    page = context.new_page()
    page.goto("/fleet/?q=home-feed-ranker+prod")
    found = page.locator("table.fleet a.name, table.fleet a[href^='/deployments/']").first.get_attribute("href")
    page.close()
    return found or "/"


def _measure(
    browser: Browser, people: BrowserContext, base: str, name: str, address: str
) -> tuple[tuple[float, int], tuple[float, int]]:
    """KiB and requests of a first visit with an empty cache, then of a second."""
    state = None if name == "login" else people.storage_state()
    context = browser.new_context(base_url=base, viewport={"width": WIDE[0], "height": WIDE[1]}, storage_state=state)
    page = context.new_page()
    wire = Wire(page)
    found = []
    for _ in range(2):
        page.goto("about:blank")
        wire.start()
        page.goto(address)
        page.wait_for_timeout(SETTLE_MS)
        found.append((wire.kib, wire.requests))
    context.close()
    return found[0], found[1]


def _idle(people: BrowserContext, deployment: str) -> None:
    print(f"\n| idle for {IDLE_MS / 1000:.0f} s | requests | KiB |\n|---|---|---|")
    for name in IDLE:
        page = people.new_page()
        page.goto(PAGES[name].format(deployment=deployment))
        page.wait_for_timeout(SETTLE_MS)
        wire = Wire(page)
        page.wait_for_timeout(IDLE_MS)
        print(f"| {name} | {wire.requests} | {wire.kib:.1f} |", flush=True)
        page.close()


def _sideways(browser: Browser, base: str, password: str, deployment: str) -> str:
    """Pages wider than a phone, with the pixels that they are too wide."""
    context = log_in(browser, base, password, NARROW)
    page = context.new_page()
    found = []
    for name, address in PAGES.items():
        page.goto(address.format(deployment=deployment))
        page.wait_for_timeout(SETTLE_MS)
        beyond = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        if beyond > 0:
            found.append(f"{name} ({beyond} px)")
    context.close()
    return ", ".join(found)
