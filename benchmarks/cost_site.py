"""A site with measured costs, timed: `python -m benchmarks.cost_site COUNT TIMES PARQUET` (see cost.py).

Deployments are copied as in fleet_site.py; PostgreSQL makes the intervals as their owner, and the product prices them.
"""

from __future__ import annotations

import json
import sys
import time
from datetime import timedelta
from functools import partial
from typing import Any
from unittest.mock import patch

import django
import pyarrow as pa
from django.db import connection, connections
from django.test import Client
from pyarrow import parquet

from benchmarks.apply import timed

django.setup()

from baristaweb.lib.clock import now  # noqa: E402  settings first
from benchmarks.fleet_site import fill  # noqa: E402
from deployments import accrue  # noqa: E402
from deployments.actions import due  # noqa: E402
from deployments.models import Cluster, CostDue, Team  # noqa: E402
from deployments.queries import fleet_costs, measured  # noqa: E402
from deployments.tests import factories  # noqa: E402

DAYS = 30
VCPU, GIB = "0.04", "0.005"  # an hour
PRICED = 2  # intervals of a deployment and day that are priced
MORE = 140  # intervals of a deployment besides, for the aggregate: a million with the others

FILL = """
INSERT INTO deployments_podinterval (cluster_id, uid, pod, deployment_id, team_id, node, machine, pool, is_spot,
    price_class, millicores, memory, gpus, start, is_start_exact, source, day, "end", is_end_exact, made_at)
SELECT %(cluster)s, %(kind)s || d.id || '-' || n, 'ranker-' || d.id || '-' || n, d.id, %(teams)s + d.id %% 20,
    'node-' || d.id %% 300, 'e2-standard-16', 'cpu', false, 'e2-standard', 500 * (1 + d.id %% 8),
    (1 + d.id %% 8) * 1073741824, '[]', day + n * interval '1 minute', true, 'watch', day::date,
    day + interval '12 hours' + n * interval '1 minute',
    true, now()
FROM deployments_deployment d, generate_series(1, %(each)s) n,
    generate_series(%(first)s::timestamptz, %(last)s::timestamptz, interval '1 day') day
"""
BY_TEAM = """
SELECT team_id, date_trunc('month', day)::date, sum(millicores * extract(epoch FROM "end" - start)) / 3.6e6,
    sum(memory * extract(epoch FROM "end" - start))
FROM deployments_podinterval GROUP BY 1, 2 ORDER BY 1, 2
"""
OF_DAYS = """
SELECT team_id, date_trunc('month', day)::date, currency, sum(amount), sum(cpu_hours), sum(memory_hours)
FROM deployments_costday GROUP BY 1, 2, 3 ORDER BY 1, 2
"""


def main(count: int, times: int, target: str) -> None:
    admin = fill(count, {})
    cluster = Cluster.objects.get()
    first_team = _teams()
    at = now()
    midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
    begins = midnight - timedelta(days=DAYS)
    factories.make_price_list(cluster, f"cpu,,,{VCPU}", f"memory,,,{GIB}", effective_at=begins)
    _fill_intervals("priced-", cluster.pk, first_team, PRICED, begins, midnight - timedelta(days=1))
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT deployment_id, day FROM deployments_podinterval")
        due.mark(cluster.pk, cursor.fetchall())
    began = time.perf_counter()
    accrue.run(at=at)
    priced_s = time.perf_counter() - began
    if CostDue.objects.exists():
        raise RuntimeError("not all days were priced")
    _fill_intervals("more-", cluster.pk, first_team, MORE, begins, begins)
    with connections["owner"].cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    client = Client(headers={"host": "localhost"})
    client.force_login(admin)
    fleet, without = _fleet(client, times)
    _get(client, "/costs/")
    page = timed(partial(_get, client, "/costs/"), times)
    intervals, size = _size("podinterval")
    days, day_size = _size("costday")
    sums = [[team, str(month)[:7], float(hours)] for team, month, hours, _ in _query(BY_TEAM)]
    _export(target)
    print(
        json.dumps(
            {
                "priced_s": [priced_s],
                "prices": [VCPU, GIB],
                "amount": float(_query("SELECT sum(amount) FROM deployments_costday")[0][0]),
                "fleet": fleet,
                "fleet_without": without,
                "page": page,
                "days": timed(partial(_query, OF_DAYS), times),
                "intervals_s": timed(partial(_query, BY_TEAM), times),
                "intervals": intervals,
                "bytes": size,
                "day_bytes": day_size / max(1, days),
                "sums": sums,
            }
        )
    )


def _teams() -> int:
    """Twenty teams whose keys follow each other; the first."""
    last = Team.objects.order_by("-pk").values_list("pk", flat=True)[0]
    Team.objects.using("owner").bulk_create(
        Team(pk=last + 1 + number, slug=f"bench-{number}", name=f"Bench {number}") for number in range(20)
    )
    return last + 1


def _fleet(client: Client, times: int) -> tuple[list[float], list[float]]:
    """With costs and without, in turn, so that whatever else the machine does is in both; the first time is not."""
    nothing: dict[int, Any] = {}
    asked = partial(_get, client, "/fleet/")
    fleet, without = list[float](), list[float]()
    for _ in range(times + 1):
        fleet += timed(asked, 1)
        with (
            patch.object(measured, "sparks", lambda *_, **__: nothing),
            patch.object(fleet_costs, "months_of", lambda *_, **__: nothing),
        ):
            without += timed(asked, 1)
    return fleet[1:], without[1:]


def _fill_intervals(kind: str, cluster: int, teams: int, each: int, first: Any, last: Any) -> None:
    with connections["owner"].cursor() as cursor:
        values = {"kind": kind, "cluster": cluster, "teams": teams, "each": each, "first": first, "last": last}
        cursor.execute(FILL, values)


def _get(client: Client, path: str) -> None:
    answer = client.get(path)
    if answer.status_code != 200:
        raise RuntimeError(f"{path}: {answer.status_code}")


def _query(statement: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall())


def _size(table: str) -> tuple[int, int]:
    (found,) = _query(
        f"SELECT count(*), pg_total_relation_size('deployments_{table}') FROM deployments_{table}"  # noqa: S608 - ours
    )
    return int(found[0]), int(found[1])


def _export(target: str) -> None:
    """For DuckDB, with how many were priced."""
    seconds = 'extract(epoch FROM "end" - start)::float8'
    rows = _query(
        f"SELECT team_id, deployment_id, day, millicores, memory, {seconds}, uid LIKE 'priced-%'"  # noqa: S608 - ours
        " FROM deployments_podinterval"
    )
    names = ("team_id", "deployment_id", "day", "millicores", "memory", "seconds", "is_priced")
    columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
    parquet.write_table(pa.table(columns), target)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
