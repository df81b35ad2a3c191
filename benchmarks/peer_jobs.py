"""Peers' jobs; runs in a peer's interpreter and imports nothing of ours but mark.py."""
# ruff: noqa: S608 - the paths in the SQL are our own

import json
import sys
import warnings

warnings.filterwarnings("ignore")
from benchmarks.mark import answer, mark  # noqa: E402


def duckdb_summarize(path):
    import duckdb

    connection = duckdb.connect(config={"threads": 2})
    rows = connection.execute(f"SELECT count(*) FROM '{path}'").fetchone()[0]
    mark("BEGIN")
    found = connection.execute(f"""SUMMARIZE SELECT * EXCLUDE ("at", "version") FROM '{path}'""").fetchall()
    mark("END")
    answer(rows=rows, columns=len(found))


def duckdb_histogram(path, columns=41):
    """The log-linear histogram by SQL, numeric columns, without windows."""
    import duckdb

    connection = duckdb.connect(config={"threads": 2})
    rows = connection.execute(f"SELECT count(*) FROM '{path}'").fetchone()[0]
    names = [f"f{place}" for place in range(columns - 1)] + ["prediction"]
    mark("BEGIN")
    for name in names:
        connection.execute(
            f"""
            SELECT CASE WHEN x < 0 THEN -1 - b ELSE b END AS key, count(*) FROM (
                SELECT x, CAST(e * 64 + floor((m / pow(2, e) - 1) * 64) AS INTEGER) AS b FROM (
                    SELECT x, m, floor(log2(m)) AS e FROM (
                        SELECT "{name}" AS x, abs("{name}") * 8 + 1 AS m FROM '{path}' WHERE "{name}" IS NOT NULL
                    )
                )
            ) GROUP BY key
            """
        ).fetchall()
    mark("END")
    answer(rows=rows, columns=len(names))


def _frame(path, rows):
    import pyarrow.parquet as pq

    file = pq.ParquetFile(path)
    batch = next(file.iter_batches(rows))
    return batch.to_pandas().drop(columns=["at", "version"])


def whylogs_log(path, rows):
    import whylogs

    frame = _frame(path, rows)
    mark("BEGIN")
    whylogs.log(frame).view().serialize()
    mark("END")
    answer(rows=len(frame), columns=frame.shape[1])


def evidently_report(path, rows):
    from evidently import Report
    from evidently.presets import DataDriftPreset, DataSummaryPreset

    frame = _frame(path, 2 * rows)
    ref, cur = frame.iloc[:rows], frame.iloc[rows:]
    mark("BEGIN")
    Report([DataDriftPreset(), DataSummaryPreset()]).run(cur, ref).dict()
    mark("END")
    answer(rows=len(frame), columns=frame.shape[1])


JOBS = {
    "summarize": duckdb_summarize,
    "histogram": duckdb_histogram,
    "whylogs": whylogs_log,
    "evidently": evidently_report,
}

if __name__ == "__main__":
    JOBS[sys.argv[1]](**json.loads(sys.argv[2]))
