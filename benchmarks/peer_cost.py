"""The aggregate of cost.py in DuckDB: `python peer_cost.py PARQUET TIMES`, with an interpreter that has it."""

from __future__ import annotations

import json
import sys
import time

import duckdb

QUERY = """
SELECT team_id, date_trunc('month', day) AS month, sum(millicores * seconds) / 3.6e6, sum(memory * seconds)
FROM read_parquet(?) GROUP BY 1, 2 ORDER BY 1, 2
"""

if __name__ == "__main__":
    base, taken, rows = duckdb.connect(), [], []
    for _ in range(int(sys.argv[2])):
        began = time.perf_counter()
        rows = base.execute(QUERY, [sys.argv[1]]).fetchall()
        taken.append(time.perf_counter() - began)
    print(json.dumps({"taken": taken, "sums": [[team, str(month)[:7], hours] for team, month, hours, _ in rows]}))
