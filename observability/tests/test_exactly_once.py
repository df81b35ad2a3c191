"""Whatever is killed, and however files change meanwhile: the counts are those of one clean pass. Really commits."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from django.db import connection

from deployments.tests import factories
from observability.models import LogSource
from observability.tests.trial.files import Files
from observability.tests.trial.run import begin, grow_while_read, kill_at_random, read_twice

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def environ() -> dict[str, str]:
    """What the workers of a trial need to reach this test's database."""
    given = connection.settings_dict
    address = f"{given['USER']}:{given['PASSWORD']}@{given['HOST']}:{given['PORT']}/{given['NAME']}"
    return {
        "BARISTA_TEST_APP_URL": f"postgres://{address}",
        "DJANGO_SETTINGS_MODULE": os.environ["DJANGO_SETTINGS_MODULE"],
    }


@pytest.fixture
def trial(tmp_path: Path) -> tuple[LogSource, Files]:
    user, team = factories.make_user(), factories.make_team()
    namespace = factories.make_namespace(team=team, cluster=factories.make_cluster())
    deployment = factories.make_deployment(author=user, namespace=namespace)
    return begin(deployment, tmp_path / "logs", seed=7)


def test_twenty_kills_change_no_count(trial: tuple[LogSource, Files], environ: dict[str, str]) -> None:
    outcome = kill_at_random(*trial, kills=20, environ=environ)
    assert not outcome.wrong
    assert outcome.workers_killed
    assert outcome.readers_killed


def test_objects_that_are_added_instead_of_replaced_are_noticed(
    trial: tuple[LogSource, Files], environ: dict[str, str]
) -> None:
    outcome = kill_at_random(*trial, kills=3, environ={**environ, "BARISTA_IMPORT_SABOTAGE": "noreplace"})
    assert any("rows" in said for said in outcome.wrong)


def test_each_object_is_counted_by_one_worker(trial: tuple[LogSource, Files], environ: dict[str, str]) -> None:
    assert not read_twice(*trial, environ=environ).wrong


def test_workers_that_do_not_claim_are_noticed(trial: tuple[LogSource, Files], environ: dict[str, str]) -> None:
    outcome = read_twice(*trial, environ={**environ, "BARISTA_IMPORT_SABOTAGE": "noclaim"})
    assert any("were counted" in said for said in outcome.wrong)


def test_a_file_that_grows_while_it_is_read_is_never_counted_in_part(
    trial: tuple[LogSource, Files], environ: dict[str, str]
) -> None:
    assert not grow_while_read(*trial, environ=environ, seconds=6.0).wrong


def test_files_that_are_not_looked_at_again_are_noticed(
    trial: tuple[LogSource, Files], environ: dict[str, str]
) -> None:
    outcome = grow_while_read(*trial, environ={**environ, "BARISTA_IMPORT_SABOTAGE": "norestat"}, seconds=6.0)
    assert any("by hand" in said for said in outcome.wrong)
