"""Every URL, asked by every kind of person: what each gets is written down here."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from baristaweb.tests.scene import IDENTITIES, Scene, admin_urls, missing, scene, url_names
from deployments.models import AuditEvent

__all__ = ["scene"]
pytestmark = pytest.mark.django_db

# Name, what it is filled with, method, then the answer to each of IDENTITIES:
#   anonymous, stranger (another team), viewer, editor, maintainer, auditor, platform admin
# 302 for anonymous is the login page. 403 says which role it takes; 404 is what a missing object answers.
MATRIX = """
healthz                    -        GET   200 200 200 200 200 200 200
readyz                     -        GET   200 200 200 200 200 200 200
metrics                    -        GET   403 403 403 403 403 403 403
login                      -        GET   200 302 302 302 302 302 302
logout                     -        POST  302 302 302 302 302 302 302
logout                     -        GET   302 405 405 405 405 405 405
theme                      -        POST  302 302 302 302 302 302 302
theme                      -        GET   405 405 405 405 405 405 405

home                       -        GET   302 200 200 200 200 200 200
fleet                      -        GET   302 200 200 200 200 200 200
fleet-views                -        GET   302 200 200 200 200 200 200
fleet-views                -        POST  302 422 422 422 422 422 422
fleet-view-delete          view     POST  302 404 302 404 404 404 404
audit                      -        GET   302 200 200 200 200 200 200
audit-event                event    GET   302 404 200 200 200 200 200
audit-queue                -        GET   302 200 200 200 200 200 200
audit-verification         -        GET   302 200 200 200 200 200 200
audit-verification         -        POST  302 403 403 403 403 302 302
audit-export               -        GET   302 200 200 200 200 200 200
audit-sign-off             event    POST  302 404 403 403 302 302 302
audit-sign-off-all         -        POST  302 302 302 302 302 302 302
costs                      -        GET   302 200 200 200 200 200 200
cost-days                  -        GET   302 200 200 200 200 200 200
cost-coverage              -        GET   302 403 403 403 403 200 200
cost-budgets               -        GET   302 200 200 200 200 200 200
cost-budgets-at-risk       -        GET   302 200 200 200 200 200 200
cost-budget-new            -        GET   302 200 403 403 200 403 200
cost-budget-new            -        POST  302 422 403 403 422 403 422
cost-budget                budget   GET   302 404 200 200 200 200 200
cost-budget                budget   POST  302 404 403 403 422 403 422
clusters                   -        GET   302 200 200 200 200 200 200
cluster-check              cluster  POST  302 404 302 302 302 302 302
clouds                     -        GET   302 403 403 403 403 403 200
clouds                     -        POST  302 403 403 403 403 403 422
cloud-request              asked    GET   302 403 403 403 403 403 200
cloud-register             asked    POST  302 403 403 403 403 403 422
cloud-check                cluster  POST  302 404 403 403 403 403 302
profile                    -        GET   302 200 200 200 200 200 200
profile                    -        POST  302 302 302 302 302 302 302
password                   -        POST  302 422 422 422 422 422 422
teams                      -        GET   302 200 200 200 200 200 200
team                       team     GET   302 404 200 200 200 200 200
team                       team     POST  302 404 403 403 422 403 422
member-role                member   POST  302 404 403 403 302 403 302
member-remove              member   POST  302 404 403 403 302 403 302
bulk                       -        POST  302 302 302 302 302 302 302

deployment-quick-edit      dev      POST 302 404 403 302 302 403 302
deployment-quick-edit      prod     POST 302 404 403 302 302 403 302
deployment-detail          dev      GET   302 404 200 200 200 200 200
deployment-detail          prod     GET   302 404 200 200 200 200 200
deployment-detail          retired  GET   302 404 200 200 200 200 200
deployment-status          dev      GET   302 404 200 200 200 200 200
deployment-configuration   dev      GET   302 404 200 200 200 200 200
deployment-revisions       dev      GET   302 404 200 200 200 200 200
deployment-cost            dev      GET   302 404 200 200 200 200 200
deployment-cost            prod     GET   302 404 200 200 200 200 200
deployment-cost            retired  GET   302 404 200 200 200 200 200
deployment-activity        dev      GET   302 404 200 200 200 200 200
deployment-logs            dev      GET   302 404 200 200 200 200 200
deployment-logs            dev      POST  302 404 302 302 302 302 302
deployment-log-lines       lines    GET   302 404 200 404 404 404 404
deployment-log-newer       lines    POST  302 404 302 404 404 404 404
deployment-log-download    lines    GET   302 404 200 404 404 404 404

