"""The page of the audit log's verification: asked for there, answered by a worker, never in the request."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from baristaweb.lib.clock import now
from deployments.actions import audit_checks
from deployments.audit import Actor
from deployments.models import AuditCheck, AuditEvent
from deployments.queries import audit_chain
from deployments.tests.fixtures import People

ClientAs = Callable[[str], Client]
PAGE = "audit-verification"
NONE = audit_chain.Anchor(0, audit_chain.GENESIS)


@pytest.fixture
def intact(monkeypatch: pytest.MonkeyPatch) -> None:
    """The verification itself needs a transaction of its own: test_audit_verify.py."""

    def verify() -> audit_chain.Checked:
        newest = AuditEvent.objects.order_by("-seq").first()
        return audit_chain.Checked(audit_chain.Anchor(newest.seq, newest.row_hash) if newest else NONE, ())

    monkeypatch.setattr(audit_chain, "verify", verify)


@pytest.mark.usefixtures("intact")
def test_a_worker_answers_what_the_page_asked(
    client_as: ClientAs, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    auditor = client_as("auditor")
    assert "Not verified yet" in auditor.get(reverse(PAGE)).content.decode()
    with monkeypatch.context() as patch:
        patch.setattr(audit_chain, "verify", lambda *anchors: pytest.fail("verified in the request"))
        auditor.post(reverse(PAGE))
        auditor.post(reverse(PAGE))
        assert "A worker verifies the log" in auditor.get(reverse(PAGE)).content.decode()
    row = AuditCheck.objects.get()
    audit_checks.answer(row.pk)
    newest = AuditEvent.objects.order_by("-seq")[0]
    page = " ".join(auditor.get(reverse(PAGE)).content.decode().split())
    assert f"The audit log is intact: {newest.seq} entries" in page
    assert f"{newest.seq}:{newest.row_hash}" in page
    assert "auditor" in page


def test_only_those_who_see_all_may_ask(client_as: ClientAs, people: People) -> None:
    answer = client_as("maintainer").post(reverse(PAGE))
    assert answer.status_code == 403
    assert "platform admin" in answer.content.decode()
    assert not AuditCheck.objects.exists()


def test_what_was_altered_is_told_to_those_who_see_all(client_as: ClientAs, people: People) -> None:
    AuditCheck.objects.create(asked_by="relay", answer="done", answered_at=now(), findings=["Event 3 was altered."])
    assert "Event 3 was altered." in client_as("auditor").get(reverse(PAGE)).content.decode()
    others = client_as("viewer").get(reverse(PAGE)).content.decode()
    assert "does not verify: 1 problem" in others
    assert "Event 3" not in others


@pytest.mark.django_db
@pytest.mark.usefixtures("intact")
def test_the_log_is_checked_once_a_day() -> None:
    at = now()
    audit_checks.ask_daily(at=at)
    audit_checks.ask_daily(at=at)
    first = AuditCheck.objects.get()
    audit_checks.answer(first.pk)
    audit_checks.ask_daily(at=at + timedelta(hours=25))
    assert AuditCheck.objects.count() == 2


@pytest.mark.django_db
def test_a_check_that_breaks_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    row = audit_checks.ask(by=Actor.system("relay"))

    def broken() -> None:
        raise RuntimeError

    monkeypatch.setattr(audit_chain, "verify", broken)
    audit_checks.answer(row.pk)
    row.refresh_from_db()
    assert row.answer == "failed"
    assert not row.is_intact
