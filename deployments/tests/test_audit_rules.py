"""What the database refuses to the role that the product runs as."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.apps import apps
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from deployments.models import AuditEvent
from deployments.tests.fixtures import People

pytestmark = pytest.mark.django_db

FORBIDDEN = {
    "alter an event": "UPDATE deployments_auditevent SET note = 'nothing happened'",
    "delete events": "DELETE FROM deployments_auditevent",
    "empty the log": "TRUNCATE deployments_auditevent",
    "drop the log": "DROP TABLE deployments_auditevent",
    "switch a trigger off": "ALTER TABLE deployments_auditevent DISABLE TRIGGER ALL",
    "switch must_audit off": "ALTER TABLE deployments_team DISABLE TRIGGER must_audit",
    "drop a trigger": "DROP TRIGGER audit_chain ON deployments_auditevent",
    "skip triggers": "SET session_replication_role = replica",
    "replace the hash": (
        "CREATE OR REPLACE FUNCTION deployments_audit_hash(event deployments_auditevent) RETURNS text "
        "LANGUAGE sql AS $$ SELECT 'x' $$"
    ),
    "move the head": "UPDATE deployments_audit_head SET seq = 0",
    "second head": "INSERT INTO deployments_audit_head (only_row, seq, row_hash) VALUES (false, 0, '')",
    "become the owner": "SET ROLE barista_owner",
    "new identity": "UPDATE deployments_installation SET uuid = gen_random_uuid()",
    "delete a revision": "DELETE FROM deployments_revision",
    "hide a migration": "DELETE FROM django_migrations",
    "another identity": "INSERT INTO deployments_installation (uuid, created_at) VALUES (gen_random_uuid(), now())",
    "in a block": "DO $$ BEGIN UPDATE deployments_audit_head SET seq = 0; END $$",
    "by text in a block": "DO $$ BEGIN EXECUTE 'ALTER TABLE deployments_team DISABLE TRIGGER ALL'; END $$",
    "become another session": "SET SESSION AUTHORIZATION barista_owner",
    "become superuser": "ALTER ROLE CURRENT_USER SUPERUSER",
    "join the owner": "GRANT barista_owner TO CURRENT_USER",
    "replication in a block": "DO $$ BEGIN PERFORM set_config('session_replication_role', 'replica', true); END $$",
    "for every later session": "ALTER ROLE CURRENT_USER SET session_replication_role = replica",
    "lock the head": "SELECT * FROM deployments_audit_head FOR UPDATE",
    "lock the head's table": "LOCK TABLE deployments_audit_head IN ACCESS EXCLUSIVE MODE",
    "wind back the ids": "SELECT setval('deployments_auditevent_id_seq', 1)",
    "copy over the head": "COPY deployments_audit_head FROM PROGRAM 'true'",
    "read a file": "SELECT pg_read_file('/etc/passwd')",
    "write a file": "COPY (SELECT 1) TO '/tmp/barista-copied'",
    "import a file": "SELECT lo_import('/etc/passwd')",
    "run a program": "COPY (SELECT 1) TO PROGRAM 'true'",
    "another language": "CREATE LANGUAGE plperlu",
    "an extension": "CREATE EXTENSION dblink",
    "a trusted extension": "CREATE EXTENSION hstore",
    "a schema": "CREATE SCHEMA evil",
    "a temporary table": "CREATE TEMP TABLE mine (seq bigint)",
    "a temporary view": "CREATE TEMP VIEW deployments_auditevent AS SELECT 1 AS txid",
    "a temporary type": "CREATE TYPE pg_temp.text AS ENUM ('x')",
    "a temporary domain": "CREATE DOMAIN pg_temp.jsonb AS text",
    "a temporary function": "CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "a temporary operator": "CREATE OPERATOR pg_temp.= (FUNCTION = texteq, LEFTARG = text, RIGHTARG = text)",
    "a cast": "CREATE CAST (text AS jsonb) WITH INOUT AS IMPLICIT",
    "a rule": "CREATE RULE r AS ON INSERT TO deployments_auditevent DO INSTEAD NOTHING",
    "a trigger": (
        "CREATE TRIGGER t BEFORE INSERT ON deployments_team FOR EACH ROW "
        "EXECUTE FUNCTION deployments_audit_append_only()"
    ),
    "a trigger of events": "CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION deployments_must_audit()",
    "a policy": "CREATE POLICY p ON deployments_auditevent USING (false)",
    "a publication": "CREATE PUBLICATION p FOR ALL TABLES",
    "another path for a rule": "ALTER FUNCTION deployments_must_audit() SET search_path = pg_temp, public",
    "unguard through the helper": "SELECT deployments_attach_must_audit('deployments_team', 'x', 'id', '{}')",
    "call a rule": "SELECT deployments_must_audit()",
    "take the log": "ALTER TABLE deployments_auditevent OWNER TO CURRENT_USER",
    "inherit from the log": "CREATE TABLE mine () INHERITS (deployments_auditevent)",
    "move the log": "ALTER TABLE deployments_auditevent SET SCHEMA pg_temp",
    "grant to oneself": (
        "GRANT UPDATE ON deployments_audit_head TO CURRENT_USER; UPDATE deployments_audit_head SET seq = 0"
    ),
    "alter an event by merging": (
        "MERGE INTO deployments_auditevent AS e USING (SELECT 1) AS one ON true WHEN MATCHED THEN UPDATE SET note = 'x'"
    ),
    "alter an event by a conflict": (
        "INSERT INTO deployments_auditevent SELECT * FROM deployments_auditevent LIMIT 1 "
        "ON CONFLICT (seq) DO UPDATE SET note = 'x'"
    ),
    "alter a sign-off": "UPDATE deployments_auditreview SET note = 'x'",
}

# Not intent: written by workers, by sessions, or a question to a worker. Every other table must be audited.
MACHINE_WRITTEN = {
    "auditcheck",
    "blob",
    "closedmonth",
    "cloudrequest",
    "clusterevent",
    "clusterhealth",
    "costday",
    "costdue",
    "datahealth",
    "deploymentstate",
    "featurenow",
    "featureverdict",
    "installation",
    "judgedwindow",
    "loginattempt",
    "logrequest",
    "objectpart",
    "nodeday",
    "nodeinterval",
    "observation",
    "opennode",
    "openpod",
    "podinterval",
    "pricepull",
    "proposal",
    "queuestate",
    "referenceshelf",
    "refusedtries",
    "rollout",
    "samplerequest",
    "sleepdecision",
    "sleepentry",
    "sourcefinding",
    "sourceobject",
    "sourcestate",
    "sourceverdict",
    "storedwindow",
    "usagesample",
    "windowshelf",
}
# What a person keeps for themselves: nobody else sees it and nothing runs by it.
PERSONAL = {"draft", "savedview"}
# Refuses every change by a trigger of its own.
APPEND_ONLY = {"auditevent", "auditreview"}


@contextmanager
def refused() -> Iterator[None]:
    """The block fails in the database, and leaves the test's transaction usable."""
    with pytest.raises(DatabaseError), transaction.atomic():
        yield