deployment-new             -        GET   302 403 403 200 200 403 200
deployment-new             -        POST  302 403 403 422 422 403 422
deployment-new-draft-discard -      POST  302 302 302 302 302 302 302
deployment-edit            dev      GET   302 404 403 200 200 403 200
deployment-edit            dev      POST  302 404 403 422 422 403 422
deployment-edit            prod     GET   302 404 403 200 200 403 200
deployment-draft-discard   dev      POST  302 404 403 302 302 403 302
deployment-promote         dev      GET   302 404 403 200 200 403 200
deployment-promote         dev      POST  302 404 403 409 409 403 409
deployment-rollback        dev-1    GET   302 404 403 200 200 403 200
deployment-rollback        dev-1    POST  302 404 403 302 302 403 302
deployment-promote         dev      GET   302 404 403 200 200 403 200
deployment-promote         dev      POST  302 404 403 409 409 403 409
deployment-promote         prod     GET   302 404 403 302 302 403 302
deployment-restart         dev      GET   302 404 403 200 200 403 200
deployment-restart         dev      POST  302 404 403 302 302 403 302
deployment-restart         prod     GET   302 404 403 403 200 403 200
deployment-restart         prod     POST  302 404 403 403 409 403 409
deployment-pause           dev      GET   302 404 403 200 200 403 200
deployment-pause           dev      POST  302 404 403 422 422 403 422
deployment-pause           prod     POST  302 404 403 403 422 403 422
deployment-resume          dev      GET   302 404 403 200 200 403 200
deployment-resume          dev      POST  302 404 403 409 409 403 409
deployment-resume          prod     POST  302 404 403 403 409 403 409
deployment-retire          dev      GET   302 404 403 403 200 403 200
deployment-retire          dev      POST  302 404 403 403 302 403 302
deployment-retire          prod     POST  302 404 403 403 409 403 409
deployment-restore         retired  GET   302 404 403 403 200 403 200
deployment-restore         retired  POST  302 404 403 403 302 403 302
deployment-sleep           dev      GET   302 404 200 200 200 200 200
deployment-sleep           prod     GET   302 404 200 200 200 200 200
deployment-sleep           dev      POST  302 404 403 422 422 403 422
deployment-sleep           prod     POST  302 404 403 403 422 403 422
deployment-keep-awake      dev      GET   302 404 403 200 200 403 200
deployment-keep-awake      dev      POST  302 404 403 422 422 403 422
deployment-keep-awake      prod     POST  302 404 403 422 422 403 422
deployment-let-sleep       dev      GET   302 404 403 200 200 403 200
deployment-let-sleep       dev      POST  302 404 403 409 409 403 409
deployment-wake            dev      GET   302 404 403 200 200 403 200
deployment-wake            dev      POST  302 404 403 409 409 403 409
deployment-sleep-exempt    dev      GET   302 404 403 200 200 403 200
deployment-sleep-exempt    dev      POST  302 404 403 422 422 403 422
deployment-sleep-exempt    prod     POST  302 404 403 403 422 403 422
deployment-sleep-force     dev      GET   302 404 403 200 200 403 200
deployment-sleep-force     dev      POST  302 404 403 422 422 403 422
deployment-sleep-force     prod     POST  302 404 403 403 422 403 422
deployment-sleep-end       dev      GET   302 404 403 200 200 403 200
deployment-sleep-end       dev      POST  302 404 403 409 409 403 409
deployment-sleep-restore   dev      GET   302 404 403 200 200 403 200
deployment-sleep-restore   dev      POST  302 404 403 409 409 403 409
deployment-sleep-adopt     dev      GET   302 404 403 200 200 403 200
deployment-sleep-adopt     dev      POST  302 404 403 409 409 403 409
deployment-sleep-feed      dev      GET   302 404 200 200 200 200 200
deployment-wake-now        dev      POST  302 404 403 200 200 403 200
team-sleep-feed            team     GET   302 404 200 200 200 200 200
sleep                      -        GET   302 200 200 200 200 200 200
sleep-weeks                -        GET   302 200 200 200 200 200 200
sleep-rules                -        GET   302 200 200 200 200 200 200
sleep-ledger               -        GET   302 200 200 200 200 200 200
sleep-ledger-export        -        GET   302 200 200 200 200 200 200
sleep-import               -        GET   302 200 200 200 200 200 200
sleep-import               -        POST  302 422 422 422 422 422 422
deployment-try-now         dev      GET   302 404 403 200 200 403 200
deployment-try-now         dev      POST  302 404 403 302 302 403 302
deployment-conflict        dev      GET   302 404 200 200 200 200 200
deployment-conflict        dev      POST  302 404 403 403 422 403 422
deployment-conflict-ask    dev      POST  302 404 403 409 409 403 409

