"""What is kept goes when it was said to go, and refused tries fill nothing."""

from __future__ import annotations

import dataclasses
import threading
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse

from baristaweb.lib.clock import now
from baristaweb.lib.relay import Relay
from deployments import errands
from deployments.actions import logins, retention
from deployments.models import (
    AuditEvent,
    ClusterEvent,
    Deployment,
    Draft,
    LoginAttempt,
    LogRequest,
    Proposal,
    RefusedTries,
    UsageSample,
)
from deployments.queries.kept import kept
from deployments.tests import factories
from deployments.tests.fixtures import People, Places

pytestmark = pytest.mark.django_db
ClientAs = Callable[[str], Client]


@pytest.fixture
def deployment(people: People, places: Places) -> Deployment:
    return factories.make_deployment(author=people.maintainer, namespace=places.prod)


def limit(monkeypatch: pytest.MonkeyPatch, **changed: Any) -> None:
    monkeypatch.setattr(settings, "BARISTA", dataclasses.replace(settings.BARISTA, **changed))


def test_refused_tries_beyond_the_limit_are_counted_and_told_once(
    client_as: ClientAs, people: People, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit(monkeypatch, refused_events=5)
    viewer, before = client_as("viewer"), AuditEvent.objects.count()
    for _ in range(60):
        answer = viewer.post(reverse("deployment-restart", args=[deployment.slug]), {"note": "now"})
        assert answer.status_code == 403
    refused = AuditEvent.objects.filter(kind="permission.refused", actor_id=people.viewer.pk)
    assert AuditEvent.objects.count() - before == refused.count() == 5
    assert "counted" in refused.order_by("-seq")[0].facts["further_tries"]
    client_as("editor").post(reverse("deployment-restart", args=[deployment.slug]), {"note": "now"})
    assert AuditEvent.objects.filter(kind="permission.refused", actor_id=people.editor.pk).count() == 1
    retention.sweep(at=now())
    assert AuditEvent.objects.count() - before == 6
    retention.sweep(at=now() + timedelta(hours=2))
    told = AuditEvent.objects.filter(kind="permission.refused_often").get()
    assert (told.facts["tries"], told.object_id, told.was_allowed) == (55, str(people.viewer.pk), False)
    assert not RefusedTries.objects.exists()
    assert "counted 55 more denied attempts" in client_as("auditor").get(reverse("audit")).content.decode()


def _questions(deployment: Deployment, people: People, *, old: timedelta) -> dict[str, Any]:
    """A row of each kind, last touched `old` ago."""
    at = now() - old
    rows: dict[str, Any] = {
        "logrequest": LogRequest.objects.create(deployment=deployment, author=people.maintainer, created_at=at),
        "draft": Draft.objects.create(user=people.maintainer, key=uuid.uuid4().hex, data={}, saved_at=at),
        "clusterevent": ClusterEvent.objects.create(
            cluster=deployment.namespace.cluster, deployment=deployment, uid=uuid.uuid4().hex, object_kind="Pod",
            object_name="x", type="Normal", reason="x", message="x", first_at=at, last_at=at,
        ),
        "usagesample": UsageSample.objects.create(deployment=deployment, at=at, cpu_m=1, memory=1, pods=1),
        "session": Session.objects.create(session_key=uuid.uuid4().hex, session_data="x", expire_date=at),
        "loginattempt": LoginAttempt.objects.create(key=uuid.uuid4().hex, failures=1, window_started_at=at),
    }  # fmt: skip
    return rows


def test_each_kind_of_row_goes_when_its_time_is_over(deployment: Deployment, people: People) -> None:
    limits = settings.BARISTA
    keeps = {
        "logrequest": timedelta(hours=limits.keep_log_answers_h),
        "draft": timedelta(days=limits.keep_drafts_d),
        "clusterevent": timedelta(days=limits.keep_events_d),
        "usagesample": timedelta(days=limits.keep_samples_d),
        "session": timedelta(0),
        "loginattempt": logins.WINDOW,
    }
    for name, length in keeps.items():
        over = _questions(deployment, people, old=length + timedelta(minutes=1))[name]
        still = _questions(deployment, people, old=length - timedelta(minutes=1))[name]
        retention.sweep(at=now())
        model = type(over)
        assert not model.objects.filter(pk=over.pk).exists(), name
        assert model.objects.filter(pk=still.pk).exists(), name


def test_more_than_a_batch_goes_at_once(deployment: Deployment, people: People) -> None:
    old = now() - timedelta(days=40)
    UsageSample.objects.bulk_create(
        UsageSample(deployment=deployment, at=old - timedelta(minutes=number), cpu_m=1, memory=1, pods=1)
        for number in range(2 * retention.BATCH + 1)
    )
    assert retention.sweep(at=now())["usagesample"] == 2 * retention.BATCH + 1


def test_proposals_go_but_those_of_revisions_stay_without_their_verdict(
    deployment: Deployment, people: People, places: Places
) -> None:
    applied = Proposal.objects.get(revision__deployment=deployment)
    _, dropped, sent = (factories.make_proposal(author=people.editor, namespace=places.dev) for _ in range(3))
    fresh = factories.make_proposal(author=people.editor, namespace=places.dev)
    Proposal.objects.filter(pk=dropped.pk).update(dropped_at=now())
    Proposal.objects.filter(pk=sent.pk).update(sent_at=now(), note="please")
    Proposal.objects.filter(pk=applied.pk).update(verdict={"objects": []})
    later = now() + timedelta(days=settings.BARISTA.keep_proposals_d, minutes=1)
    Proposal.objects.filter(pk=fresh.pk).update(created_at=later)
    retention.sweep(at=later)
    assert set(Proposal.objects.values_list("pk", flat=True)) == {applied.pk, fresh.pk}
    applied.refresh_from_db()
    assert applied.verdict == {}
    event = AuditEvent.objects.filter(kind="proposal.dropped").get()
    assert (event.actor_name, event.note) == ("relay", f"Nobody decided in {settings.BARISTA.keep_proposals_d} days.")
    assert deployment.revisions.get().proposal_id == applied.pk


def test_log_lines_are_not_shown_when_they_should_be_gone(
    client_as: ClientAs, deployment: Deployment, people: People
) -> None:
    """Whether the relay has come by or not."""
    row = LogRequest.objects.create(deployment=deployment, author=people.viewer, answer="done", lines=[])
    page = reverse("deployment-log-lines", args=[deployment.slug, row.pk])
    assert client_as("viewer").get(page).status_code == 200
    LogRequest.objects.filter(pk=row.pk).update(created_at=now() - timedelta(hours=1, seconds=1))
    assert client_as("viewer").get(page).status_code == 404
    download = reverse("deployment-log-download", args=[deployment.slug, row.pk])
    assert client_as("viewer").get(download).status_code == 404


def test_the_relay_sweeps_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[object] = []
    monkeypatch.setattr(retention, "sweep", lambda *, at: done.append(at))
    chores = [chore for chore in errands.CHORES if chore.name == "sweep"]
    one = Relay(threading.Event(), (), chores)
    one.tick()
    one.tick()
    assert len(done) == 1


def test_the_clusters_page_says_how_long_each_is_kept(client_as: ClientAs, monkeypatch: pytest.MonkeyPatch) -> None:
    limit(monkeypatch, keep_drafts_d=12)
    page = client_as("viewer").get(reverse("clusters")).content.decode()
    for rule in kept():
        assert rule.what in page
        assert rule.for_ in page
    assert "12 days" in page
    assert "BARISTA_KEEP_DRAFTS_D" in page
