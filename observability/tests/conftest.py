"""Settings of the property tests: few examples, no deadline, the same on every machine. A source and its importer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from deployments.models import Deployment
from deployments.tests import factories
from deployments.tests.fixtures import People, Places
from observability.ingest import work
from observability.models import LogSource
from observability.tests.sources import make_source

settings.register_profile(
    "barista", max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("barista")


@pytest.fixture(scope="module")
def importer() -> Iterator[work.Importer]:
    """With a reading child that stays for the tests of a module."""
    found = work.Importer()
    yield found
    found.close()


@pytest.fixture
def log_deployment(people: People, places: Places) -> Deployment:
    return factories.make_deployment(author=people.maintainer, namespace=places.dev)


@pytest.fixture
def source(log_deployment: Deployment, tmp_path: Path) -> LogSource:
    """Of all Parquet files in the test's folder, without lateness."""
    return make_source(log_deployment, tmp_path, lateness_s=0)
