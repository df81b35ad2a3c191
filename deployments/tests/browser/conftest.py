"""A real browser on the real site: Chromium, a live server, a worker and a watch on the test plane."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, connections
from django.db.models import F, Q
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect
from pytest_django.live_server_helper import LiveServer

from deployments import dryrun, observe, podlogs, reconcile
from deployments.kube.api import ClusterError
from deployments.models import Cluster, Deployment, LogRequest, Namespace, Proposal
from deployments.models.requests import Answer
from deployments.tests import factories
from deployments.tests.fixtures import People
from deployments.watch import WatchProcess
from embedded.testing import new_namespace, remove_namespace

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
             "--disable-component-update", "--disable-sync"]  # fmt: skip
REPORT_VIOLATIONS = """addEventListener("securitypolicyviolation",
    (event) => console.error("content security policy: " + event.violatedDirective + " " + event.blockedURI));"""
# A refused or stale form answers 4xx on purpose; the browser calls that a failed resource.
EXPECTED = ("the server responded with a status of 409", "the server responded with a status of 422")

expect.set_options(timeout=20_000)


def chromium() -> str | None:
    """A Chromium of the system; None when only Playwright's own could be there."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="session")
def browser_type_launch_args(playwright: Any) -> dict[str, Any]:
    found = chromium()
    if found is None and not Path(playwright.chromium.executable_path).exists():
        pytest.skip("there is no Chromium: apt-get install chromium, or playwright install chromium")
    return {"executable_path": found, "args": ARGUMENTS}


@dataclass
class Site:
    """The site as one person's browser sees it; `complaints` is what its console said."""

    url: str
    browser: Browser
    complaints: list[str] = field(default_factory=list)
    contexts: list[BrowserContext] = field(default_factory=list)

    def visit(self, name: str = "", *, javascript: bool = True, **options: Any) -> Page:
        """A page of a new browser window, logged in as `name` through the form."""
        context = self.browser.new_context(
            base_url=self.url, java_script_enabled=javascript, viewport={"width": 1280, "height": 900}, **options
        )
        self.contexts.append(context)
        context.add_init_script(REPORT_VIOLATIONS)
        page = context.new_page()
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        if name:
            page.goto("/login/")
            page.get_by_label("User name").fill(name)
            page.get_by_label("Password").fill(factories.PASSWORD)
            page.get_by_role("button", name="Log in").click()
            expect(page.get_by_role("heading", level=1)).not_to_have_text("Log in")
        return page

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not any(known in message.text for known in EXPECTED):
            self.complaints.append(f"{message.location.get('url', '')}: {message.text}")


@pytest.fixture
def own_database(transactional_db: None) -> Iterator[None]:
    """Ends the sessions that the live server's threads keep: the database is cloned anew after the test."""
    yield
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid, 2000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


@pytest.fixture
def site(own_database: None, live_server: LiveServer, browser: Browser) -> Iterator[Site]:
    """No flow may leave an error in the console or break the content security policy."""
    made = Site(url=live_server.url, browser=browser)
    yield made
    for context in made.contexts:
        context.close()
    assert made.complaints == []


@pytest.fixture
def place(people: People, live_cluster: Cluster) -> Iterator[Namespace]:
    """A dev namespace of the search team on the plane."""
    path = Path(os.environ["BARISTA_TEST_ADMIN_KUBECONFIG"])
    name = new_namespace(path, "browser")
    yield factories.make_namespace(team=people.team, cluster=live_cluster, environment="dev", name=name)
    remove_namespace(path, name)


def _answer_once() -> None:
    """What workers do when they are nudged."""
    for proposal_id in Proposal.objects.filter(answer=Answer.WAITING, applied_at=None).values_list("pk", flat=True):
        dryrun.answer(str(proposal_id))
    for request_id in LogRequest.objects.filter(answer=Answer.WAITING).values_list("pk", flat=True):
        podlogs.answer(str(request_id))
    behind = Deployment.objects.filter(~Q(state__observed_generation=F("generation")))
    for deployment_id in behind.values_list("pk", flat=True):
        reconcile.one(deployment_id)
        observe.refresh(deployment_id)


def _work(stopping: threading.Event) -> None:
    while not stopping.wait(0.1):
        with suppress(ClusterError):
            _answer_once()
    connections.close_all()


def _watch(stopping: threading.Event) -> None:
    WatchProcess(stopping).run()


@pytest.fixture
def workers(own_database: None, live_cluster: Cluster, place: Namespace) -> Iterator[None]:
    """A worker and a watch, in threads of this process."""
    stopping = threading.Event()
    parts: tuple[Callable[[threading.Event], None], ...] = (_work, _watch)
    threads = [threading.Thread(target=part, args=(stopping,), name=part.__name__) for part in parts]
    for thread in threads:
        thread.start()
    yield
    stopping.set()
    for thread in threads:
        thread.join(timeout=30)
        assert not thread.is_alive(), f"{thread.name} did not end"
