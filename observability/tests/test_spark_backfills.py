"""Backfills on Spark: the same windows, byte for byte, as a worker counts itself; what fails is said like there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from deployments.models import Deployment
from observability.engines import spark, spread
from observability.ingest import claims, work
from observability.models import LogSource, ObjectPart, SourceObject
from observability.store.access import StoreError
from observability.tests.importing import count_due, counts, fresh, hour_ago, put, read, rows
from observability.tests.sources import make_source

pytestmark = pytest.mark.django_db
State = SourceObject.State


@pytest.fixture
def backfill(log_deployment: Deployment, importer: work.Importer, tmp_path: Path) -> LogSource:
    """A source on Spark whose five objects, one of them broken, wait as those of a backfill do."""
    source = make_source(log_deployment, tmp_path, lateness_s=0, engine=LogSource.Engine.SPARK)
    for number in range(4):
        put(tmp_path / f"{number}.parquet", rows(hour_ago(2 + number % 2), 30 + number, version=str(number % 2)))
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 and no more")
    work.discover.poll(fresh(source), importer.reader, at=work.now())
    SourceObject.objects.filter(source=source).update(is_fresh=False)
    return source


def parts(source: LogSource) -> list[Any]:
    fields = ("object__uri", "window__start", "window__version", "rows", "digest", "blob__sha256")
    return sorted(ObjectPart.objects.filter(object__source=source).values_list(*fields))


@pytest.mark.skipif(bool(spark.missing()), reason=spark.missing() or "Spark is here")
def test_spark_and_a_worker_count_the_same_bytes(
    backfill: LogSource, importer: work.Importer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(spark.MASTER, "local[2]")
    row = claims.claim_next(at=work.now())
    assert row is not None
    importer.handle(row)
    assert importer.reader.pid is None or SourceObject.objects.filter(source=backfill, state=State.FOLDED).count() == 4
    on_spark = parts(backfill)
    broken = SourceObject.objects.get(source=backfill, uri__endswith="broken.parquet")
    assert (broken.state, broken.tries) == (State.RETRYING, 1)
    assert broken.reason
    assert not SourceObject.objects.filter(source=backfill, claim__isnull=False).exists()
    monkeypatch.delenv(spark.MASTER)
    ObjectPart.objects.filter(object__source=backfill).delete()
    SourceObject.objects.filter(source=backfill).update(state=State.QUEUED, due_at=work.now())
    count_due(importer)
    assert parts(backfill) == on_spark
    assert len(on_spark) == 4


def test_objects_wait_when_spark_cannot_be_had(
    backfill: LogSource, importer: work.Importer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(spark.MASTER, "spark://127.0.0.1:1")
    monkeypatch.setattr("observability.ingest.spread.missing", lambda: "")

    def none(*_: object) -> None:
        raise StoreError("Spark cannot count: no master")

    monkeypatch.setattr(spread, "count_all", none)
    row = claims.claim_next(at=work.now())
    assert row is not None
    importer.handle(row)
    waiting = SourceObject.objects.filter(source=backfill)
    assert {(one.state, one.tries, one.claim) for one in waiting} == {(State.RETRYING, 0, None)}
    assert all("no master" in one.reason for one in waiting)


def test_fresh_objects_are_a_workers_own(
    log_deployment: Deployment, importer: work.Importer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(spark.MASTER, "spark://127.0.0.1:1")
    source = make_source(log_deployment, tmp_path, lateness_s=0, engine=LogSource.Engine.SPARK)
    put(tmp_path / "a.parquet", rows(hour_ago(2), 30))
    read(importer, source)
    assert counts(source) == {(hour_ago(2), "1"): 30}
