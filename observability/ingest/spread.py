"""Backfills of sources whose engine is Spark: many objects are claimed and counted at once, and landed one by one."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from typing import Final

from django.conf import settings

from baristaweb.lib.clock import now
from observability.engines import spread
from observability.engines.spark import MASTER, missing
from observability.ingest import claims
from observability.ingest.access import access_for, options_for
from observability.ingest.orders import orders_of
from observability.models import LogSource, SourceObject

MOST: Final = 64  # objects of one run: their states come back together
State = SourceObject.State


def is_for(row: SourceObject) -> bool:
    """Whether it is counted on Spark: without BARISTA_SPARK_MASTER, or without Java, workers count it themselves."""
    is_wanted = row.source.engine == LogSource.Engine.SPARK and not row.is_fresh and row.source.spec is not None
    is_plain = row.state in claims.COUNTABLE and row.starts <= claims.STARTS
    return is_wanted and is_plain and bool(os.environ.get(MASTER)) and not missing()


def with_others(row: SourceObject) -> list[SourceObject]:
    """Other objects of the same backfill too, claimed like it."""
    return [row, *claims.claim_beside(row, at=now(), most=MOST - 1)]


def count_all(rows: Sequence[SourceObject], tell: Callable[[], None]) -> list[spread.Outcome]:
    """What counting gave of each, in order. Raises StoreError when Spark cannot be had: then all wait."""
    every, last = settings.BARISTA.import_lease_s / 3, time.monotonic()

    def renew() -> None:
        nonlocal last
        tell()
        if time.monotonic() - last > every:
            last = time.monotonic()
            for row in rows:  # whoever lost one lands nothing of it
                claims.renew(row)

    jobs = [
        spread.Job(
            uri=row.uri,
            size=row.size,
            access=access_for(row.source),
            orders=orders_of(row),
            options=options_for(row.source),
        )
        for row in rows
    ]
    return spread.count_all(jobs, renew)
