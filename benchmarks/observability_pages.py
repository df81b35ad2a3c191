"""Pages of data at 5,000 features x 720 windows, beside Evidently rendering one feature. A stack of its own, 5 minutes.

BARISTA_BENCH_FEATURES and BARISTA_BENCH_WINDOWS make it smaller for trying it out. Time is the server's.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from benchmarks.measure import ROOT
from benchmarks.peers import python_of
from embedded.testing import TestStack, start_test_stack

FEATURES = int(os.environ.get("BARISTA_BENCH_FEATURES", "5000"))
WINDOWS = int(os.environ.get("BARISTA_BENCH_WINDOWS", "720"))
TIMES: Final = 25
GOALS: Final = {"features": 0.150, "explain": 0.500, "two ranges": 0.500}


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="barista-bench-") as folder:
        stack = start_test_stack(Path(folder), metrics=False, say=lambda who, what: None)
        try:
            found = _measure(stack)
        finally:
            stack.stop()
    print(f"\nPages at {FEATURES:,} features x {WINDOWS:,} windows, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC\n")
    print("| page | median ms | p95 ms | queries | goal p95 |\n|---|---|---|---|---|")
    for name, one in found.items():
        taken = sorted(one["seconds"])
        median, p95 = taken[len(taken) // 2], taken[min(int(len(taken) * 0.95), len(taken) - 1)]
        goal = next((f"{limit * 1_000:.0f}" for word, limit in GOALS.items() if word in name), "")
        print(f"| {name} | {median * 1_000:.0f} | {p95 * 1_000:.0f} | {one['queries']} | {goal} |")
    if os.environ.get("BARISTA_BENCH_PEERS", "1") != "0":
        _peer()


def _measure(stack: TestStack) -> dict[str, dict[str, list[float]]]:
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "baristaweb.tests.settings",
        "BARISTA_TEST_APP_URL": stack.app_url,
        "BARISTA_TEST_OWNER_URL": stack.owner_url,
        "BARISTA_TEST_REDIS_URL": stack.redis_url,
    }
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "--database=owner", "--verbosity=0"], cwd=ROOT, check=True, timeout=120
    )
    job = [sys.executable, "-m", "benchmarks.observability_site", str(FEATURES), str(WINDOWS), str(TIMES)]
    done = subprocess.run(job, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, dict[str, list[float]]] = json.loads(done.stdout)
    return found


def _peer() -> None:
    done = subprocess.run(
        [python_of("drift"), "-m", "benchmarks.peer_pages"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        print(f"| Evidently | failed: {done.stderr.strip().splitlines()[-1][:120]} | | | |")
        return
    for name, seconds in json.loads(done.stdout).items():
        print(f"| {name} | {seconds * 1_000:.0f} | | | |")
