"""`python -m benchmarks [NAME]`: run one benchmark or all of them and print their tables."""

from __future__ import annotations

import sys
from collections.abc import Callable

from benchmarks import (
    accuracy,
    apply,
    clicks,
    cost,
    fleet,
    formats,
    idle,
    importer,
    incidents,
    lighthouse,
    observability_pages,
    profile,
    sleep,
    slow_clients,
    storm,
    verdicts,
    weight,
)

BENCHMARKS: dict[str, Callable[[], None]] = {
    "profile": profile.main,
    "formats": formats.main,
    "accuracy": accuracy.main,
    "verdicts": verdicts.main,
    "incidents": incidents.main,
    "observability-pages": observability_pages.main,
    "apply": apply.main,
    "fleet": fleet.main,
    "cost": cost.main,
    "clicks": clicks.main,
    "sleep": sleep.main,
    "slow_clients": slow_clients.main,
    "importer": importer.main,
    "idle": idle.main,
    "weight": weight.main,
    "lighthouse": lighthouse.main,
    "storm": storm.main,
}


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        print(f"unknown benchmark {unknown[0]!r}; there are {', '.join(BENCHMARKS)}", file=sys.stderr)
        return 2
    # The storm kills what the others measure, and idle wants a site that nobody uses: only when asked for.
    for name in names or [name for name in BENCHMARKS if name not in ("storm", "idle", "weight", "lighthouse")]:
        BENCHMARKS[name]()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
