"""Our schedule as `downscaler/*` annotations, only in what both programs read alike, so that either can stand in."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from deployments.domain.sleep.dialects import weeks
from deployments.domain.sleep.dialects.annotations import REPLICAS_KEY
from deployments.domain.sleep.schedule.windows import Schedule

# The Python dialect's pattern of a zone; Go's takes it too.
_BOTH: Final = re.compile(r"[a-zA-Z/_]+")
MOST_BYTES: Final = 4096


class NotMirrored(ValueError):
    """The schedule cannot be said so that both programs understand the same; the message says why."""


def render(schedule: Schedule, *, awake_until: datetime | None = None) -> dict[str, str]:
    """`downtime` and both keys for the replicas, and a keep-awake as `exclude-until`; raises `NotMirrored`.

    Nothing wraps midnight and no keyword is used. At a repeated hour the programs compare the wall twice, so there they
    may differ from us for that hour.
    """
    found = dict(_weekly(schedule))
    if awake_until is not None:
        found["downscaler/exclude-until"] = f"{awake_until.astimezone(UTC):%Y-%m-%dT%H:%M:%S}Z"
    return found


@lru_cache(maxsize=1024)
def _weekly(schedule: Schedule) -> tuple[tuple[str, str], ...]:
    """Asked for each deployment at each look, of a few schedules."""
    if not _BOTH.fullmatch(schedule.zone):
        raise NotMirrored(
            f"py-kube-downscaler cannot read the zone {schedule.zone}, which has digits or dashes: choose one without, "
            "like Europe/Berlin."
        )
    spec = ",".join(weeks.safe_items(schedule.minutes_of_week(), schedule.zone))
    if len(spec) > MOST_BYTES:
        raise NotMirrored("The schedule has too many windows for an annotation: write fewer.")
    replicas = [(key, str(schedule.target)) for key in REPLICAS_KEY.values()]
    return (("downscaler/downtime", spec), *replicas) if spec else ()
