"""A change of intent commits only with its own audit event. These tests really commit."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.contrib.auth import user_logged_in
from django.contrib.auth.models import update_last_login
from django.db import DatabaseError, IntegrityError, connection, models, transaction

from deployments import audit
from deployments.actions import records
from deployments.models import (
    AuditEvent,
    Membership,
    Permit,
    RegistryRule,
    Team,
    User,
)
from deployments.tests import factories
from deployments.tests.fixtures import People, Places

pytestmark = pytest.mark.django_db(transaction=True)


def sql(statement: str, *parameters: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


WRITES: dict[str, Callable[[Team], object]] = {
    "save": lambda team: team.save(),
    "update": lambda team: Team.objects.filter(pk=team.pk).update(contact="#new"),
    "bulk_update": lambda team: Team.objects.bulk_update([team], ["contact"]),
    "create": lambda team: Team.objects.create(slug="new", name="New"),
    "bulk_create": lambda team: Team.objects.bulk_create([Team(slug="new", name="New")]),
    "delete": lambda team: team.delete(),
    "raw update": lambda team: sql("UPDATE deployments_team SET contact = '#new' WHERE id = %s", team.pk),
    "raw insert": lambda team: sql("INSERT INTO deployments_team (slug, name, contact) VALUES ('new', 'New', '')"),
    "raw delete": lambda team: sql("DELETE FROM deployments_team WHERE id = %s", team.pk),
}


def update(changed: dict[str, str], row: models.Model) -> None:
    type(row)._default_manager.filter(pk=row.pk).update(**changed)


def test_no_way_of_writing_gets_round_the_log() -> None:
    team = factories.make_team("lonely")
    before = list(Team.objects.values())
    team.contact = "#new"
    for name, write in WRITES.items():
        with pytest.raises(IntegrityError, match="has no audit event"):
            in_a_transaction(write, Team.objects.get(pk=team.pk))
        assert list(Team.objects.values()) == before, name


def in_a_transaction(write: Callable[[Any], object], row: Any) -> None:
    with transaction.atomic():
        write(row)


def test_no_table_of_intent_gets_round_the_log(people: People, places: Places) -> None:
    deployment = factories.make_deployment(author=people.maintainer, namespace=places.dev)
    factories.make_permits(("secret", "store"))
    rows: list[models.Model] = [
        people.team,
        people.editor,
        Membership.objects.get(user=people.viewer),
        places.dev.cluster,
        places.dev,
        factories.make_runtime(),
        factories.make_profile(),
        RegistryRule.objects.all()[0],
        factories.make_metadata_prefix(),
        Permit.objects.get(),
        deployment.model,
        deployment,
    ]
    with connection.cursor() as cursor:
        cursor.execute("SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = 'must_audit'")
        guarded = {row[0] for row in cursor.fetchall()}
    assert {row._meta.db_table for row in rows} <= guarded
    for row in rows:
        column = next(
            field
            for field in row._meta.concrete_fields
            if field.name in {"name", "role", "username", "prefix", "value"}
        )
        changed = {column.attname: "viewer" if column.name == "role" else "changed"}
        if row._meta.model_name == "membership":
            changed = {"role": "maintainer"}
        with pytest.raises(IntegrityError, match="has no audit event"):
            in_a_transaction(partial(update, changed), row)
    with pytest.raises(DatabaseError):
        in_a_transaction(lambda row: row.revisions.update(reason="another"), deployment)


def test_the_event_of_another_object_is_no_excuse() -> None:
    team, other = factories.make_team("one"), factories.make_team("two")

    def change_one_and_record_the_other(row: Team) -> None:
        update({"contact": "#new"}, row)
        audit.record("team.changed", other, by=factories.BY)

    with pytest.raises(IntegrityError, match="has no audit event"):
        in_a_transaction(change_one_and_record_the_other, team)


def test_the_event_of_another_transaction_is_no_excuse() -> None:
    team = factories.make_team("one")
    assert AuditEvent.objects.filter(object_type="team", object_id=str(team.pk)).exists()
    with pytest.raises(IntegrityError, match="has no audit event"):
        in_a_transaction(partial(update, {"contact": "#new"}), team)


def test_an_audited_write_passes_and_says_what_changed() -> None:
    team = factories.make_team("one")
    team.contact = "#new"
    records.save(row=team, by=factories.BY, note="the old channel is closed")
    event = AuditEvent.objects.order_by("-seq")[0]
    assert (event.kind, event.object_name, event.note) == ("team.changed", "One", "the old channel is closed")
    assert event.changes == [{"path": "contact", "label": "Contact", "before": "", "after": "#new"}]
    records.delete(row=team, by=factories.BY)
    assert not Team.objects.filter(slug="one").exists()


def test_a_change_whose_event_fails_is_undone(monkeypatch: pytest.MonkeyPatch) -> None:
    team = factories.make_team("one")

    def fail(*args: Any, **kwargs: Any) -> None:
        raise DatabaseError("the log is full")

    monkeypatch.setattr(audit, "record", fail)
    team.contact = "#new"
    with pytest.raises(DatabaseError):
        records.save(row=team, by=factories.BY)
    assert Team.objects.get(pk=team.pk).contact == ""


def test_logging_in_is_nobodys_intent() -> None:
    user = factories.make_user("ana")
    user_logged_in.send(User, request=None, user=user)
    update_last_login(User, user)
    assert User.objects.get(pk=user.pk).last_login is not None


def test_sequence_numbers_have_no_gap_after_a_rollback() -> None:
    factories.make_team("one")
    with transaction.atomic():
        factories.make_team("two")
        transaction.set_rollback(True)
    factories.make_team("three")
    numbers = list(AuditEvent.objects.order_by("seq").values_list("seq", flat=True))
    assert numbers == list(range(1, len(numbers) + 1))
