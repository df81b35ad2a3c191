"""A prefix of many pages: what is new is found by its end, the rest in turn, with few requests each time."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.conf import settings

from baristaweb.lib.clock import now
from deployments.models import Deployment
from observability.domain.sources.template import parse
from observability.ingest import discover, folders, work
from observability.models import LogSource, SourceObject
from observability.store.access import Access, StoreError
from observability.store.listing import Part, list_folders
from observability.tests.importing import fresh
from observability.tests.sources import make_credential, make_root, make_source
from observability.tests.stores import fail, started

pytestmark = pytest.mark.django_db


@pytest.fixture
def serve() -> Iterator[Callable[..., str]]:
    with started() as start:
        yield start


@pytest.fixture
def bucket(tmp_path: Path) -> Path:
    folder = tmp_path / "bucket"
    for name in ("a", "b", "c", "d"):
        (folder / "day" / "deep").mkdir(parents=True, exist_ok=True)
        (folder / "day" / f"{name}.parquet").write_bytes(b"x" * 10)
    (folder / "day" / "deep" / "e.parquet").write_bytes(b"x")
    (folder / "dazy.parquet").write_bytes(b"x")
    return folder


@pytest.fixture(params=["s3", "gs"])
def access(
    request: pytest.FixtureRequest, serve: Callable[..., str], bucket: Path, monkeypatch: pytest.MonkeyPatch
) -> Access:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    if request.param == "gs":
        return Access(root="gs://logs/", kind="gs", endpoint=serve("gcs_server", cwd=bucket))
    key = bucket.parent / "key.json"
    key.write_text(json.dumps({"access_key_id": "one", "secret_access_key": "two"}))
    return Access(root="s3://logs/", kind="s3", endpoint=f"http://{serve('s3_server', str(bucket))}", key_file=str(key))


def names(access: Access, after: str, upto: str = "", *, is_deep: bool = False) -> list[str]:
    start = f"{access.root}day/"
    part = Part(start, is_deep, start + after, start + upto if upto else "")
    found = list_folders([part], access, lambda uri: uri.endswith(".parquet"))
    return [one.uri.removeprefix(start) for one in found.objects]


def test_a_part_of_a_folder_begins_after_a_name_and_ends_with_another(access: Access) -> None:
    assert names(access, "a.parquet") == ["b.parquet", "c.parquet", "d.parquet"]
    assert names(access, "a.parquet", "c.parquet") == ["b.parquet", "c.parquet"]
    assert names(access, "aa", "c") == ["b.parquet"]
    assert names(access, "c.parquet", is_deep=True) == ["d.parquet", "deep/e.parquet"]
    assert names(access, "z") == []


def test_a_part_tells_of_objects_what_the_whole_folder_tells(access: Access) -> None:
    start = f"{access.root}day/"
    (whole, part) = (
        list_folders([one], access, lambda uri: uri.endswith("b.parquet")).objects
        for one in (Part(start, False), Part(start, False, f"{start}a.parquet"))
    )
    assert part == whole


def test_a_store_that_refuses_says_so(access: Access, bucket: Path) -> None:
    fail(bucket, "denied", 100)
    with pytest.raises(StoreError, match="cannot be listed"):
        names(access, "a.parquet")


def test_a_large_prefix_is_asked_for_its_end_and_the_rest_in_turn(
    log_deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "PAGE", 10)
    source = daily(log_deployment)
    at = datetime(2026, 11, 27, 12, tzinfo=UTC)
    know(source, at, 75)
    template = parse(source.location)
    day = f"s3://logs/dt={at:%Y-%m-%d}/"
    seen: set[tuple[str, str]] = set()
    for turn in range(3):
        asked = folders.poll_folders(template, source, at + timedelta(seconds=turn * source.poll_s))
        parts = [one for one in asked if one.uri == day]
        assert (parts[0].after, parts[0].upto) == (f"{day}074.parquet", "")
        assert len(parts) == 2
        seen.add((parts[1].after.removeprefix(day), parts[1].upto.removeprefix(day)))
    assert seen == {("", "029.parquet"), ("029.parquet", "059.parquet"), ("059.parquet", "074.parquet")}


def test_a_source_with_a_marker_lists_the_whole_folder(
    log_deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "PAGE", 10)
    source = daily(log_deployment, marker="_SUCCESS")
    at = datetime(2026, 11, 27, 12, tzinfo=UTC)
    know(source, at, 75)
    asked = folders.poll_folders(parse(source.location), source, at)
    assert [(one.after, one.upto) for one in asked] == [("", "")]


def test_what_lies_beyond_a_part_has_not_vanished(
    importer: work.Importer,
    serve: Callable[..., str],
    log_deployment: Deployment,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setattr(settings, "BARISTA", replace(settings.BARISTA, store_keys=tmp_path))
    (tmp_path / "key.json").write_text(json.dumps({"access_key_id": "one", "secret_access_key": "two"}))
    at = now()
    folder = tmp_path / "bucket" / f"dt={at:%Y-%m-%d}"
    folder.mkdir(parents=True)
    for number in range(75):
        (folder / f"{number:03d}.parquet").write_bytes(b"x")
    endpoint = f"http://{serve('s3_server', str(tmp_path / 'bucket'))}"
    source = daily(log_deployment, credential=make_credential("s3", endpoint=endpoint, file="key.json"))
    discover.poll(source, importer.reader, at=at)
    monkeypatch.setattr(folders, "PAGE", 10)
    (folder / "080.parquet").write_bytes(b"x")
    (folder / "040.parquet").unlink()
    discover.poll(source, importer.reader, at=at.replace(microsecond=0))
    assert SourceObject.objects.filter(source=source).count() == 76
    assert SourceObject.objects.filter(source=source, vanished_at__isnull=False).count() <= 1
    for turn in range(1, 4):
        discover.poll(source, importer.reader, at=at + timedelta(seconds=turn * source.poll_s))
    gone = SourceObject.objects.filter(source=source, vanished_at__isnull=False)
    assert [row.uri.rpartition("/")[2] for row in gone] == ["040.parquet"]


def daily(deployment: Deployment, *, credential: object = None, **fields: object) -> LogSource:
    root = make_root("s3://logs", credential=credential or make_credential("s3"))
    location = "s3://logs/dt={yyyy}-{mm}-{dd}/*.parquet"
    return fresh(make_source(deployment, "s3://logs", root=root, location=location, lateness_s=0, **fields))


def know(source: LogSource, at: datetime, count: int) -> None:
    """Objects of the day, as if they were listed before; the newest first, since rows come in any order."""
    placed = at.replace(hour=0, minute=0, second=0, microsecond=0)
    SourceObject.objects.bulk_create(
        SourceObject(
            source=source, uri=f"s3://logs/dt={at:%Y-%m-%d}/{number:03d}.parquet", size=1, mtime_ns=1, placed_at=placed
        )
        for number in reversed(range(count))
    )
