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
from decimal import Decimal
from pathlib import Path
from typing import Any

import requests

from benchmarks import site
from benchmarks.apply import row
from benchmarks.measure import ROOT
from benchmarks.peers import python_of
from deployments.domain.cost.machines import machine
from deployments.domain.cost.matching import Lookup, PriceBook
from deployments.domain.cost.opencost import compare
from deployments.domain.cost.prices import Request, node_rates
from deployments.domain.cost.versions import keep
from deployments.prices.api import SERVICES, Source
from deployments.prices.google_catalog import pull
from embedded.billing.server import CatalogServer, Handler, serving

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
    with tempfile.TemporaryDirectory(prefix="barista-bench-") as folder, site.database(queue=True) as environ:
        parquet = Path(folder) / "intervals.parquet"
        job = [sys.executable, "-m", "benchmarks.cost_site", str(COUNT), str(TIMES), str(parquet)]
        both = os.environ | environ
        done = subprocess.run(job, cwd=ROOT, check=True, env=both, stdout=subprocess.PIPE, text=True)
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        _print(found, parquet)


def _print(found: dict[str, Any], parquet: Path) -> None:
    peer = _peer(parquet, found["prices"])
    days, each = COUNT * 30, found["intervals"]
    print(
        f"  {days:,} days of {COUNT:,} deployments, two pods each: {days / found['priced_s'][0]:,.0f} priced a second"
    )
    _beside("pricing them, each day by its price list", found["priced_s"], "one sum in DuckDB", peer["priced"])
    _agree("all of them", [found["amount"]], [peer["amount"]])
    _beside("fleet page with costs and their lines", found["fleet"], "without", found["fleet_without"])
    row("cost page, whole", found["page"])
    _beside(f"team and month, of {each:,} intervals", found["intervals_s"], "DuckDB, of Parquet", peer["taken"])
    _beside("team and month, of the priced days", found["days"], "DuckDB, of Parquet", peer["taken"])
    _agree("vCPU hours of team-months", [one[2] for one in found["sums"]], [one[2] for one in peer["sums"]])
    of_interval, count = found["bytes"] / each, each / days
    month = 30 * (count * of_interval + found["day_bytes"]) / 1024
    print(f"  an interval takes {of_interval:.0f} bytes with its indexes, a priced day {found['day_bytes']:.0f}:")
    print(f"  {month:.0f} KiB a month for a deployment with {count:.1f} intervals a day")


def _peer(parquet: Path, prices: list[str]) -> dict[str, Any]:
    job = [python_of("readers"), str(ROOT / "benchmarks" / "peer_cost.py"), str(parquet), str(TIMES), *prices]
    done = subprocess.run(job, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _beside(what: str, ours: list[float], peer: str, theirs: list[float]) -> None:
    """Ours, the peer and their ratio, as medians; ours at the 95th percentile beside them where there are so many."""
    mine, other = statistics.median(ours), statistics.median(theirs)
    p95 = f", p95 {sorted(ours)[int(0.95 * len(ours))] * 1000:,.0f} ms" if len(ours) > 1 else ""
    print(f"  {what:<48} ours {mine * 1000:,.0f} ms{p95} / {peer} {other * 1000:,.0f} ms = {mine / other:.2f}")


def _agree(what: str, ours: list[float], theirs: list[float]) -> None:
    is_same = len(ours) == len(theirs) and all(abs(a - b) <= 1e-6 * abs(b) for a, b in zip(ours, theirs, strict=True))
    print(f"    both {'agree on' if is_same else 'DIFFER in'} {what}: {len(theirs)} compared")


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
        _pages(server.url)  # makes the server's list
        began = time.perf_counter()
        pages = _pages(server.url)
        floor = time.perf_counter() - began
        began = time.perf_counter()
        found = pull(Source(endpoint=server.url, api_key=""))
        pulled = time.perf_counter() - began
    began = time.perf_counter()
    book = PriceBook(keep(found.skus, [REGION]).skus)
    names = ("e2-standard-16", "n2-standard-8", "g2-standard-48", "a2-highgpu-1g", "c3-standard-4")
    cards = [node_rates(book, one, Lookup(region=REGION)) for one in map(machine, names) if one is not None]
    matched = time.perf_counter() - began
    known = sum(all(line.rate is not None for line in card.lines) for card in cards)
    print(f"  {len(found.skus):,} SKUs in {found.pages} pages, matched to {known} machines in {matched:.2f} s")
    _beside("pulled by Google's client and read", [pulled], f"GET and json.loads of the {pages} pages", [floor])
    _book.append(book)


def _pages(url: str) -> int:
    """The same pages without Google's client: what any reader has to do."""
    count = 0
    for service in SERVICES:
        token = ""
        while True:
            asked = {"pageSize": "5000", "pageToken": token}
            found = requests.get(f"{url}/v1/services/{service}/skus", params=asked, timeout=60).json()
            count, token = count + 1, found["nextPageToken"]
            if not token:
                break
    return count


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
