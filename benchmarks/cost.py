"""What costs cost: pricing, the pages, the aggregate beside DuckDB, the catalog. A PostgreSQL of its own, some minutes.

BARISTA_BENCH_COST makes the number of deployments smaller for trying it out; there are 200 pod intervals of each.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from benchmarks.apply import row
from benchmarks.measure import ROOT
from benchmarks.peers import python_of
from deployments.domain.cost.machines import machine
from deployments.domain.cost.matching import Lookup, PriceBook
from deployments.domain.cost.opencost import compare
from deployments.domain.cost.prices import Request, node_rates
from deployments.domain.cost.versions import keep
from deployments.prices.api import Source
from deployments.prices.google_catalog import pull
from embedded import postgres, valkey
from embedded.billing.server import CatalogServer, Handler, serving
from embedded.paths import Home
from embedded.supervisor import Supervisor

COUNT = int(os.environ.get("BARISTA_BENCH_COST", "5000"))
SKUS = 40_000
DEMO_SKUS = 23_860
COMPUTE = "6F81-5844-456A"
REGION = "us-central1"
TIMES = 20


def main() -> None:
    print("\nCosts")
    _catalog()
    _opencost()
    with tempfile.TemporaryDirectory(prefix="barista-bench-") as folder, _database(Path(folder)) as environ:
        parquet = Path(folder) / "intervals.parquet"
        job = [sys.executable, "-m", "benchmarks.cost_site", str(COUNT), str(TIMES), str(parquet)]
        done = subprocess.run(job, cwd=ROOT, check=True, env=environ, stdout=subprocess.PIPE, text=True)
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        _print(found, parquet)


@contextmanager
def _database(folder: Path) -> Iterator[dict[str, str]]:
    home = Home.open(folder)
    supervisor = Supervisor(home, lambda who, what: None)
    try:
        urls = postgres.start(supervisor, home, tests=True)
        environ = os.environ | {
            "DJANGO_SETTINGS_MODULE": "baristaweb.tests.settings",
            "BARISTA_TEST_APP_URL": urls.app,
            "BARISTA_TEST_OWNER_URL": urls.owner,
            "BARISTA_TEST_REDIS_URL": valkey.start(supervisor, home),
        }
        migrate = [sys.executable, "manage.py", "migrate", "--database=owner", "--verbosity=0"]
        subprocess.run(migrate, cwd=ROOT, check=True, timeout=300, env=environ)
        yield environ
    finally:
        supervisor.stop()
        postgres.remove_outside(home)


def _print(found: dict[str, Any], parquet: Path) -> None:
    days, taken = COUNT * 30, found["priced_s"]
    print(f"  {days:,} days of {COUNT:,} deployments priced in {taken:.1f} s, {days / taken:,.0f} a second")
    row("fleet page with costs and their lines", found["fleet"])
    row("fleet page without", found["fleet_without"])
    _ratio("fleet page with / without costs", found["fleet"], found["fleet_without"])
    row("cost page, whole", found["page"])
    row("by team and month, of the priced days", found["days"])
    row(f"by team and month, of {found['intervals']:,} intervals", found["intervals_s"])
    job = [python_of("readers"), str(ROOT / "benchmarks" / "peer_cost.py"), str(parquet), str(TIMES)]
    done = subprocess.run(job, check=True, stdout=subprocess.PIPE, text=True)
    peer: dict[str, Any] = json.loads(done.stdout)
    row("the same intervals in DuckDB, of Parquet", peer["taken"])
    _ratio("priced days / DuckDB", found["days"], peer["taken"])
    _ratio("intervals / DuckDB", found["intervals_s"], peer["taken"])
    pairs = zip(found["sums"], peer["sums"], strict=True)
    agree = all(abs(ours[2] - theirs[2]) <= 1e-6 * abs(theirs[2]) and ours[:2] == theirs[:2] for ours, theirs in pairs)
    print(f"  both {'agree on' if agree else 'DIFFER in'} the vCPU hours of {len(peer['sums'])} team-months")
    each, count = found["bytes"] / found["intervals"], found["intervals"] / days
    month = 30 * (count * each + found["day_bytes"]) / 1024
    print(f"  an interval takes {each:.0f} bytes with its indexes, a priced day {found['day_bytes']:.0f}:")
    print(f"  {month:.0f} KiB a month for a deployment with {count:.1f} intervals a day")


def _ratio(what: str, ours: list[float], theirs: list[float]) -> None:
    print(f"  {what}: medians = {statistics.median(ours) / statistics.median(theirs):.2f}")


class _Long(Handler):
    """The demo's list with more decoys behind it."""

    def content(self, path: str, query: dict[str, str]) -> dict[str, Any]:
        found = super().content(path, query)
        if COMPUTE in path and "skus" in found and not query.get("pageToken"):
            first = found["skus"][0]
            extra = SKUS - DEMO_SKUS
            found["skus"] += [
                first | {"skuId": f"DECOY-{number:06}", "description": f"Decoy {number} running in Americas"}
                for number in range(max(0, extra))
            ]
        return found


def _catalog() -> None:
    with serving(CatalogServer(handler=_Long)) as server:
        began = time.perf_counter()
        found = pull(Source(endpoint=server.url, api_key=""))
        pulled = time.perf_counter() - began
    began = time.perf_counter()
    book = PriceBook(keep(found.skus, [REGION]).skus)
    names = ("e2-standard-16", "n2-standard-8", "g2-standard-48", "a2-highgpu-1g", "c3-standard-4")
    cards = [node_rates(book, one, Lookup(region=REGION)) for one in map(machine, names) if one is not None]
    matched = time.perf_counter() - began
    known = sum(all(line.rate is not None for line in card.lines) for card in cards)
    print(
        f"  {len(found.skus):,} SKUs pulled and read in {pulled:.1f} s, matched to {known} machines in {matched:.2f} s"
    )
    _book.append(book)


_book: list[PriceBook] = []


def _opencost() -> None:
    """The published formula on the same pods and prices; where and why they differ."""
    shape = machine("e2-standard-16")
    if shape is None:
        raise RuntimeError("e2-standard-16 is not in the table of machines.")
    card = node_rates(_book[0], shape, Lookup(region=REGION))
    pods = (
        (
            "idle, uses a tenth",
            Request(cpu=Decimal(2), memory_gib=Decimal(8)),
            Request(cpu=Decimal("0.2"), memory_gib=Decimal(1)),
        ),
        (
            "uses what it asks for",
            Request(cpu=Decimal(2), memory_gib=Decimal(8)),
            Request(cpu=Decimal(2), memory_gib=Decimal(8)),
        ),
        (
            "bursts above its CPU request",
            Request(cpu=Decimal(1), memory_gib=Decimal(4)),
            Request(cpu=Decimal(3), memory_gib=Decimal(4)),
        ),
    )
    print("  Beside OpenCost's formula, max(request, use), an hour in USD:")
    for name, asked, used in pods:
        found = compare(asked, used, card, shape)
        beyond = f"{found.cpu_beyond} vCPU and {found.memory_gib_beyond} GiB used beyond the request"
        difference = found.theirs.sure - found.ours.sure
        print(f"    {name:<30} ours {found.ours.sure:.6f}  theirs {found.theirs.sure:.6f}  +{difference:.6f}: {beyond}")
