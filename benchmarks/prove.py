"""`python -m benchmarks.prove [NAME]`: trials that must not fail, longer than the suite has time for.

ingest: importers and their readers are killed at random, 100 times (KILLS=n), while logs come, grow, are replaced and
vanish; then every count must be that of a count by hand and of one clean pass. SABOTAGE=noreplace, noclaim or norestat
breaks that rule of the importer: the trial must notice, and exits with an error, as it does for any difference. SEED=n
repeats what happened to the files.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from benchmarks import site


def ingest() -> int:
    with site.database() as environ:
        return site.run("benchmarks.prove_ingest", environ=environ)


TRIALS: dict[str, Callable[[], int]] = {"ingest": ingest}


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in TRIALS]
    if unknown:
        print(f"unknown trial {unknown[0]!r}; there are {', '.join(TRIALS)}", file=sys.stderr)
        return 2
    return max([TRIALS[name]() for name in names or TRIALS], default=0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