@pytest.mark.parametrize("statement", FORBIDDEN.values(), ids=list(FORBIDDEN))
def test_the_product_cannot_touch_its_history(people: People, statement: str) -> None:
    before = AuditEvent.objects.count()
    with refused(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert AuditEvent.objects.count() == before > 0


def test_the_product_is_neither_owner_nor_superuser() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper, rolbypassrls, rolcreaterole FROM pg_roles WHERE rolname = current_user")
        assert cursor.fetchone() == (False, False, False)
        cursor.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public' AND tableowner = current_user")
        assert cursor.fetchone() == (0,)


def test_the_product_holds_no_right_that_it_could_pass_on() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT privilege_type, is_grantable FROM information_schema.role_table_grants "
            "WHERE table_name = 'deployments_auditevent' AND grantee = current_user ORDER BY 1"
        )
        assert cursor.fetchall() == [("INSERT", "NO"), ("SELECT", "NO")]


def test_what_an_event_says_about_itself_is_overwritten(people: People) -> None:
    newest = AuditEvent.objects.order_by("-seq").first()
    assert newest is not None
    long_ago = timezone.now().replace(year=2001)
    AuditEvent.objects.bulk_create(
        [
            AuditEvent(
                seq=1, at=long_ago, txid=7, prev_hash="f" * 64, row_hash="e" * 64, kind="team.created", actor_name="x",
                via="web", object_type="team", object_id="0", object_name="x",
            )
        ]
    )  # fmt: skip
    forged = AuditEvent.objects.order_by("-seq").first()
    assert forged is not None
    assert (forged.seq, forged.prev_hash) == (newest.seq + 1, newest.row_hash)
    assert forged.at is not None
    assert forged.at.year > 2001
    assert forged.txid == newest.txid  # the test's own transaction
    assert forged.row_hash not in {"e" * 64, newest.row_hash}


def test_every_table_of_intent_is_guarded() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = 'must_audit' AND tgenabled = 'O'")
        guarded = {row[0] for row in cursor.fetchall()}
    ours = ("deployments", "observability")
    for model in (model for label in ours for model in apps.get_app_config(label).get_models()):
        expected = model._meta.model_name not in MACHINE_WRITTEN | PERSONAL | APPEND_ONLY
        assert (model._meta.db_table in guarded) == expected, f"{model.__name__}: must_audit is missing or too much"
