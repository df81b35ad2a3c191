"""The sums of cost.py in DuckDB: `python peer_cost.py PARQUET TIMES VCPU GIB`, with an interpreter that has it."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import duckdb

BY_TEAM = """
SELECT team_id, date_trunc('month', day) AS month, sum(millicores * seconds) / 3.6e6, sum(memory * seconds)
FROM read_parquet(?) GROUP BY 1, 2 ORDER BY 1, 2
"""
PRICED = """
SELECT deployment_id, day, sum(seconds / 3600 * (millicores / 1000 * ? + memory / 1024 ** 3 * ?)) AS amount
FROM read_parquet(?) WHERE is_priced GROUP BY 1, 2
"""


def main(parquet: str, times: int, vcpu: float, gib: float) -> None:
    base, taken, rows = duckdb.connect(), [], list[Any]()
    for _ in range(times):
        began = time.perf_counter()
        rows = base.execute(BY_TEAM, [parquet]).fetchall()
        taken.append(time.perf_counter() - began)
    began = time.perf_counter()
    priced = base.execute(PRICED, [vcpu, gib, parquet]).fetchall()
    pricing = [time.perf_counter() - began]
    sums = [[team, str(month)[:7], hours] for team, month, hours, _ in rows]
    print(json.dumps({"taken": taken, "sums": sums, "priced": pricing, "amount": sum(row[2] for row in priced)}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4]))
