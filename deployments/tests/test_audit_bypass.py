"""Ways round `must_audit` that name the right table, and yet are none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg2
import pytest
from django.db import IntegrityError, connection, connections, migrations, transaction
from django.db.migrations.state import ProjectState

from baristaweb.lib.guards import must_audit
from deployments import audit
from deployments.models import AuditEvent, Team, User
from deployments.tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def owner() -> Iterator[Any]:
    """A cursor of the owner's; what it did is there at the end of the block."""
    at = connections["owner"].settings_dict
    made = psycopg2.connect(
        host=at["HOST"], port=at["PORT"], user=at["USER"], password=at["PASSWORD"], dbname=at["NAME"]
    )
    with made, made.cursor() as cursor:
        yield cursor
    made.close()


def refused(statements: str, *parameters: Any) -> None:
    def do() -> None:
        with connection.cursor() as cursor:
            cursor.execute(statements, parameters)

    refused_write(do)


def refused_write(do: Callable[[], object]) -> None:
    with pytest.raises(IntegrityError, match="has no audit event"), transaction.atomic():
        do()


def test_an_event_that_says_it_was_refused_is_no_excuse() -> None:
    team = factories.make_team("one")

    def change() -> None:
        Team.objects.filter(pk=team.pk).update(contact="#new")
        audit.record("permission.refused", team, by=factories.BY, was_allowed=False)

    refused_write(change)


def test_every_column_of_a_user_is_intent_but_the_last_login() -> None:
    user = factories.make_user("ana")
    for field in User._meta.concrete_fields:
        value = {"BigAutoField": "id + 1000", "BooleanField": f"NOT {field.column}", "DateTimeField": "now()"}.get(
            field.get_internal_type(), "'x'"
        )
        statement = f"UPDATE deployments_user SET {field.column} = {value} WHERE id = %s"  # noqa: S608 - names of our own columns
        if field.name == "last_login":
            with connection.cursor() as cursor:
                cursor.execute(statement, [user.pk])
        else:
            refused(statement, user.pk)


def test_a_row_that_gets_another_id_is_two_objects() -> None:
    team = factories.make_team("one")

    def change() -> None:
        Team.objects.filter(pk=team.pk).update(id=team.pk + 1000)
        audit.record("team.changed", Team(pk=team.pk + 1000, name="x"), by=factories.BY)

    refused_write(change)


def test_an_old_event_with_the_number_of_this_transaction_is_no_excuse() -> None:
    """After a restore transaction numbers begin again, and old events hold numbers that are still to come."""
    team = factories.make_team("one")
    with owner() as restored:
        restored.execute("ALTER TABLE deployments_auditevent DISABLE TRIGGER USER")

    def change() -> None:
        with owner() as restored:
            restored.execute("SELECT pg_current_xact_id()")
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_current_xact_id()::text::bigint")
                number = cursor.fetchone()[0]
            restored.execute(
                "UPDATE deployments_auditevent SET txid = %s WHERE object_type = 'team' AND object_id = %s",
                [number, str(team.pk)],
            )
        assert AuditEvent.objects.filter(txid=number, object_type="team", object_id=str(team.pk)).exists()
        Team.objects.filter(pk=team.pk).update(contact="#new")

    refused_write(change)


def test_an_event_recorded_inside_a_savepoint_counts() -> None:
    team = factories.make_team("one")
    with transaction.atomic():
        with transaction.atomic():
            audit.record("team.changed", team, by=factories.BY)
        with transaction.atomic():
            Team.objects.filter(pk=team.pk).update(contact="#new")
    assert Team.objects.get(pk=team.pk).contact == "#new"


def test_an_event_cannot_stand_in_the_way_of_the_next() -> None:
    """An id of the sender's choice would make a later event fail, and with it what it is about."""
    team = factories.make_team("one")
    newest = AuditEvent.objects.order_by("-id")[0]
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO deployments_auditevent SELECT (jsonb_populate_record(event, jsonb_build_object('id', id + 3)))"
            ".* FROM deployments_auditevent AS event WHERE id = %s",
            [newest.pk],
        )
    for name in ("two", "three", "four"):
        factories.make_team(name)
    assert Team.objects.count() == 4
    assert AuditEvent.objects.filter(object_id=str(team.pk), object_type="team").count() == 2


@pytest.mark.django_db(transaction=True, databases=["default", "owner"])
def test_one_call_in_a_migration_guards_a_table_of_any_app() -> None:
    operation = must_audit("somewhere_thing", object_type="thing", ignored=["seen_at"])
    assert isinstance(operation, migrations.RunSQL)
    with owner() as cursor:
        cursor.execute("CREATE TABLE somewhere_thing (id bigint PRIMARY KEY, name text, seen_at timestamptz)")
        cursor.execute("INSERT INTO somewhere_thing VALUES (1, 'as it was')")
        cursor.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON somewhere_thing TO PUBLIC")
    connections["owner"].close()
    with connections["owner"].schema_editor() as editor:
        operation.database_forwards("deployments", editor, ProjectState(), ProjectState())
    connections["owner"].close()
    refused("UPDATE somewhere_thing SET name = 'changed'")
    refused("DELETE FROM somewhere_thing")
    refused("INSERT INTO somewhere_thing VALUES (2, 'new')")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE somewhere_thing SET seen_at = now()")
    connections["owner"].close()
    with connections["owner"].schema_editor() as editor:
        operation.database_backwards("deployments", editor, ProjectState(), ProjectState())
    connections["owner"].close()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE somewhere_thing SET name = 'unguarded'")
