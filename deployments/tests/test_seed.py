"""The demo is made by the product's own rules, once."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from deployments.domain.catalogue import Environment
from deployments.domain.roles import Permission
from deployments.management.seed import finishing, making
from deployments.management.seed.fleet import FLEET
from deployments.management.seed.people import PEOPLE
from deployments.management.seed.shapes import DeploymentPlan
from deployments.models import (
    AuditEvent,
    Cluster,
    Deployment,
    Namespace,
    Proposal,
    Revision,
    Team,
    User,
)

pytestmark = pytest.mark.django_db
PASSWORD = "a password of the demo"


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BARISTA_DEMO_PASSWORD", PASSWORD)
    for name in ("BARISTA_KUBECONFIG", "BARISTA_KUBE_CONTEXT", "SEED"):
        monkeypatch.delenv(name, raising=False)


def seed(*arguments: str) -> str:
    out = StringIO()
    call_command("seed_demo", "--kubeconfig", "/nowhere/kubeconfig", *arguments, stdout=out)
    return out.getvalue()


def test_the_fleet_is_believable_and_made_once() -> None:
    assert f"{len(FLEET)} deployments created" in seed()
    events = AuditEvent.objects.count()
    assert "0 deployments created" in seed()
    assert AuditEvent.objects.count() == events, "the second time changed something"

    fleet = Deployment.objects.related()
    assert fleet.count() == len(FLEET) >= 24
    assert {row.environment for row in fleet} == set(Environment)
    assert {row.team.slug for row in fleet} == {"recommendations", "vision", "ads", "search", "trust-and-safety"}
    images = [row.current.spec["image_override"] or "" for row in fleet if row.current]
    for mark in ("-crash", "-slow", "-oom", "-busy", "registry.invalid/"):
        assert any(mark in image for image in images), mark
    assert fleet.filter(current__spec__profile="gpu-a100").count() == 1  # no node has one
    assert Proposal.objects.filter(applied_at=None, dropped_at=None).exclude(sent_at=None).count() == 1
    assert Revision.objects.exclude(returns_to=None).count() == 2
    assert all(row.revisions.count() == len(plan.edits) + 1 for plan, row in _pairs())


def _pairs() -> list[tuple[DeploymentPlan, Deployment]]:
    demo = Cluster.objects.get(slug=making.CLUSTER)
    found = [(plan, making.find(demo, plan)) for plan in FLEET]
    return [(plan, row) for plan, row in found if row is not None]


def test_every_change_has_an_author_who_may_and_a_reason_in_prod() -> None:
    seed()
    for revision in Revision.objects.select_related("deployment__namespace"):
        assert revision.reason, revision
        events = AuditEvent.objects.filter(deployment_id=revision.deployment_id, facts__revision=revision.number)
        assert events.count() == 1
    assert not AuditEvent.objects.filter(was_allowed=False).exists()
    home = Namespace.objects.get(name="search-prod")
    with pytest.raises(RuntimeError, match="may not"):
        making._may("editor", Permission.REVISION_APPLY, home)


def test_accounts_log_in_and_colleagues_do_not() -> None:
    seed()
    for person in PEOPLE:
        user = User.objects.get(username=person.username)
        assert user.check_password(PASSWORD) is person.can_log_in
        assert user.has_usable_password() is person.can_log_in
    assert User.objects.get(username="platform").is_platform_admin
    assert User.objects.get(username="auditor").is_auditor
    stranger = User.objects.get(username="stranger")
    assert not Deployment.objects.visible_to(stranger).exists()
    assert Deployment.objects.visible_to(User.objects.get(username="viewer")).count() == len(FLEET)


def test_another_password_replaces_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    seed()
    monkeypatch.setenv("BARISTA_DEMO_PASSWORD", "another one of them")
    seed()
    assert User.objects.get(username="editor").check_password("another one of them")
    assert AuditEvent.objects.filter(kind="user.password_changed").count() == 6


def test_without_a_password_one_is_made_and_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BARISTA_DEMO_PASSWORD")
    password = seed().split("stranger: ")[1].split()[0]
    assert User.objects.get(username="viewer").check_password(password)


def test_a_cluster_of_yours_is_registered_and_left_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BARISTA_KUBECONFIG", str(tmp_path / "config"))
    monkeypatch.setenv("BARISTA_KUBE_CONTEXT", "mine")
    assert "Nothing was put into it" in seed()
    row = Cluster.objects.get()
    assert (row.kubeconfig, row.context) == (str(tmp_path / "config"), "mine")
    assert not Namespace.objects.exists()
    assert not Deployment.objects.exists()
    assert Team.objects.count() == 6
    assert "no deployments to finish" in seed("--finish")


def test_without_a_cluster_it_asks_for_one() -> None:
    with pytest.raises(CommandError, match="--kubeconfig FILE"):
        call_command("seed_demo")
    assert not User.objects.exists()


def test_it_names_its_namespaces_without_a_database(django_assert_num_queries: object) -> None:
    names = seed("--namespaces").split()
    assert len(names) == len(set(names)) == 15
    assert "search-prod" in names


def test_finishing_waits_for_the_cluster() -> None:
    with pytest.raises(CommandError, match="without --finish first"):
        seed("--finish")
    seed()
    with pytest.raises(CommandError, match="were not applied within"):
        seed("--finish", "--wait", "0")


def test_what_comes_later_is_done_once() -> None:
    seed()
    demo = Cluster.objects.get()
    for _ in range(2):
        finishing.edit_later(demo, FLEET, print)
        finishing.pause_and_retire(demo, FLEET)
    for field in ("paused_at", "retired_at"):
        assert Deployment.objects.exclude(**{field: None}).count() == 1
    for plan, row in _pairs():
        assert row.revisions.count() == len(plan.edits) + 1 + (plan.later is not None)
