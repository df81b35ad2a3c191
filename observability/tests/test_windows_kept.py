"""What becomes of windows: closed and made one blob, opened again, made days, dropped."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from baristaweb.lib.clock import now
from deployments.models import Deployment
from observability.ingest import claims, compact, work
from observability.models import Blob, LogSource, ObjectPart, SourceFinding, SourceObject, StoredWindow
from observability.queries.windows import states_of
from observability.tests.importing import counts, fresh, hour_ago, keep, put, read, rows
from observability.tests.sources import make_source

pytestmark = pytest.mark.django_db


def test_a_window_whose_lateness_has_passed_is_one_blob(
    importer: work.Importer, source: LogSource, tmp_path: Path
) -> None:
    hour = hour_ago(2)
    for name in "abc":
        put(tmp_path / f"{name}.parquet", rows(hour, 10, country=name))
    read(importer, source)
    loose = states_of(StoredWindow.objects.filter(source=source))[0]
    keep(source)
    window = StoredWindow.objects.get(source=source)
    assert window.blob is not None
    assert not ObjectPart.objects.filter(window=window, in_base=False).exists()
    compacted = states_of([window])[0]
    assert compacted.rows == loose.rows == 30
    assert compacted.states["country"].table.counts.tolist() == loose.states["country"].table.counts.tolist()  # type: ignore[union-attr]


def test_a_window_is_not_compacted_before_its_lateness_has_passed(
    importer: work.Importer, log_deployment: Deployment, tmp_path: Path
) -> None:
    source = make_source(log_deployment, tmp_path, lateness_s=6 * 3_600)
    put(tmp_path / "a.parquet", rows(hour_ago(2), 10))
    read(importer, source)
    keep(source)
    assert StoredWindow.objects.get(source=source).state == StoredWindow.State.PROVISIONAL
    assert ObjectPart.objects.get().blob is not None


def test_a_late_object_of_a_compacted_window_is_added_once(
    importer: work.Importer, source: LogSource, tmp_path: Path
) -> None:
    hour = hour_ago(2)
    put(tmp_path / "a.parquet", rows(hour, 10))
    read(importer, source)
    keep(source)
    put(tmp_path / "late.parquet", rows(hour, 5))
    read(importer, source)
    assert counts(source) == {(hour, "1"): 15}
    keep(source)
    assert counts(source) == {(hour, "1"): 15}
    assert StoredWindow.objects.get(source=source).late_at is not None


def test_an_object_of_a_compacted_window_that_is_replaced_has_the_window_counted_anew(
    importer: work.Importer, source: LogSource, tmp_path: Path
) -> None:
    hour = hour_ago(2)
    for name in "abc":
        put(tmp_path / f"{name}.parquet", rows(hour, 10, country=name))
    read(importer, source)
    keep(source)
    put(tmp_path / "b.parquet", rows(hour, 4, country="z"), age_s=20)
    read(importer, source)
    (window,) = states_of(StoredWindow.objects.filter(source=source))
    assert window.row.state != StoredWindow.State.REOPENED
    assert window.rows == 24
    assert dict(zip(window.states["country"].table.values, window.states["country"].table.counts, strict=True)) == {  # type: ignore[union-attr]
        "a": 10,
        "c": 10,
        "z": 4,
    }


def test_until_all_its_objects_are_read_again_a_window_stays_as_it_was(
    importer: work.Importer, source: LogSource, tmp_path: Path
) -> None:
    hour = hour_ago(2)
    for name in "abc":
        put(tmp_path / f"{name}.parquet", rows(hour, 10))
    read(importer, source)
    keep(source)
    put(tmp_path / "b.parquet", rows(hour, 4), age_s=20)
    work.discover.poll(fresh(source), importer.reader, at=now())
    row = claims.claim_next(at=now())
    assert row is not None
    importer.handle(row)
    (window,) = states_of(StoredWindow.objects.filter(source=source))
    assert window.row.state == StoredWindow.State.REOPENED
    assert window.rows == window.states["score"].rows == 30


def test_a_window_whose_other_object_vanished_stays_and_says_so(
    importer: work.Importer, source: LogSource, tmp_path: Path
) -> None:
    hour = hour_ago(2)
    first, second = (put(tmp_path / f"{name}.parquet", rows(hour, 10)) for name in "ab")
    read(importer, source)
    keep(source)
    first.unlink()
    read(importer, source)
    put(second, rows(hour, 4), age_s=20)
    read(importer, source)
    assert counts(source) == {(hour, "1"): 20}
    assert SourceFinding.objects.filter(source=source, name="recount_impossible").exists()


def test_objects_that_vanish_together_are_all_taken_out_of_a_compacted_window(
    importer: work.Importer, log_deployment: Deployment, tmp_path: Path
) -> None:
    hour = hour_ago(2)
    source = make_source(log_deployment, tmp_path, lateness_s=0, vanished=LogSource.Vanished.REMOVE)
    first, second, _ = (put(tmp_path / f"{name}.parquet", rows(hour, 10, country=name)) for name in "abc")
    read(importer, source)
    keep(source)
    assert not ObjectPart.objects.filter(in_base=False).exists()
    first.unlink()
    second.unlink()
    read(importer, source)
    (window,) = states_of(StoredWindow.objects.filter(source=source))
    assert window.row.state != StoredWindow.State.REOPENED
    assert window.rows == 10
    assert window.states["country"].table.values == ("c",)  # type: ignore[union-attr]


def test_an_object_that_is_left_out_stays_so_when_it_vanishes(
    importer: work.Importer, source: LogSource, tmp_path: Path
) -> None:
    hour = hour_ago(2)
    first, _ = (put(tmp_path / f"{name}.parquet", rows(hour, 10)) for name in "ab")
    read(importer, source)
    keep(source)
    SourceObject.objects.filter(uri__endswith="a.parquet").update(state=SourceObject.State.LEFT_OUT, due_at=now())
    first.unlink()
    read(importer, source)
    assert counts(source) == {(hour, "1"): 10}


def test_hours_become_days_that_say_the_same(importer: work.Importer, source: LogSource, tmp_path: Path) -> None:
    day = (now() - timedelta(days=20)).replace(hour=0, minute=0, second=0, microsecond=0)
    for hour in (1, 5, 23):
        put(tmp_path / f"{hour}.parquet", rows(day + timedelta(hours=hour), 10, country=str(hour)))
    read(importer, source)
    keep(source)
    (window,) = states_of(StoredWindow.objects.filter(source=source))
    assert (window.row.length, window.row.start, window.rows) == ("day", day, 30)
    assert window.states["country"].table.counts.tolist() == [10, 10, 10]  # type: ignore[union-attr]


def test_an_object_of_an_hour_that_became_a_day_can_be_replaced(
    importer: work.Importer, source: LogSource, tmp_path: Path
) -> None:
    day = (now() - timedelta(days=20)).replace(hour=0, minute=0, second=0, microsecond=0)
    for hour in (1, 5):
        put(tmp_path / f"{hour}.parquet", rows(day + timedelta(hours=hour), 10))
    read(importer, source)
    keep(source)
    put(tmp_path / "5.parquet", rows(day + timedelta(hours=5), 3), age_s=20)
    read(importer, source)
    assert counts(source) == {(day, "1"): 13}


def test_what_is_older_than_the_retention_is_dropped_and_its_bytes_are_collected(
    importer: work.Importer, log_deployment: Deployment, tmp_path: Path
) -> None:
    source = make_source(log_deployment, tmp_path, lateness_s=0, retention_d=1)
    put(tmp_path / "a.parquet", rows(hour_ago(2), 10))
    read(importer, source)
    later = now() + timedelta(days=3)
    compact.drop(fresh(source), later)
    assert not StoredWindow.objects.filter(source=source).exists()
    assert compact.collect(later) == 1
    assert not Blob.objects.exists()


def test_rows_that_are_older_than_the_retention_make_no_window(
    importer: work.Importer, log_deployment: Deployment, tmp_path: Path
) -> None:
    source = make_source(log_deployment, tmp_path, lateness_s=0, retention_d=1)
    put(tmp_path / "a.parquet", rows(hour_ago(24 * 9), 10))
    read(importer, source)
    assert not counts(source)


def test_bytes_that_are_used_are_not_collected(importer: work.Importer, source: LogSource, tmp_path: Path) -> None:
    put(tmp_path / "a.parquet", rows(hour_ago(2), 10))
    read(importer, source)
    assert compact.collect(now() + timedelta(days=9)) == 0