fleet-data                 -        GET   302 200 200 200 200 200 200
deployment-data            dev      GET   302 404 200 200 200 200 200
deployment-data            prod     GET   302 404 200 200 200 200 200
deployment-data-part       dev      GET   302 404 200 200 200 200 200
deployment-per-thousand    dev      GET   302 404 200 200 200 200 200
deployment-features        dev      GET   302 404 200 200 200 200 200
deployment-features        prod     GET   302 404 200 200 200 200 200
deployment-features-export dev      POST  302 404 200 200 200 403 200
deployment-feature         dev-0    GET   302 404 200 200 200 200 200
deployment-feature-export  dev-0    POST  302 404 200 200 200 403 200
deployment-predictions     dev      GET   302 404 200 200 200 200 200
deployment-change-events   dev      GET   302 404 200 200 200 200 200
deployment-change-events   dev      POST  302 404 403 422 422 403 422
deployment-change-events   prod     POST  302 404 403 422 422 403 422
deployment-change-post     dev      POST  401 401 401 401 401 401 401
deployment-change-withdraw told     POST  302 404 403 302 302 403 302
deployment-baseline        dev      GET   302 404 200 200 200 200 200
deployment-baseline        dev      POST  302 404 403 422 422 403 422
deployment-baseline        prod     GET   302 404 200 200 200 200 200
deployment-baseline        prod     POST  302 404 403 403 404 403 404
deployment-revision-data   dev-1    GET   302 404 200 200 200 200 200
sources                    -        GET   302 200 200 200 200 200 200
deployment-sources         dev      GET   302 404 302 302 302 302 302
deployment-sources         prod     GET   302 404 200 200 200 200 200
source-new                 dev      GET   302 404 403 200 200 403 200
source-new                 dev      POST  302 404 403 422 422 403 422
source-new                 prod     GET   302 404 403 403 200 403 200
source-sample              sample   GET   302 404 403 200 404 403 404
source-sample              sample   POST  302 404 403 409 404 403 404
source                     source   GET   302 404 200 200 200 200 200
source-edit                source   GET   302 404 403 200 200 403 200
source-edit                source   POST  302 404 403 422 422 403 422
source-backfill            source   POST  302 404 403 302 302 403 302
source-pause               source   GET   302 404 403 200 200 403 200
source-pause               source   POST  302 404 403 302 302 403 302
source-resume              source   GET   302 404 403 200 200 403 200
source-resume              source   POST  302 404 403 409 409 403 409
source-remove              source   GET   302 404 403 200 200 403 200
source-remove              source   POST  302 404 403 302 302 403 302
source-cancel              source   GET   302 404 403 200 200 403 200
source-cancel              source   POST  302 404 403 409 409 403 409
source-object-again        object   POST  302 404 403 302 302 403 302
source-object-leave-out    object   POST  302 404 403 302 302 403 302

