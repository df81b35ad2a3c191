"""Objects in S3 and Google Cloud Storage, and stores that throttle, fail, cut and refuse: nothing is half counted."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from django.conf import settings

from baristaweb.lib.clock import now
from deployments.models import Deployment
from observability.ingest import work
from observability.models import LogSource, SourceObject, SourceState
from observability.tests.importing import count_due, counts, fresh, hour_ago, put, read, rows
from observability.tests.sources import make_credential, make_root, make_source
from observability.tests.stores import fail, started

pytestmark = pytest.mark.django_db
KEY = {"access_key_id": "one", "secret_access_key": "two"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What the stores hold."""
    (tmp_path / "bucket").mkdir()
    return tmp_path / "bucket"


@pytest.fixture
def serve() -> Iterator[Callable[..., str]]:
    with started() as start:
        yield start


@pytest.fixture
def in_s3(
    serve: Callable[..., str], folder: Path, log_deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> LogSource:
    """A source in the bucket `logs`, read with a key of the platform team."""
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setattr(settings, "BARISTA", replace(settings.BARISTA, store_keys=folder.parent))
    (folder.parent / "key.json").write_text(json.dumps(KEY))
    key = make_credential("s3", endpoint=f"http://{serve('s3_server', str(folder))}", file="key.json")
    root = make_root("s3://logs", credential=key)
    return make_source(log_deployment, "s3://logs", root=root, lateness_s=0)


@pytest.fixture
def in_gcs(serve: Callable[..., str], folder: Path, log_deployment: Deployment) -> LogSource:
    """The same in Google Cloud Storage, without a key."""
    key = make_credential("gs", endpoint=serve("gcs_server", cwd=folder), file="")
    return make_source(log_deployment, "gs://logs", root=make_root("gs://logs", credential=key), lateness_s=0)


@pytest.fixture(params=["in_s3", "in_gcs"])
def source(request: pytest.FixtureRequest) -> LogSource:
    """In either store."""
    found: LogSource = request.getfixturevalue(request.param)
    return found


def test_objects_of_s3_are_counted_like_files(importer: work.Importer, in_s3: LogSource, folder: Path) -> None:
    hour = hour_ago(2)
    put(folder / "a.parquet", rows(hour, 30))
    put(folder / "b.parquet", rows(hour, 12))
    read(importer, in_s3)
    assert counts(in_s3) == {(hour, "1"): 42}
    assert all(SourceObject.objects.filter(source=in_s3).values_list("etag", flat=True))


def test_an_object_of_s3_that_is_listed_again_is_not_read_again(
    importer: work.Importer, in_s3: LogSource, folder: Path
) -> None:
    put(folder / "a.parquet", rows(hour_ago(2), 30))
    read(importer, in_s3)
    read(importer, in_s3)
    assert SourceObject.objects.get(source=in_s3).folds == 1


@pytest.mark.parametrize("what", ["503", "429"])
def test_a_store_that_throttles_a_while_delays_and_loses_nothing(
    importer: work.Importer, source: LogSource, folder: Path, what: str
) -> None:
    hour = hour_ago(2)
    put(folder / "a.parquet", rows(hour, 30))
    fail(folder, what, 2)
    for _ in range(3):
        read(importer, source)
    assert counts(source) == {(hour, "1"): 30}


@pytest.mark.parametrize("what", ["503", "denied", "expired"])
def test_a_listing_that_fails_is_said_and_tried_again(
    importer: work.Importer, source: LogSource, folder: Path, what: str
) -> None:
    hour = hour_ago(2)
    put(folder / "a.parquet", rows(hour, 30))
    fail(folder, what, 1_000)
    read(importer, source)
    state = SourceState.objects.get(source=source)
    assert "cannot be listed" in state.error
    assert state.failures == 1
    assert state.next_poll_at > now()
    fail(folder, what, 0)
    read(importer, source)
    state.refresh_from_db()
    assert (state.error, state.failures) == ("", 0)
    assert counts(source) == {(hour, "1"): 30}


@pytest.mark.parametrize("what", ["503", "denied", "expired", "reset", "cut"])
def test_a_store_that_fails_in_the_middle_of_reading_parks_nothing(
    importer: work.Importer, source: LogSource, folder: Path, what: str
) -> None:
    hour = hour_ago(2)
    put(folder / "a.parquet", rows(hour, 30))
    work.discover.poll(fresh(source), importer.reader, at=now())
    fail(folder, what, 1_000)
    count_one(importer)
    row = SourceObject.objects.get(source=source)
    assert row.state == SourceObject.State.RETRYING
    assert row.tries == 0
    assert row.reason
    assert not counts(source)
    fail(folder, what, 0)
    count_due(importer)
    assert counts(source) == {(hour, "1"): 30}


def count_one(importer: work.Importer) -> None:
    row = work.claims.claim_next(at=now())
    assert row is not None
    importer.handle(row)


def test_objects_of_google_cloud_storage_are_counted_like_files(
    importer: work.Importer, in_gcs: LogSource, folder: Path
) -> None:
    hour = hour_ago(2)
    put(folder / "a.parquet", rows(hour, 30))
    read(importer, in_gcs)
    assert counts(in_gcs) == {(hour, "1"): 30}
