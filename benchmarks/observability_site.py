"""A site whose log has many features and windows, its pages timed: see observability_pages.py.

`python -m benchmarks.observability_site FEATURES WINDOWS TIMES`. A day of windows is counted by the product's code and
copied to all days in the database. Standard output gets the seconds and the number of queries of each page.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import django
import numpy as np
import pyarrow as pa
from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext

django.setup()

from baristaweb.lib.clock import now  # noqa: E402  settings first
from deployments.models import User  # noqa: E402
from deployments.tests import factories  # noqa: E402
from observability.domain.profile.shelf import Shelf  # noqa: E402
from observability.domain.propose.propose import propose  # noqa: E402
from observability.domain.specs.spec import FeatureSpec, Spec  # noqa: E402
from observability.evaluation.shelves import keep  # noqa: E402
from observability.models import FeatureNow, JudgedWindow, LogSource, ReferenceShelf, StoredWindow, WindowShelf  # noqa: E402
from observability.tests.folding import fold  # noqa: E402
from observability.tests.sources import make_source, make_spec_row  # noqa: E402
from observability.tests.stored import hour  # noqa: E402

ROWS = 1_000
KINDS = 20  # features of their own; the others are copies under another name
DISTINCT = 24


def main(features: int, windows: int, times: int) -> None:
    client = Client(headers={"host": "localhost"})
    with tempfile.TemporaryDirectory() as folder:
        admin, source = _fill(features, windows, Path(folder))
    client.force_login(admin)
    tab = f"/deployments/{source.deployment.slug}/observability"
    end = hour(now())

    def ranges(days: int) -> str:
        moments = (end - timedelta(days=days), end, end - timedelta(days=2 * days), end - timedelta(days=days))
        names = ("since", "until", "against_since", "against_until")
        return "&".join(f"{name}={at:%Y-%m-%dT%H:%M}" for name, at in zip(names, moments, strict=True))

    paths = {
        "features, worst first": f"{tab}/features/?days=30",
        "features, page 100 by name": f"{tab}/features/?sort=name&page=100&days=30",
        "features, searched": f"{tab}/features/?q=f042&days=30",
        "features, by null rate": f"{tab}/features/?sort=null&days=30",
        "overview": f"{tab}/?days=30",
        "one feature, 24 h against the baseline, explained": f"{tab}/features/7/?days=30",
        "two ranges of 7 days": f"{tab}/features/7/?days=30&{ranges(7)}",
        "two ranges of 15 days": f"{tab}/features/7/?days=30&{ranges(15)}",
        "fleet of data": "/fleet/data/",
    }
    found = {}
    for name, path in paths.items():
        taken = []
        with CaptureQueriesContext(connection) as captured:
            _get(client, path)
        queries = len(captured)
        for _ in range(times):
            began = time.perf_counter()
            _get(client, path)
            taken.append(time.perf_counter() - began)
        found[name] = {"seconds": taken, "queries": queries}
    print(json.dumps(found))


def _get(client: Client, path: str) -> None:
    answer = client.get(path)
    if answer.status_code != 200:
        raise RuntimeError(f"{path}: {answer.status_code}")


def _columns(rng: np.random.Generator) -> dict[str, Any]:
    words = np.array([f"v{code}" for code in range(30)])
    found: dict[str, Any] = {f"k{place}": rng.lognormal(place % 5, 1, ROWS) for place in range(KINDS - 4)}
    found |= {f"k{KINDS - 4 + place}": words[rng.integers(0, 5 + 8 * place, ROWS)] for place in range(4)}
    return found


def _fill(features: int, windows: int, folder: Path) -> tuple[User, LogSource]:
    admin = factories.make_user("platform", is_platform_admin=True)
    team, cluster = factories.make_team(), factories.make_cluster()
    place = factories.make_namespace(team=team, cluster=cluster, environment="dev")
    deployment = factories.make_deployment(author=admin, namespace=place, name="wide")
    rng = np.random.default_rng(0)
    kinds = list(
        propose(pa.table({name: np.concatenate([_columns(rng)[name] for _ in range(8)]) for name in _columns(rng)}))
    )
    named = [_renamed(kinds[number % KINDS], f"f{number:04}") for number in range(features)]
    spec = Spec(tuple(named))
    columns = {"time": {"column": "ts"}, "model_version": "v", "segment": "", "scores": ["f0000"], "predictions": []}
    source = make_source(deployment, folder, spec=make_spec_row(spec, columns=columns))
    if source.spec is None:
        raise RuntimeError("the source has no spec")
    shelves = [_shelf(kinds, spec, rng) for _ in range(DISTINCT)]
    end = hour(now())
    rows = StoredWindow.objects.bulk_create(
        [
            StoredWindow(
                source=source,
                spec=source.spec,
                version="1",
                length="hour",
                start=end - timedelta(hours=windows - at),
                end=end - timedelta(hours=windows - at - 1),
                state="closed",
                rows=ROWS,
            )
            for at in range(windows)
        ]
    )
    for number, row in enumerate(rows):
        shelf = shelves[number % DISTINCT]
        WindowShelf.objects.create(
            window=row, offsets=list(shelf.offsets), data=shelf.data, replaced_at=row.replaced_at
        )
    states = [fold(named[number], pa.array(_columns(rng)[f"k{number % KINDS}"])) for number in range(KINDS)]
    reference = keep(
        source.spec,
        "bench",
        "a baseline",
        [_as(states[n % KINDS], named[n]) for n in range(features)],
        rows=ROWS,
        windows=1,
    )
    judged = _judged(source, rows, reference)
    _verdicts(source, judged, features)
    _now(source, spec)
    with connections["owner"].cursor() as cursor:
        for table in ("featureverdict", "featurenow", "windowshelf"):
            cursor.execute(f"VACUUM ANALYZE observability_{table}")  # as autovacuum does
    return admin, source


def _judged(source: LogSource, rows: list[StoredWindow], reference: ReferenceShelf) -> list[JudgedWindow]:
    return JudgedWindow.objects.bulk_create(
        [
            JudgedWindow(
                source=source,
                spec=source.spec,
                reference=reference,
                version="1",
                start=row.start,
                end=row.end,
                rows=ROWS,
                verdict="stable",
                moved=3,
            )
            for row in rows
        ]
    )


def _renamed(spec: FeatureSpec, name: str) -> FeatureSpec:
    return FeatureSpec.from_json(spec.to_json() | {"name": name})


def _as(state: Any, spec: FeatureSpec) -> Any:
    """A state counted under another name: only the digest tells."""
    fields = {name: getattr(state, name) for name in type(state).__slots__}
    return type(state)(**fields | {"digest": spec.digest})


def _shelf(kinds: list[FeatureSpec], spec: Spec, rng: np.random.Generator) -> Shelf:
    found = _columns(rng)
    states = [fold(kind, pa.array(found[kind.name])) for kind in kinds]
    return Shelf.of([_as(states[number % KINDS], feature) for number, feature in enumerate(spec)])


def _verdicts(source: LogSource, judged: list[JudgedWindow], features: int) -> None:
    """A row a feature and window, made in the database."""
    with connection.cursor() as cursor:
        for row in judged:
            cursor.execute(
                "INSERT INTO observability_featureverdict (judged_id, spec_id, place, start, verdict, statistic, value,"
                " uncertainty, floor, threshold, null_rate, levels, reason)"
                " SELECT %s, %s, place, %s, 'stable', 'psi', 0.01 + 0.09 * random(), 0, 0.03, 0.1, 0.01,"
                " ARRAY[1, 2, 3, 4, 5 + random()], '' FROM generate_series(0, %s) AS place",
                [row.pk, row.spec_id, row.start, features - 1],
            )


def _now(source: LogSource, spec: Spec) -> None:
    rng = np.random.default_rng(1)
    FeatureNow.objects.bulk_create(
        [
            FeatureNow(
                source=source,
                spec=source.spec,
                place=place,
                name=feature.name,
                kind=feature.kind.value,
                version="1",
                verdict="stable",
                statistic="psi",
                value=0.05,
                floor=0.03,
                threshold=0.1,
                ratio=float(rng.random()),
                null_rate=float(rng.random() / 50),
                role="score" if place == 0 else "",
            )
            for place, feature in enumerate(spec)
        ],
        batch_size=1_000,
    )


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
