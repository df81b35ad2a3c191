"""Pictures of the key pages of a running demo: wide and narrow, light and dark, into docs/screenshots/.

`make demo` in one terminal, `make screenshots` in another; PORT and BARISTA_HOME as for the demo. Fails when a page
reports a violation of the content security policy or a script error, since a picture of a broken page is worthless.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from embedded.paths import LOOPBACK, REPOSITORY, Home, home_folder

FOLDER = REPOSITORY / "docs" / "screenshots"
SYSTEM_CHROMIUM = Path("/usr/bin/chromium")
WIDE, NARROW = (1440, 900), (390, 844)
THEMES = ("light", "dark")
SETTLE_MS = 700


@dataclass(frozen=True)
class Shot:
    """One page: its file name, who looks, and how to get there."""

    name: str
    user: str
    go: Callable[[Page], None]


def at(path: str) -> Callable[[Page], None]:
    """Open an address."""
    return lambda page: _open(page, path)


def _open(page: Page, path: str) -> None:
    page.goto(path)
    page.wait_for_timeout(SETTLE_MS)  # the network is never idle: live parts poll


def deployment(query: str, tab: str = "") -> Callable[[Page], None]:
    """Open the first deployment that the fleet page finds for `query`, then one of its pages."""

    def go(page: Page) -> None:
        _open(page, f"/fleet/?q={query}")
        href = page.locator("table.fleet tbody a[href^='/deployments/']").first.get_attribute("href")
        if href is None:
            raise LookupError(f"the fleet shows no deployment for {query}")
        _open(page, href + tab)

    return go


def review(page: Page) -> None:
    """Edit the model version of a healthy deployment and open its review; nothing is applied."""
    deployment("query-intent", "edit/")(page)
    field = page.locator("[name='model_version']")
    field.fill(field.input_value() + "-next")
    page.locator("form button.btn-primary").first.click()
    page.wait_for_timeout(3000)


def logs(page: Page) -> None:
    """The lines of all pods of a healthy deployment."""
    deployment("home-feed-ranker prod", "logs/")(page)
    page.get_by_role("button", name="Fetch logs").click()
    page.wait_for_selector("#log-lines", timeout=20_000)
    page.wait_for_timeout(SETTLE_MS)


SHOTS = (
    Shot("login", "", at("/login/")),
    Shot("home", "editor", at("/")),
    Shot("home-empty", "stranger", at("/")),
    Shot("fleet", "editor", at("/fleet/")),
    Shot("fleet-nothing-found", "editor", at("/fleet/?q=no-such-model")),
    Shot("deployment", "editor", deployment("", "")),
    Shot("configuration", "editor", deployment("", "configuration/")),
    Shot("revisions", "editor", deployment("", "revisions/")),
    Shot("cost", "editor", deployment("home-feed-ranker prod", "cost/")),
    Shot("sleep", "editor", deployment("search-ranker dev", "sleep/")),
    Shot("logs", "editor", logs),
    Shot("logs-none", "editor", deployment("", "logs/")),
    Shot("sources", "editor", at("/sources/")),
    Shot("source", "maintainer", deployment("listing-policy prod", "sources/log/")),
    Shot("source-edit", "maintainer", deployment("listing-policy prod", "sources/log/edit/")),
    Shot("activity", "editor", deployment("", "activity/")),
    Shot("new", "editor", at("/deployments/new/")),
    Shot("edit", "editor", deployment("query-intent", "edit/")),
    Shot("review", "editor", review),
    Shot("audit", "auditor", at("/audit/")),
    Shot("clusters", "platform", at("/clusters/")),
    Shot("costs", "platform", at("/costs/")),
    Shot("coverage", "platform", at("/costs/coverage/")),
    Shot("teams", "maintainer", at("/teams/")),
    Shot("profile", "editor", at("/profile/")),
    Shot("missing", "editor", at("/deployments/no.such.thing/")),
    Shot("admin", "platform", at("/admin/")),
)


def main() -> int:
    base = f"http://{LOOPBACK}:{os.environ.get('PORT', '8000')}"
    password = Home.open(home_folder()).secret("demo-password")
    only = set(sys.argv[1:])
    problems: list[str] = []
    FOLDER.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        path = str(SYSTEM_CHROMIUM) if SYSTEM_CHROMIUM.exists() else None
        browser = playwright.chromium.launch(executable_path=path, args=["--disable-dev-shm-usage"])
        for user in sorted({shot.user for shot in SHOTS}):
            shots = [shot for shot in SHOTS if shot.user == user and (not only or shot.name in only)]
            for width_name, (width, height) in (("wide", WIDE), ("narrow", NARROW)):
                if shots:
                    _take(browser, base, password, user, shots, width_name, (width, height), problems)
        browser.close()
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


def _take(
    browser: Browser,
    base: str,
    password: str,
    user: str,
    shots: list[Shot],
    width_name: str,
    size: tuple[int, int],
    problems: list[str],
) -> None:
    context = browser.new_context(
        base_url=base, viewport={"width": size[0], "height": size[1]}, reduced_motion="reduce"
    )
    page = context.new_page()
    page.on("console", lambda message: _note(message, page, problems))
    page.on("pageerror", lambda error: problems.append(f"{page.url}: {error}"))
    if user:
        _log_in(page, user, password)
    for shot in shots:
        for theme in THEMES:
            _set_theme(context, base, theme)
            shot.go(page)
            # A window as tall as the page: bars that stick to its edges stay where a reader expects them.
            tall = max(size[1], page.evaluate("document.documentElement.scrollHeight"))
            page.set_viewport_size({"width": size[0], "height": tall})
            page.screenshot(path=FOLDER / f"{shot.name}-{width_name}-{theme}.png")
            page.set_viewport_size({"width": size[0], "height": size[1]})
            print(f"{shot.name}-{width_name}-{theme}", flush=True)
    context.close()


def _log_in(page: Page, user: str, password: str) -> None:
    page.goto("/login/")
    page.fill("[name='username']", user)
    page.fill("[name='password']", password)
    page.click("main form button")
    page.wait_for_timeout(SETTLE_MS)


def _set_theme(context: BrowserContext, base: str, theme: str) -> None:
    context.add_cookies([{"name": "theme", "value": theme, "url": base}])


def _note(message: ConsoleMessage, page: Page, problems: list[str]) -> None:
    if "Content Security Policy" in message.text:
        problems.append(f"{page.url}: {message.text}")


if __name__ == "__main__":
    sys.exit(main())