deployment-review          draft    GET   302 404 404 200 404 404 404
deployment-review          sent     GET   302 404 200 200 200 200 200
deployment-review          draft    POST  302 404 404 422 404 404 404
deployment-review          sent     POST  302 404 403 422 422 403 422
deployment-verdict         draft    GET   302 404 404 200 404 404 404
deployment-verdict         sent     GET   302 404 200 200 200 200 200
deployment-merge           draft    GET   302 404 404 302 404 404 404
deployment-merge           sent     GET   302 404 403 302 302 403 302
"""
ROWS = [line.split() for line in MATRIX.splitlines() if line.strip()]
PUBLIC = {"healthz", "readyz", "metrics", "login", "theme", "deployment-change-post"}


def ask(client: Client, method: str, url: str, data: dict[str, Any] | None = None) -> Any:
    """One request whose effects are undone, cookies too, so that rows do not depend on each other."""
    cookies = copy.deepcopy(client.cookies)
    with transaction.atomic():
        # A form that is posted is never quite empty: a browser sends the token.
        answer = client.post(url, data or {"csrfmiddlewaretoken": "x"}) if method == "POST" else client.get(url)
        answer.content if not answer.streaming else b"".join(answer)  # read it while the rows are there
        transaction.set_rollback(True)
    client.cookies = cookies
    return answer


def comparable(answer: Any, url: str) -> bytes:
    """The page without what differs between any two: masked CSRF tokens, the time, and its own address."""
    page = re.sub(rb"\b[A-Za-z0-9]{64}\b|data-now=.[0-9]+.", b"", answer.content)
    return page.replace(url.encode(), b"URL")


def headers_of(answer: Any) -> dict[str, str]:
    """Without the length, which follows from the address in the page."""
    return {name: value for name, value in answer.headers.items() if name != "Content-Length"}


def filled(target: str) -> str:
    return "" if target == "-" else target.replace("-", " ")


def test_every_url_has_a_row() -> None:
    named = {row[0] for row in ROWS}
    assert url_names() - named == set(), "write down who may do this"
    assert named - url_names() == set(), "there is no such URL any more"
    assert all(len(row) == 3 + len(IDENTITIES) for row in ROWS)


@pytest.mark.parametrize("identity", IDENTITIES)
def test_who_gets_what(scene: Scene, client_as: Callable[[str], Client], identity: str) -> None:
    client = client_as(identity)
    wrong = []
    for name, target, method, *codes in ROWS:
        expected = int(codes[IDENTITIES.index(identity)])
        answer = ask(client, method, scene.url(name, filled(target)))
        if answer.status_code != expected:
            wrong.append(f"{method} {name} {target}: {answer.status_code} instead of {expected}")
    assert not wrong, "\n".join(wrong)


def test_anonymous_people_are_sent_to_the_login(scene: Scene, client_as: Callable[[str], Client]) -> None:
    client = client_as("anonymous")
    for name, target, method, *_ in ROWS:
        if name not in PUBLIC:
            location = ask(client, method, scene.url(name, filled(target))).headers["Location"]
            assert location.startswith("/login/?next="), name
    for url in admin_urls():
        assert ask(client, "GET", url).headers["Location"].startswith(("/login/?next=", "/admin/login/?next=")), url


@pytest.mark.parametrize("identity", IDENTITIES[1:])
def test_the_admin_is_the_platform_teams(scene: Scene, client_as: Callable[[str], Client], identity: str) -> None:
    client = client_as(identity)
    for url in admin_urls():
        for method in ("GET", "POST"):
            answer = ask(client, method, url)
            if identity == "platform":
                assert answer.status_code in {200, 302, 403, 405}, (method, url)
                assert not answer.headers.get("Location", "").startswith(("/login", "/admin/login")), (method, url)
            elif "jsi18n" not in url:
                assert answer.status_code == 302, (method, url)
                assert answer.headers["Location"].startswith("/admin/login/"), (method, url)


def test_a_foreign_object_looks_like_a_missing_one(scene: Scene, client_as: Callable[[str], Client]) -> None:
    client = client_as("stranger")
    seen = 0
    for name, target, method, *codes in ROWS:
        if codes[1] != "404":
            continue
        url = scene.url(name, filled(target))
        assert missing(url, scene) != url, f"what is missing in {url}?"
        foreign, absent = ask(client, method, url), ask(client, method, missing(url, scene))
        assert foreign.status_code == absent.status_code == 404, url
        assert comparable(foreign, url) == comparable(absent, missing(url, scene)), url
        assert headers_of(foreign) == headers_of(absent), url
        seen += 1
    assert seen > 20


def test_a_refusal_names_the_role_and_who_has_it(scene: Scene, client_as: Callable[[str], Client]) -> None:
    page = ask(client_as("viewer"), "GET", scene.url("deployment-retire", "dev")).content.decode()
    assert "Maintainer" in page
    assert str(scene.people.maintainer) in page


def test_refused_attempts_are_recorded_and_looking_is_not(scene: Scene, client_as: Callable[[str], Client]) -> None:
    client = client_as("viewer")
    url = scene.url("deployment-restart", "prod")
    before = AuditEvent.objects.count()
    assert client.get(url).status_code == 403
    assert AuditEvent.objects.count() == before
    assert client.post(url, {"note": "x"}).status_code == 403
    event = AuditEvent.objects.order_by("-seq")[0]
    assert AuditEvent.objects.count() == before + 1
    assert (event.kind, event.was_allowed, event.deployment_id) == ("permission.refused", False, scene.prod.pk)
    assert event.facts == {"permission": "deployment.restart", "path": url}
