"""What a site costs its database while nobody uses it: `python -m benchmarks idle`, beside a demo without a browser.

Statements a second by pg_stat_statements and write-ahead log an hour, over BARISTA_IDLE_S (600) seconds. The goal is 4
statements a second and 0.04 for each deployment, and 10 MB of log an hour at 27 deployments.
"""

from __future__ import annotations

import os
import time
import urllib.parse
from operator import itemgetter
from typing import Any, Final

import psycopg2

from embedded.paths import LOOPBACK, Home, home_folder

SECONDS: Final = float(os.environ.get("BARISTA_IDLE_S", "600"))
FIXED: Final = 4.0
EACH: Final = 0.04
LOG_GOAL_MB: Final = 10.0
TOP: Final = 40


def main() -> None:
    with _superuser(Home.open(home_folder())) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        cursor.execute("SELECT count(*) FROM deployments_deployment WHERE retired_at IS NULL")
        deployments = cursor.fetchone()[0]
        cursor.execute("SELECT pg_stat_statements_reset(), pg_current_wal_insert_lsn()")
        start, began = cursor.fetchone()[1], time.monotonic()
        time.sleep(SECONDS)
        cursor.execute("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), %s)", [start])
        log_mb = float(cursor.fetchone()[0]) / 1e6
        spent = time.monotonic() - began
        # What only frames a transaction is no statement of ours to save, so it is counted, and printed apart.
        cursor.execute(
            "SELECT calls, wal_bytes::float8, left(regexp_replace(query, '\\s+', ' ', 'g'), 110) "
            "FROM pg_stat_statements WHERE query NOT LIKE '%%pg_stat_statements%%' ORDER BY calls DESC"
        )
        rows = cursor.fetchall()
    _print(rows, deployments=deployments, spent=spent, log_mb=log_mb)


def _print(rows: list[tuple[int, float, str]], *, deployments: int, spent: float, log_mb: float) -> None:
    frames = sum(calls for calls, _, text in rows if text.startswith(("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT")))
    calls = sum(row[0] for row in rows)
    goal = FIXED + EACH * deployments
    print(f"\nIdle for {spent:.0f} s with {deployments} deployments")
    print(f"  {calls / spent:.2f} statements/s, {frames / spent:.2f} of them begin or end something (goal {goal:.2f})")
    print(f"  {log_mb * 3600 / spent:.1f} MB of write-ahead log an hour (goal {LOG_GOAL_MB:.0f} at 27 deployments)")
    for title, place in (("most often", 0), ("most log", 1)):
        print(f"  {title}:")
        for calls, log, text in sorted(rows, key=itemgetter(place), reverse=True)[:TOP]:
            print(f"    {calls / spent:7.3f}/s {log * 3600 / spent / 1e6:7.2f} MB/h  {text}")


def _superuser(home: Home) -> Any:
    password = urllib.parse.quote(home.secret("postgres-barista_super"), safe="")
    return psycopg2.connect(f"postgres://barista_super:{password}@{LOOPBACK}:{home.port('postgres')}/barista")


if __name__ == "__main__":
    main()
