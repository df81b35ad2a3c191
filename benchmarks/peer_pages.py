"""Evidently rendering the drift of one feature as a page: `PYTHON -m benchmarks.peer_pages`, JSON on stdout."""

import json
import time
import warnings

warnings.filterwarnings("ignore")
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from evidently import Report  # noqa: E402
from evidently.metrics import ValueDrift  # noqa: E402

ROWS = 24_000  # a day of our windows


def main():
    rng = np.random.default_rng(0)
    ref = pd.DataFrame({"x": rng.lognormal(3, 1, 7 * ROWS)})
    cur = pd.DataFrame({"x": rng.lognormal(3.1, 1, ROWS)})
    taken = []
    for _ in range(5):
        began = time.perf_counter()
        made = Report([ValueDrift(column="x")]).run(cur, ref)
        page = made.get_html_str(as_iframe=False)
        taken.append(time.perf_counter() - began)
    name = f"Evidently, ValueDrift of one feature from {8 * ROWS:,} rows in memory ({len(page) / 1e6:.1f} MB of page)"
    print(json.dumps({name: sorted(taken)[2]}))


if __name__ == "__main__":
    main()
