"""Names of a log line's fields as the reader of the logs wants them."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from typing import Any, Final, Literal

Line = MutableMapping[str, Any]
Fields = Literal["plain", "google"]

_SEVERITIES: Final = {
    "debug": "DEBUG",
    "info": "INFO",
    "warning": "WARNING",
    "warn": "WARNING",
    "error": "ERROR",
    "exception": "ERROR",
    "critical": "CRITICAL",
}
# What Cloud Logging takes out of a line: https://cloud.google.com/logging/docs/structured-logging
_NAMES: Final = {"event": "message", "timestamp": "time"}


def processors(fields: Fields) -> list[Callable[[Any, str, Line], Line]]:
    """What structlog does to a line before it is written."""
    return [for_cloud_logging] if fields == "google" else []


def for_cloud_logging(logger: Any, method: str, line: Line) -> Line:
    """`severity` beside `level`, `message` for the event, `time` for the instant; everything else as it is."""
    line["severity"] = _SEVERITIES.get(str(line.get("level", "")).lower(), "DEFAULT")
    for ours, theirs in _NAMES.items():
        if ours in line:
            line.setdefault(theirs, line.pop(ours))
    return line
