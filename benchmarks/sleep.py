"""Sleep of 5,000 deployments by 500 schedules in 20 zones: `python -m benchmarks sleep`. A stack of its own.

One pass of the relay over all of them, the next transitions of one, the pages of tonight and of the ledger. Time is the
server's, without the network (see sleep_site.py). BARISTA_BENCH_FLEET makes it smaller for trying it out.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.apply import row
from benchmarks.measure import ROOT
from embedded.testing import TestStack, start_test_stack

COUNT = int(os.environ.get("BARISTA_BENCH_FLEET", "5000"))
SCHEDULES = max(20, COUNT // 10)
TIMES = 20


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="barista-bench-") as folder:
        stack = start_test_stack(Path(folder), metrics=False, say=lambda who, what: None)
        try:
            _measure(stack)
        finally:
            stack.stop()


def _measure(stack: TestStack) -> None:
    told = {
        "DJANGO_SETTINGS_MODULE": "baristaweb.tests.settings",
        "BARISTA_TEST_APP_URL": stack.app_url,
        "BARISTA_TEST_OWNER_URL": stack.owner_url,
        "BARISTA_TEST_REDIS_URL": stack.redis_url,
    }
    migrate = [sys.executable, "manage.py", "migrate", "--database=owner", "--verbosity=0"]
    subprocess.run(migrate, cwd=ROOT, env=os.environ | told, check=True, timeout=120)
    job = [sys.executable, "-m", "benchmarks.sleep_site", str(COUNT), str(SCHEDULES), str(TIMES)]
    done = subprocess.run(job, cwd=ROOT, env=os.environ | told, check=True, stdout=subprocess.PIPE, text=True)
    print(f"\nSleep of {COUNT:,} deployments by {SCHEDULES:,} schedules in 20 time zones")
    for name, taken in json.loads(done.stdout).items():
        row(f"Barista: {name}", taken)
        print(f"    p95 {sorted(taken)[int(len(taken) * 0.95)] * 1000:.0f} ms")
