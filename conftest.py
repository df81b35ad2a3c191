"""The suite runs on the real stack: one PostgreSQL, Valkey and control plane a run, one database a worker.

The process that pytest was started as owns the stack; its xdist workers find it through the environment. Every worker
has a clone of one migrated database, made by the owner and used as the app role.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from django.conf import settings
from django.db import connections
from django.test import TransactionTestCase
from environ import FileAwareEnv
from psycopg2 import sql

from embedded.testing import TestStack, start_test_stack

pytest_plugins = ["deployments.tests.fixtures"]

ROOT = Path(__file__).parent
TEMPLATE = "barista"
CREATE_NOTHING = ROOT / "deployments/migrations/sql/create_nothing.sql"
URLS = {
    "BARISTA_TEST_APP_URL": "app_url",
    "BARISTA_TEST_OWNER_URL": "owner_url",
    "BARISTA_TEST_REDIS_URL": "redis_url",
    "BARISTA_TEST_ADMIN_KUBECONFIG": "admin_kubeconfig",
    "BARISTA_TEST_BARISTA_KUBECONFIG": "barista_kubeconfig",
}
# Playwright's synchronous API runs an event loop in the thread that also talks to the database.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

PASSED = pytest.StashKey[bool]()
_stack: TestStack | None = None


def _is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    global _stack
    if not _is_worker(config) and not config.option.collectonly:
        os.environ["BARISTA_TEST_HOME"] = tempfile.mkdtemp(prefix="barista-test-")
        _stack = start_test_stack(Path(os.environ["BARISTA_TEST_HOME"]))
        for name, attribute in URLS.items():
            os.environ[name] = str(getattr(_stack, attribute) or "")
        _migrate(_stack)
    _point_connections()


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Bytes are named by their argument: random ones, or a gzip's time, would give each process other test names."""
    return argname if isinstance(val, bytes) else None


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    session.config.stash[PASSED] = exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the stack; its logs stay when something failed."""
    global _stack
    if _stack is None:
        return
    _stack.stop()
    _stack = None
    if config.stash.get(PASSED, False):
        shutil.rmtree(os.environ["BARISTA_TEST_HOME"], ignore_errors=True)


def _migrate(stack: TestStack) -> None:
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "baristaweb.tests.settings"}
    command = [sys.executable, "manage.py", "migrate", "--database=owner", "--verbosity=0"]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, timeout=120)


def _point_connections() -> None:
    """The settings were read before the stack was up: give the connections its addresses now."""
    for alias, name in {"default": "APP", "locks": "APP", "owner": "OWNER"}.items():
        if url := os.environ.get(f"BARISTA_TEST_{name}_URL"):
            connections[alias].settings_dict.update(FileAwareEnv.db_url_config(url))
    if url := os.environ.get("BARISTA_TEST_REDIS_URL"):
        settings.CELERY_BROKER_URL = url


class WorkerDatabase:
    """This worker's own clone of the migrated database."""

    def __init__(self, name: str) -> None:
        self.name = name

    def clone(self) -> None:
        """Make it anew, with an installation identity of its own."""
        self.drop()
        with self._owner(TEMPLATE, maintenance=True) as cursor:
            # By files: without waiting for the disk that takes half the time of writing it all to the log.
            cursor.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY").format(
                    sql.Identifier(self.name), sql.Identifier(TEMPLATE)
                )
            )
        with self._owner(self.name) as cursor:
            cursor.execute("UPDATE deployments_installation SET uuid = %s", [str(uuid.uuid4())])
            # A copy has the rights of the template's tables, not those of the template itself.
            cursor.execute(
                CREATE_NOTHING.read_text().replace(":app_role", str(connections["default"].settings_dict["USER"]))
            )
        for alias in connections:
            connections[alias].settings_dict["NAME"] = self.name

    def drop(self) -> None:
        """End what a thread of the test left connected, and the database with it.

        Again, where PostgreSQL refuses: a session that is just beginning or ending, or that vacuums, belongs to nobody
        or to the superuser for a moment.
        """
        connections.close_all()
        for _ in range(100):
            try:
                self._end_sessions()
                with self._owner(TEMPLATE, maintenance=True) as cursor:
                    cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(self.name)))
                return
            except psycopg2.errors.InsufficientPrivilege:
                time.sleep(0.1)
        raise TimeoutError(f"{self.name} is still in use after 10 s")

    def _end_sessions(self) -> None:
        """Only the app role may end its own sessions."""
        url = os.environ["BARISTA_TEST_APP_URL"].rsplit("/", 1)[0] + "/postgres"
        with _Autocommit(url) as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                "WHERE datname = %s AND usename = current_user AND pid <> pg_backend_pid()",
                [self.name],
            )

    def _owner(self, database: str, *, maintenance: bool = False) -> Any:
        # Databases are made from `postgres`: the template must have no other session.
        target = "postgres" if maintenance else database
        url = os.environ["BARISTA_TEST_OWNER_URL"].rsplit("/", 1)[0] + "/" + target
        return _Autocommit(url)


class _Autocommit:
    def __init__(self, url: str) -> None:
        self.connection = psycopg2.connect(url)
        self.connection.autocommit = True

    def __enter__(self) -> Any:
        return self.connection.cursor()

    def __exit__(self, *exc: object) -> None:
        self.connection.close()


@pytest.fixture(scope="session")
def worker_database(worker_id: str) -> Iterator[WorkerDatabase]:
    database = WorkerDatabase(f"barista_{worker_id}")
    yield database
    database.drop()


@pytest.fixture(scope="session")
def django_db_setup(worker_database: WorkerDatabase, django_db_blocker: Any) -> Iterator[None]:
    """Instead of Django's: clone, and after a test that committed, clone again, since the audit refuses TRUNCATE."""

    def clone_again(self: TransactionTestCase) -> None:
        worker_database.clone()

    with django_db_blocker.unblock():
        worker_database.clone()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", clone_again)
        yield
