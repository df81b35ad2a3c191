"""What the database and the actions hold about log sources."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction

from baristaweb.lib.clock import now
from deployments.actions.errors import Refused
from deployments.tests.factories import BY
from observability.actions import objects, sources
from observability.models import Blob, LogSource, SourceSpec
from observability.tests.sources import SPEC, make_spec_row

pytestmark = pytest.mark.django_db


def test_a_spec_version_never_changes(source: LogSource) -> None:
    with pytest.raises(DatabaseError, match="immutable"), transaction.atomic():
        SourceSpec.objects.update(zone="Europe/Amsterdam")
    with pytest.raises(DatabaseError, match="immutable"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM observability_sourcespec")


def test_a_blob_never_changes_but_can_be_collected(db: None) -> None:
    Blob.objects.create(sha256="0" * 64, data=b"states", size=6)
    with pytest.raises(DatabaseError, match="immutable"), transaction.atomic():
        Blob.objects.update(data=b"others")
    assert Blob.objects.all().delete()[0] == 1


def test_a_source_without_an_event_is_refused(source: LogSource) -> None:
    with pytest.raises(DatabaseError, match="no audit event"), transaction.atomic():
        _make_quietly(source)


def _make_quietly(source: LogSource) -> None:
    LogSource.objects.create(deployment=source.deployment, root=source.root, location="file:///x/*", name="quiet")
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_a_spec_that_says_the_same_makes_no_version(source: LogSource) -> None:
    sources.change(source=source, spec=make_spec_row(), based_on=source.version, by=BY)
    assert source.specs.count() == 1


def test_another_spec_is_the_next_version_and_the_old_one_stays(source: LogSource) -> None:
    other = make_spec_row(zone="Europe/Amsterdam")
    changed = sources.change(source=source, spec=other, based_on=source.version, by=BY)
    assert [row.number for row in source.specs.order_by("number")] == [1, 2]
    assert changed.spec == other
    assert source.specs.get(number=1).to_spec() == SPEC


def test_a_change_of_what_somebody_else_changed_meanwhile_is_refused(source: LogSource) -> None:
    sources.pause(source=source, by=BY)
    with pytest.raises(Refused, match="meanwhile"):
        sources.change(source=source, based_on=source.version, by=BY)


def test_a_second_backfill_waits_for_the_first(source: LogSource) -> None:
    objects.backfill(source=source, since=now() - timedelta(days=2), until=now(), by=BY)
    with pytest.raises(Refused, match="runs already"):
        objects.backfill(source=source, since=now() - timedelta(days=2), until=now(), by=BY)


def test_a_removed_source_cancels_its_backfill(source: LogSource) -> None:
    made = objects.backfill(source=source, since=now() - timedelta(days=2), until=now(), by=BY)
    sources.remove(source=source, by=BY)
    made.refresh_from_db()
    assert made.cancelled_at is not None
