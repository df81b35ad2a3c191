"""The restore drill of docs/operations.md: a dump of a running site, restored beside it by the owner alone."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
from django.db import connections
from psycopg2 import sql

from deployments.models import AuditEvent
from deployments.tests import factories
from embedded.paths import REPOSITORY
from embedded.postgres import installation

pytestmark = pytest.mark.django_db(transaction=True)


def url(role: str, database: str) -> str:
    return os.environ[f"BARISTA_TEST_{role}_URL"].rsplit("/", 1)[0] + f"/{database}"


def as_owner(database: str, *statements: sql.Composable | str) -> None:
    with closing(psycopg2.connect(url("OWNER", database))) as connection:
        connection.autocommit = True
        for statement in statements:
            connection.cursor().execute(statement)


def program(name: str, *arguments: str) -> None:
    done = subprocess.run(
        [str(installation() / "bin" / name), *arguments], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr


def manage(database: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    addresses = {f"BARISTA_TEST_{role}_URL": url(role, database) for role in ("APP", "OWNER")}
    environ = os.environ | addresses | {"DJANGO_SETTINGS_MODULE": "baristaweb.tests.settings"}
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(
        command, cwd=REPOSITORY, env=environ, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.fixture
def restored(tmp_path: Path) -> Iterator[str]:
    """The name of a database restored from a dump of the one in use."""
    factories.make_team("ranking")
    site = str(connections["default"].settings_dict["NAME"])
    name, dump = f"{site}_restored", str(tmp_path / "barista.dump")
    connections.close_all()
    program("pg_dump", "--format=custom", f"--file={dump}", url("OWNER", site))
    database = sql.Identifier(name)
    as_owner("postgres", sql.SQL("CREATE DATABASE {}").format(database))
    try:
        program("pg_restore", "--exit-on-error", f"--dbname={url('OWNER', name)}", dump)
        as_owner(
            name,
            sql.SQL("REVOKE CREATE, TEMPORARY ON DATABASE {} FROM PUBLIC").format(database),
            "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
        )
        yield name
    finally:
        as_owner("postgres", sql.SQL("DROP DATABASE {} WITH (FORCE)").format(database))


def test_a_restored_dump_is_whole_and_guarded(restored: str) -> None:
    head = AuditEvent.objects.order_by("-seq").values_list("seq", "row_hash").first()
    assert head is not None

    migrated = manage(restored, "migrate", "--database=owner", "--check")
    assert migrated.returncode == 0, migrated.stdout + migrated.stderr
    verified = manage(restored, "verify_audit", "--anchor", f"{head[0]}:{head[1]}")
    assert verified.returncode == 0, verified.stdout + verified.stderr

    with closing(psycopg2.connect(url("APP", restored))) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT slug FROM deployments_team")
        assert cursor.fetchall() == [("ranking",)]
        for forbidden in (
            "CREATE TABLE mine ()",
            "CREATE TEMPORARY TABLE mine ()",
            "UPDATE deployments_auditevent SET note = ''",
            "DELETE FROM deployments_auditevent",
        ):
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                cursor.execute(forbidden)
            connection.rollback()


def test_a_backup_from_before_the_newest_anchor_is_seen(restored: str) -> None:
    factories.make_team("later")
    head = AuditEvent.objects.order_by("-seq").values_list("seq", "row_hash").first()
    assert head is not None

    verified = manage(restored, "verify_audit", "--anchor", f"{head[0]}:{head[1]}")
    assert verified.returncode != 0
    assert str(head[0]) in verified.stdout + verified.stderr
