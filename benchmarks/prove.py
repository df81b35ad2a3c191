"""`python -m benchmarks.prove [NAME]`: trials that must not fail, longer than the suite has time for.

ingest: importers and their readers are killed at random, 100 times (KILLS=n), while logs come, grow, are replaced and
vanish; then every count must be that of a count by hand and of one clean pass. SABOTAGE=noreplace, noclaim or norestat
breaks that rule of the importer: the trial must notice, and exits with an error, as it does for any difference. SEED=n
repeats what happened to the files.

sleep: 90 days (DAYS=n) of an injected clock with 100 deployments (DEPLOYMENTS=n) on the real control plane, with edits,
manual scales, killed workers, keep-awakes and forced sleeps: every instant explained, no wake missed, no production
asleep, every slot second counted once. SABOTAGE=name breaks one thing (names are in the test), SEED=n repeats a run.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable

from benchmarks import site

SLEEP = "deployments/tests/cluster/test_prove_sleep.py::test_every_instant_is_explained_and_every_second_counted_once"


def ingest() -> int:
    with site.database() as environ:
        return site.run("benchmarks.prove_ingest", environ=environ)


def sleep() -> int:
    told = {"PROVE_DAYS": "90", "PROVE_DEPLOYMENTS": "100"}
    given = {f"PROVE_{name}": os.environ[name] for name in ("DAYS", "DEPLOYMENTS", "SEED") if name in os.environ}
    command = [sys.executable, "-m", "pytest", "-n", "0", "-p", "no:randomly", "-s", "-q", SLEEP]
    return subprocess.run(command, env=os.environ | told | given, check=False).returncode


TRIALS: dict[str, Callable[[], int]] = {"ingest": ingest, "sleep": sleep}


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in TRIALS]
    if unknown:
        print(f"unknown trial {unknown[0]!r}; there are {', '.join(TRIALS)}", file=sys.stderr)
        return 2
    return max([TRIALS[name]() for name in names or TRIALS], default=0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
