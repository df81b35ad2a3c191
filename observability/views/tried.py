"""What a sample or a dry run said, in the words and numbers of its page."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from observability.models import SampleRequest
from observability.views.bars import HEIGHT, WIDTH, Bar

DAYS_SHOWN = 60


def told(row: SampleRequest) -> dict[str, Any]:
    """The answer of a worker; instants are instants again."""
    result = row.result
    objects = result["objects"]
    found = {
        "objects": objects | {"newest_at": _instant(objects["newest_at"])},
        "sampled": result.get("sampled"),
        "reads": " ".join(filter(None, [row.question["location"]])),
    }
    if row.kind != SampleRequest.Kind.DRY_RUN:
        return found
    days = [tuple(day) for day in objects["days"]][-DAYS_SHOWN:]
    sample, speed = result["sample"], result["speed"]
    a_day = objects["bytes"] / max(len(days), 1)
    return found | {
        "days": days,
        "bars": _bars([count for _, count, _ in days]),
        "gaps": [(_instant(start), _instant(end), count) for start, end, count in result["gaps"]],
        "missing": sum(count for _, _, count in result["gaps"]),
        "unmarked": result.get("unmarked"),
        "repeated": result.get("repeated"),
        "sample": sample,
        "bad_share": sample["bad"] / max(sample["rows"] + sample["bad"], 1),
        "versions": [version or "none named" for version in result["versions"]],
        "findings": result["findings"],
        "backfill_s": objects["bytes"] / max(speed["bytes_s"], 1.0) + 0.05 * objects["count"],
        "rows_s": speed["rows_s"],
        "kept_a_day": result["kept_a_day"],
        "kept": result["kept_a_day"] * row.question["retention_d"],
        "read_a_day": int(a_day),
        "features": len(result["spec"]["features"]),
        "sensitive": result["sensitive"],
    }


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _bars(values: list[int]) -> list[Bar]:
    most, step = max(values, default=0), WIDTH / max(len(values), 1)
    found = []
    for place, value in enumerate(values):
        height = max(HEIGHT * value / most, 1.5) if most else 0.0
        found.append(
            Bar(round(place * step, 2), round(HEIGHT - height, 2), round(max(step - 1, 0.5), 2), round(height, 2))
        )
    return found
