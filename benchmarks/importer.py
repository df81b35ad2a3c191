"""The importer: speed beside `manage.py profile` on the same files, small files a second, listing of a million names,
and how long after an object landed the page shows its rows.

One run on a database of its own. BARISTA_BENCH_FILES, BARISTA_BENCH_SMALL, BARISTA_BENCH_NAMES and BARISTA_BENCH_LANDED
make it smaller for trying it out; the published table is of 200 files of 50,000 rows x 52 columns, of which 10 are
different ones, each of one hour and two versions.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import data, site
from benchmarks.measure import ROOT

FILES = int(os.environ.get("BARISTA_BENCH_FILES", "200"))
SMALL = int(os.environ.get("BARISTA_BENCH_SMALL", "1000"))
NAMES = int(os.environ.get("BARISTA_BENCH_NAMES", "1000000"))
LANDED = int(os.environ.get("BARISTA_BENCH_LANDED", "20"))
ROWS = 50_000
DIFFERENT = 10


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="barista-import-") as folder, site.database(queue=True) as environ:
        place = Path(folder)
        _large(place / "large")
        job = {"large": str(place / "large"), "small": str(place / "small"), "files": SMALL, "names": NAMES}
        job |= {"landed": LANDED, "landing": str(place / "landing")}
        command = [sys.executable, "-W", "ignore", "-m", "benchmarks.importer_site"]
        both = {**os.environ, **environ}
        done = subprocess.run(
            command, cwd=ROOT, env=both, check=True, input=json.dumps(job), stdout=subprocess.PIPE, text=True
        )
        _tell(json.loads(done.stdout.splitlines()[-1]))


def _large(folder: Path) -> None:
    """Names of the same few files, which are linked: the disk holds each once."""
    folder.mkdir()
    paths = data.log(ROWS * DIFFERENT, parts=DIFFERENT, hours=1)
    for number in range(FILES):
        os.link(paths[number % DIFFERENT], folder / f"part-{number:04d}.parquet")


def _tell(found: dict[str, Any]) -> None:
    large, small = found["large"], found["small"]
    print(f"\n{FILES} files x {ROWS:,} rows x 52 columns, {large['values'] / 1e6:,.0f} M values")
    print("| what | s | M values/s | ratio |\n|---|---|---|---|")
    for name, one in (
        ("the fold of manage.py profile, warm, all files in one run", "profile_s"),
        ("importer", "import_s"),
    ):
        rate, ratio = large["values"] / large[one] / 1e6, large["profile_s"] / large[one]
        print(f"| {name} | {large[one]:.1f} | {rate:.1f} | {ratio:.2f} |")
    for who in ("reader", "worker"):
        first, last = (
            max(part) >> 20 for part in (large[who][: len(large[who]) // 5 + 1], large[who][-len(large[who]) // 5 :])
        )
        print(f"memory of the {who}: {first} MiB at most in the first fifth of the files, {last} MiB in the last")
    print(f"{sum(large['sizes']) / 1e9:.1f} GB were read")
    rate = large["rows"] / large["compact_s"]
    print(f"compaction of {large['windows']} windows: {large['compact_s']:.1f} s, {rate:,.0f} rows/s")
    print(f"{SMALL} files x 1,000 rows: {SMALL / small['import_s']:.1f} files/s, {small['import_s']:.1f} s")
    for step, one in found["listings"].items():
        print(
            f"{NAMES:,} names in S3, a prefix {step}: a poll takes {one['poll_requests']} requests and "
            f"{one['poll_s']:.2f} s, a full discovery {one['sweep_requests']} requests and {one['sweep_s']:.0f} s"
        )
    taken = sorted(found["landed"])
    if taken:
        p95 = taken[min(int(len(taken) * 0.95), len(taken) - 1)]
        print(f"1,000 rows landed until the page shows them: median {taken[len(taken) // 2]:.1f} s, p95 {p95:.1f} s")
    print(f"load of the machine at the end: {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
