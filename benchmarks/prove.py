"""`python -m benchmarks.prove [NAME]`: trials that must not fail, longer than the suite has time for.

ingest: importers and their readers are killed at random, 100 times (KILLS=n), while logs come, grow, are replaced and
vanish; then every count must be that of a count by hand and of one clean pass. SABOTAGE=noreplace, noclaim or norestat
breaks that rule of the importer: the trial must notice, and exits with an error, as it does for any difference. SEED=n
repeats what happened to the files.

sleep: 90 days (DAYS=n) of an injected clock with 100 deployments (DEPLOYMENTS=n) on the real control plane, with edits,
manual scales, killed workers, keep-awakes and forced sleeps: every instant explained, no wake missed, no production
asleep, every slot second counted once. SHORT=1 is 7 days with 20. SABOTAGE=name (names are in the test) breaks one
thing, and the trial ends with what it noticed, and an error; SABOTAGE=every tries them all. SEED=n repeats a run.

relays: two relays, a worker and a watch as processes on the real control plane, by the real clock; one relay is killed
as 12 deployments (DEPLOYMENTS=n) have to fall asleep, the other as they have to wake. Each transition has to come once
and within 30 s, in the record and in the cluster. 4 minutes.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable

from benchmarks import site

SLEEP = "deployments/tests/cluster/test_prove_sleep.py"
RELAYS = "deployments/tests/faults/test_relays_at_the_edge.py"
HOLDS, NOTICED = (
    "test_every_instant_is_explained_and_every_second_counted_once",
    "test_what_is_broken_on_purpose_is_noticed",
)


def ingest() -> int:
    with site.database() as environ:
        return site.run("benchmarks.prove_ingest", environ=environ)


def sleep() -> int:
    is_short = bool(os.environ.get("SHORT"))
    told = {"PROVE_DAYS": "7" if is_short else "90", "PROVE_DEPLOYMENTS": "20" if is_short else "100"}
    chosen = NOTICED if os.environ.get("SABOTAGE") == "every" else HOLDS
    given = {f"PROVE_{name}": os.environ[name] for name in ("DAYS", "DEPLOYMENTS", "SEED") if name in os.environ}
    command = [sys.executable, "-m", "pytest", "-n", "0", "-p", "no:randomly", "-s", "-q", "-k", chosen, SLEEP]
    return subprocess.run(command, env=os.environ | told | given, check=False).returncode


def relays() -> int:
    told = {"PROVE_RELAYS": os.environ.get("DEPLOYMENTS", "12")}
    command = [sys.executable, "-m", "pytest", "-n", "0", "-p", "no:randomly", "-s", "-q", RELAYS]
    return subprocess.run(command, env=os.environ | told, check=False).returncode


TRIALS: dict[str, Callable[[], int]] = {"ingest": ingest, "sleep": sleep, "relays": relays}


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in TRIALS]
    if unknown:
        print(f"unknown trial {unknown[0]!r}; there are {', '.join(TRIALS)}", file=sys.stderr)
        return 2
    return max([TRIALS[name]() for name in names or TRIALS], default=0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
