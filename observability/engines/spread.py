"""Objects of a backfill, counted side by side on Spark: each by the function that an import worker runs, in a child of
its executor with the same limits, so that what comes back is the same bytes."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from typing import Final

from observability.engines.base import Options
from observability.engines.counting import Counted, Order, count
from observability.engines.spark import spark_session
from observability.store.access import Access, StoreError
from observability.store.children import spawned
from observability.store.sandbox import ChildLimits, die_with, run_limited
from observability.store.warm import answered

POLL_S: Final = 0.5
Outcome = Counted | Exception


@dataclass(frozen=True, kw_only=True)
class Job:
    """One object and how it is counted; executors reach its store and its key's file by the same names as workers."""

    uri: str
    size: int
    access: Access
    orders: Sequence[Order]
    options: Options


def count_all(jobs: Sequence[Job], meanwhile: Callable[[], None]) -> list[Outcome]:
    """What `count` gives or raises for each, in order. Raises StoreError when Spark cannot be had.

    `meanwhile` is called about twice a second; what it raises ends the run.
    """
    child, pipe = spawned(_drive, os.getpid(), list(jobs))
    try:
        while not pipe.poll(POLL_S):
            meanwhile()
        is_good, told = pipe.recv()
    except (EOFError, OSError):
        raise StoreError("Spark ended without an answer") from None
    finally:
        child.kill()
        child.join()
        pipe.close()
    if not is_good:
        raise StoreError(f"Spark cannot count: {told}")
    found: list[Outcome] = told
    return found


def _drive(pipe: Connection, parent: int, jobs: list[Job]) -> None:
    """The driver: a process of its own, since a JVM comes with it."""
    die_with(parent)
    try:
        with spark_session() as session:
            pipe.send((True, session.sparkContext.parallelize(jobs, len(jobs)).map(_counted).collect()))
    except Exception as error:  # whatever ends a session, the objects wait for another
        pipe.send((False, str(error).strip().splitlines()[0][:300]))


def _counted(job: Job) -> Outcome:
    """In an executor."""
    limits = ChildLimits.for_bytes(job.size)
    options = replace(job.options, threads=1)  # Spark shares out the cores
    try:
        found: Outcome = run_limited(answered, count, (job.uri, job.access, job.orders, options), limits=limits)[1]
    except ValueError as error:
        return error
    return found
