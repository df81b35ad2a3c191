"""Import of kube-green's `SleepInfo` objects: the weekly schedule that their edges amount to, and what cannot be."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from deployments.domain.sleep.dialects import weeks
from deployments.domain.sleep.dialects.annotations import Understood
from deployments.domain.sleep.schedule import zones
from deployments.domain.sleep.schedule.windows import DAY, WEEK, Window

_CLOCK: Final = re.compile(r"(\d{1,2}):(\d{2})", re.ASCII)
_CRON_DAYS: Final = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")


@dataclass(frozen=True, slots=True, kw_only=True)
class SleepInfo:
    """What one object amounts to; `windows` None: not a weekly schedule of ours."""

    name: str
    read: tuple[Understood, ...]
    zone: str = "UTC"
    windows: tuple[Window, ...] | None = None


class _Not(Exception):
    """The field has no counterpart; the message says why."""


def understand(manifest: Mapping[str, Any]) -> SleepInfo:
    """Of one SleepInfo as the cluster or a file has it."""
    spec, metadata = manifest.get("spec"), manifest.get("metadata")
    name = str(metadata.get("name", "")) if isinstance(metadata, Mapping) else ""
    if not isinstance(spec, Mapping):
        return SleepInfo(name=name, read=(Understood("spec", "", False, "there is no spec"),))
    read: list[Understood] = []
    parsed: dict[str, Any] = {}
    readers = {"weekdays": _weekdays, "sleepAt": _clock, "wakeUpAt": _clock, "timeZone": _zone}
    for key in ("weekdays", "sleepAt", "wakeUpAt", "timeZone"):
        try:
            if key in spec:
                parsed[key] = readers[key](spec[key])
                read.append(Understood(key, str(spec[key])[:200], True, "as it is written"))
            elif key == "timeZone":
                parsed[key] = "UTC"
            else:
                words = (
                    "without it nothing wakes by itself; a schedule here always wakes"
                    if key == "wakeUpAt"
                    else "is missing"
                )
                read.append(Understood(key, "", False, words))
        except _Not as reason:
            read.append(Understood(key, str(spec[key])[:200], False, str(reason)))
    read += _others(spec)
    if len(parsed) < 4:
        return SleepInfo(name=name, read=tuple(read), zone=parsed.get("timeZone", "UTC"))
    minutes = _asleep(parsed["weekdays"], parsed["sleepAt"], parsed["wakeUpAt"])
    return SleepInfo(name=name, read=tuple(read), zone=parsed["timeZone"], windows=weeks.windows_of(minutes))


def _others(spec: Mapping[str, Any]) -> list[Understood]:
    """Fields that say what sleeps, not when."""
    words = {
        "suspendDeployments": "Deployments sleep here by their schedule; false would be an exemption",
        "suspendStatefulSets": "StatefulSets are not managed here",
        "suspendStatefulsets": "StatefulSets are not managed here",
        "suspendCronJobs": "CronJobs are not managed here",
        "patches": "patches of other kinds of objects are not applied here",
        "excludeRef": "give those an exemption, or a schedule of their own",
        "includeRef": "give only those the schedule; by names, kube-green itself selects none if there are two",
    }
    found = []
    for key in sorted(spec.keys() - {"weekdays", "sleepAt", "wakeUpAt", "timeZone"}):
        is_default = key == "suspendDeployments" and spec[key] is True
        found.append(
            Understood(str(key), str(spec[key])[:200], is_default, words.get(key, "not a field of kube-green"))
        )
    return found


def _weekdays(value: object) -> frozenset[int]:
    """Days of the week of cron, Monday = 0 here."""
    if not isinstance(value, str | int) or isinstance(value, bool):
        raise _Not("is not days of the week, such as 1-5")
    found: set[int] = set()
    for part in str(value).upper().split(","):
        if part == "*":
            return frozenset(range(7))
        first, dash, last = part.partition("-")
        left = _cron_day(first) % 7
        right = _cron_day(last) if dash else left
        # As the end of a span Sunday comes after Saturday.
        if right == 0 and left > 0:
            right = 7
        if left > right:
            raise _Not(f"{part!r} ends before it starts")
        found |= {(day - 1) % 7 for day in range(left, right + 1)}
    return frozenset(found)


def _cron_day(text: str) -> int:
    if text in _CRON_DAYS:
        return _CRON_DAYS.index(text)
    if text.isascii() and text.isdigit() and len(text) == 1 and int(text) <= 7:
        return int(text)
    raise _Not(f"{text[:20]!r} is not a day of the week that is read here")


def _clock(value: object) -> int:
    if not isinstance(value, str):
        raise _Not(f"is {type(value).__name__}, not text: quote it in the file, as in '19:30'")
    found = _CLOCK.fullmatch(value)
    if found is None or int(found[1]) > 23 or int(found[2]) > 59:
        raise _Not("is not HH:MM; what cron allows beyond that is not read")
    return int(found[1]) * 60 + int(found[2])


def _zone(value: object) -> str:
    try:
        return zones.check(str(value))
    except zones.UnknownZone as error:
        raise _Not(str(error)) from None


def _asleep(days: frozenset[int], sleep: int, wake: int) -> frozenset[int]:
    """From each edge to sleep until the next edge to wake; both come on the same days, so Friday's lasts to Monday."""
    wakes = sorted(day * DAY + wake for day in days)
    found: set[int] = set()
    for start in (day * DAY + sleep for day in days):
        length = min(((end - start) % WEEK or WEEK) for end in wakes)
        found |= {(start + passed) % WEEK for passed in range(length)}
    return frozenset(found)
