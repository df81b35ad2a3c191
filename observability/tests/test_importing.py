"""From objects to windows: what is counted, what is replaced, and what is said of the rest."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from baristaweb.lib.clock import now
from deployments.models import Deployment
from deployments.tests import factories
from deployments.tests.factories import BY
from observability.actions import objects, sources
from observability.ingest import claims, work
from observability.models import LogSource, SourceFinding, SourceObject, SourceState, StoredWindow
from observability.queries.windows import in_range
from observability.tests.importing import count_due, counts, fresh, hour_ago, keep, put, read, rows
from observability.tests.sources import make_source, make_spec_row

pytestmark = pytest.mark.django_db
State = SourceObject.State


def only(source: LogSource) -> SourceObject:
    return SourceObject.objects.get(source=source)


def test_rows_are_counted_by_hour_and_version(importer: work.Importer, source: LogSource, tmp_path: Path) -> None:
    hour, before = hour_ago(2), hour_ago(3)
    put(tmp_path / "a.parquet", rows(hour, 30))
    put(tmp_path / "b.parquet", rows(hour, 12, version="2"))
    put(tmp_path / "c.parquet", rows(before, 5))
    read(importer, source)
    assert counts(source) == {(hour, "1"): 30, (hour, "2"): 12, (before, "1"): 5}


def test_pages_get_the_states_of_all_objects_merged(
    importer: work.Importer, source: LogSource, log_deployment: Deployment, tmp_path: Path
) -> None:
    hour = hour_ago(2)
    put(tmp_path / "a.parquet", rows(hour, 30, country="de"))
    put(tmp_path / "b.parquet", rows(hour, 12, country="fr"))
    read(importer, source)
    (window,) = in_range(log_deployment, hour, hour + timedelta(hours=1))
    assert window.rows == 42
    assert window.states["country"].table.counts.tolist() == [30, 12]  # type: ignore[union-attr]


def test_an_object_that_is_delivered_again_changes_nothing(
    importer: work.Importer, source: LogSource, tmp_path: Path
) -> None:
    hour = hour_ago(2)
    path = put(tmp_path / "a.parquet", rows(hour, 30))
    read(importer, source)
    before = StoredWindow.objects.get(source=source)
    put(path, rows(hour, 30), age_s=30)
    read(importer, source)
    after = StoredWindow.objects.get(source=source)
    assert only(source).folds == 2
    assert (after.rows, after.replaced_at) == (30, before.replaced_at)


def test_an_object_that_was_replaced_counts_as_it_is(
    importer: work.Importer, source: LogSource, tmp_path: Path
) -> None:
    hour, other = hour_ago(2), hour_ago(4)
    path = put(tmp_path / "a.parquet", rows(hour, 30))
    read(importer, source)
    put(path, rows(other, 7), age_s=30)
    read(importer, source)
    assert counts(source) == {(other, "1"): 7}


@pytest.mark.parametrize(("policy", "left"), [("keep", 30), ("remove", 0)])
def test_what_vanished_is_kept_or_taken_out_as_the_source_says(
    importer: work.Importer, log_deployment: Deployment, tmp_path: Path, policy: str, left: int
) -> None:
    source = make_source(log_deployment, tmp_path, lateness_s=0, vanished=policy)
    path = put(tmp_path / "a.parquet", rows(hour_ago(2), 30))
    read(importer, source)
    path.unlink()
    read(importer, source)
    assert sum(counts(source).values()) == left
    assert SourceFinding.objects.get(source=source, name="vanished_objects").closed_at is None


def test_an_object_that_comes_back_is_counted_again(
    importer: work.Importer, log_deployment: Deployment, tmp_path: Path
) -> None:
    source = make_source(log_deployment, tmp_path, lateness_s=0, vanished="remove")
    hour = hour_ago(2)
    path = put(tmp_path / "a.parquet", rows(hour, 30))
    read(importer, source)
    path.unlink()
    read(importer, source)
    put(path, rows(hour, 30), age_s=20)
    read(importer, source)
    assert counts(source) == {(hour, "1"): 30}


def test_a_poison_object_is_parked_after_three_tries_and_the_rest_goes_on(
    importer: work.Importer, source: LogSource, tmp_path: Path
) -> None:
    hour = hour_ago(2)
    (tmp_path / "a.parquet").write_bytes(b"PAR1 and no more")
    put(tmp_path / "b.parquet", rows(hour, 10))
    read(importer, source)
    bad = SourceObject.objects.get(source=source, uri__endswith="a.parquet")
    assert (bad.state, bad.tries, bad.due_at) == (State.PARKED, 3, None)
    assert "a.parquet" in bad.reason
    assert "not Parquet" in bad.reason
    assert counts(source) == {(hour, "1"): 10}


def test_a_parked_object_is_read_when_somebody_asks_for_it_again(
    importer: work.Importer, source: LogSource, tmp_path: Path
) -> None:
    (tmp_path / "a.parquet").write_bytes(b"PAR1 and no more")
    read(importer, source)
    hour = hour_ago(2)
    put(tmp_path / "a.parquet", rows(hour, 10))
    objects.again(row=only(source), by=BY)
    count_due(importer)
    assert counts(source) == {(hour, "1"): 10}


def test_a_good_object_that_becomes_damaged_counts_no_more(
    importer: work.Importer, source: LogSource, tmp_path: Path
) -> None:
    path = put(tmp_path / "a.parquet", rows(hour_ago(2), 10))
    read(importer, source)
    path.write_bytes(b"PAR1 and no more")
    read(importer, source)
    assert only(source).state == State.PARKED
    assert not counts(source)


def test_an_object_that_kills_its_readers_is_parked(importer: work.Importer, source: LogSource, tmp_path: Path) -> None:
    put(tmp_path / "a.parquet", rows(hour_ago(2), 10))
    work.discover.poll(fresh(source), importer.reader, at=now())
    SourceObject.objects.filter(source=source).update(starts=claims.STARTS)
    count_due(importer)
    assert only(source).state == State.PARKED


def test_an_object_that_is_left_out_counts_no_more(importer: work.Importer, source: LogSource, tmp_path: Path) -> None:
    put(tmp_path / "a.parquet", rows(hour_ago(2), 10))
    read(importer, source)
    objects.leave_out(row=only(source), by=BY)
    read(importer, source)
    assert not counts(source)
    assert only(source).state == State.LEFT_OUT


def test_who_lost_the_claim_lands_nothing(importer: work.Importer, source: LogSource, tmp_path: Path) -> None:
    put(tmp_path / "a.parquet", rows(hour_ago(2), 10))
    work.discover.poll(fresh(source), importer.reader, at=now())
    row = claims.claim_next(at=now())
    assert row is not None
    assert claims.claim_next(at=now()) is None
    other = claims.claim_next(at=now() + timedelta(minutes=5))
    assert other is not None
    importer.handle(row)
    assert not counts(source)
    importer.handle(other)
    assert sum(counts(source).values()) == 10


def test_nothing_of_a_paused_source_is_claimed(importer: work.Importer, source: LogSource, tmp_path: Path) -> None:
    put(tmp_path / "a.parquet", rows(hour_ago(2), 10))
    work.discover.poll(fresh(source), importer.reader, at=now())
    sources.pause(source=source, by=BY)
    assert claims.claim_next(at=now()) is None
    sources.resume(source=source, by=BY)
    assert claims.claim_next(at=now()) is not None


def test_sources_are_served_in_turn(importer: work.Importer, log_deployment: Deployment, tmp_path: Path) -> None:
    made = [make_source(log_deployment, tmp_path / name, lateness_s=0) for name in "ab"]
    for source, name in zip(made, "ab", strict=True):
        for number in range(3):
            put(tmp_path / name / f"{number}.parquet", rows(hour_ago(2), 10))
        work.discover.poll(fresh(source), importer.reader, at=now())
    turns = []
    for _ in range(4):
        row = claims.claim_next(at=now())
        assert row is not None
        turns.append(row.source_id)
    assert turns[0] != turns[1]
    assert turns[:2] == turns[2:]


def dated(log_deployment: Deployment, folder: Path, **fields: object) -> LogSource:
    """A source of one folder an hour."""
    folder.mkdir(exist_ok=True)
    location = f"file://{folder}/dt={{yyyy}}-{{mm}}-{{dd}}/hh={{hh}}/*.parquet"
    return make_source(log_deployment, folder, location=location, **{"lateness_s": 3_600, **fields})  # type: ignore[arg-type]


def test_old_objects_wait_for_a_backfill_and_fresh_ones_go_first(
    importer: work.Importer, log_deployment: Deployment, tmp_path: Path
) -> None:
    source = dated(log_deployment, tmp_path / "logs")
    old, new = hour_ago(50), hour_ago(0)
    for hour, name in ((old, "old"), (new, "new")):
        put(tmp_path / f"logs/dt={hour:%Y-%m-%d}/hh={hour:%H}/{name}.parquet", rows(hour, 10))
    read(importer, source, sweep=True)
    assert counts(source) == {(new, "1"): 10}
    made = objects.backfill(source=source, since=old - timedelta(days=1), until=now(), by=BY)
    work.backfills.find(fresh(source), importer.reader, at=now(), is_over=lambda: False)
    made.refresh_from_db()
    assert made.objects_all == 2
    put(tmp_path / f"logs/dt={new:%Y-%m-%d}/hh={new:%H}/newer.parquet", rows(new, 3))
    work.discover.poll(fresh(source), importer.reader, at=now())
    first = claims.claim_next(at=now())
    assert first is not None
    assert first.uri.endswith("newer.parquet")
    importer.handle(first)
    count_due(importer)
    work.backfills.progress(fresh(source), now())
    made.refresh_from_db()
    assert counts(source) == {(new, "1"): 13, (old, "1"): 10}
    assert made.finished_at is not None
    assert made.rows_done == 20


def test_one_slot_is_never_taken_by_backfills(
    importer: work.Importer, log_deployment: Deployment, tmp_path: Path
) -> None:
    source = dated(log_deployment, tmp_path / "logs")
    for hours in (50, 51):
        hour = hour_ago(hours)
        put(tmp_path / f"logs/dt={hour:%Y-%m-%d}/hh={hour:%H}/old.parquet", rows(hour, 10))
    objects.backfill(source=source, since=hour_ago(60), until=now(), by=BY)
    work.backfills.find(fresh(source), importer.reader, at=now(), is_over=lambda: False)
    assert claims.claim_next(at=now()) is not None
    assert claims.claim_next(at=now()) is None


def test_a_cancelled_backfill_keeps_what_it_has_counted(
    importer: work.Importer, log_deployment: Deployment, tmp_path: Path
) -> None:
    source = dated(log_deployment, tmp_path / "logs")
    for hours in (50, 51):
        hour = hour_ago(hours)
        put(tmp_path / f"logs/dt={hour:%Y-%m-%d}/hh={hour:%H}/old.parquet", rows(hour, 10))
    made = objects.backfill(source=source, since=hour_ago(60), until=now(), by=BY)
    work.backfills.find(fresh(source), importer.reader, at=now(), is_over=lambda: False)
    row = claims.claim_next(at=now())
    assert row is not None
    importer.handle(row)
    objects.cancel(backfill=made, by=BY)
    assert claims.claim_next(at=now()) is None
    assert sum(counts(source).values()) == 10


def test_objects_of_a_folder_wait_for_its_marker(
    importer: work.Importer, log_deployment: Deployment, tmp_path: Path
) -> None:
    source = dated(log_deployment, tmp_path / "logs", marker="_SUCCESS")
    hour = hour_ago(0)
    path = put(tmp_path / f"logs/dt={hour:%Y-%m-%d}/hh={hour:%H}/a.parquet", rows(hour, 10))
    read(importer, source)
    assert only(source).state == State.WAITING
    (path.parent / "_SUCCESS").touch()
    read(importer, source)
    assert counts(source) == {(hour, "1"): 10}


def test_a_late_object_of_a_closed_prefix_is_found_by_the_sweep(
    importer: work.Importer, log_deployment: Deployment, tmp_path: Path
) -> None:
    source = dated(log_deployment, tmp_path / "logs")
    hour = hour_ago(50)
    put(tmp_path / f"logs/dt={hour:%Y-%m-%d}/hh={hour:%H}/late.parquet", rows(hour, 10), age_s=-1)
    read(importer, source)
    assert not counts(source)
    read(importer, source, sweep=True)
    assert counts(source) == {(hour, "1"): 10}


def test_open_windows_are_counted_anew_by_a_new_spec_and_closed_ones_keep_theirs(
    importer: work.Importer, log_deployment: Deployment, tmp_path: Path
) -> None:
    source = make_source(log_deployment, tmp_path, lateness_s=3_600)
    closed, still = hour_ago(5), hour_ago(0)
    put(tmp_path / "closed.parquet", rows(closed, 10))
    put(tmp_path / "open.parquet", rows(still, 20))
    read(importer, source)
    keep(source)
    other = make_spec_row(zone="Asia/Kolkata")
    changed = sources.change(source=fresh(source), spec=other, based_on=fresh(source).version, by=BY)
    count_due(importer)
    found = {(row.start, row.spec_id): row.rows for row in StoredWindow.objects.filter(source=source)}
    first = source.specs.get(number=1)
    assert found[closed, first.pk] == 10
    assert sum(rows for (_, spec), rows in found.items() if spec == changed.spec_id) == 20
    assert (still, first.pk) not in found


def test_a_root_that_is_switched_off_is_said_and_nothing_is_read(
    importer: work.Importer, source: LogSource, tmp_path: Path
) -> None:
    put(tmp_path / "a.parquet", rows(hour_ago(2), 10))
    root = source.root
    root.is_active = False
    factories.records.save(row=root, by=BY)
    read(importer, source)
    assert "lies outside" in SourceState.objects.get(source=source).error or "No root" in (
        SourceState.objects.get(source=source).error
    )
    assert not SourceObject.objects.filter(source=source).exists()


def test_columns_that_are_missing_are_findings_that_end_by_themselves(
    importer: work.Importer, source: LogSource, tmp_path: Path
) -> None:
    put(tmp_path / "a.parquet", rows(hour_ago(2), 10).drop_columns(["country"]))
    read(importer, source)
    found = SourceFinding.objects.get(source=source)
    assert (found.name, found.column, found.closed_at) == ("missing_column", "country", None)
    put(tmp_path / "b.parquet", rows(hour_ago(2), 10))
    read(importer, source)
    found.refresh_from_db()
    assert found.closed_at is not None
