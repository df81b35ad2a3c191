"""How severe a line is, in the ways of the loggers that serving runtimes use.

JSON (level, severity, lvl ...; words and the numbers of pino, Python, OpenTelemetry, Google and syslog), logfmt, glog,
brackets of any kind, TensorRT and TensorFlow, Python, Java, Node, Go and Rust: what the logger itself says decides, and
of several words in one line the first, which is where loggers put it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

BAD: Final = "bad"
WARN: Final = "warn"
PLAIN: Final = ""

_WORDS: Final = {
    **dict.fromkeys(("error", "err", "fatal", "critical", "crit", "panic", "dpanic", "severe", "emerg", "alert"), BAD),
    **dict.fromkeys(("emergency", "failure"), BAD),
    **dict.fromkeys(("warn", "warning"), WARN),
    **dict.fromkeys(("info", "information", "notice", "debug", "trace", "verbose", "default"), PLAIN),
}
_LETTERS: Final = {"e": BAD, "f": BAD, "c": BAD, "w": WARN, "i": PLAIN, "d": PLAIN, "v": PLAIN}
_LEVEL_KEYS: Final = (
    "level",
    "severity",
    "lvl",
    "levelname",
    "log.level",
    "loglevel",
    "log_level",
    "@level",
    "@l",
    "severitytext",
    "severity_text",
)
_NUMBER_KEYS: Final = ("severitynumber", "severity_number", "levelno", "syslog_severity", "priority")
_DEPTH: Final = 3
# A level stands in front; what follows is what the program says.
_HEAD: Final = 400
# None of these and no letter of glog in front: nothing in the line can make it severe.
_HINTS: Final = (
    "err",
    "fatal",
    "crit",
    "panic",
    "severe",
    "emerg",
    "alert",
    "warn",
    "traceback",
    "exception",
    "caused by",
)
_MORE_HINTS: Final = ("fault", "[e]", "[w]", "[f]", "[c]", "interrupt", "failure", "lvl", "level", "severity")

_NAMES: Final = "|".join(sorted((word for word in _WORDS if word not in ("default", "failure")), key=len, reverse=True))
_GLOG: Final = re.compile(r"^\s*([IWEF])\d{4} \d\d:\d\d")
_TENSORFLOW: Final = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+: ([IWEF]) ")
_SAYS: Final = re.compile(
    rf"""(?P<upper>(?-i:\b(?:{_NAMES.upper()})\b))
    | [\[(<|]\s*(?P<framed>{_NAMES})\s*[\])>|]
    | \[(?P<letter>[EWFICDV])\]
    | \b(?:level|lvl|severity|loglevel|levelname)\s*=\s*"?(?P<pair>[a-z]+)
    | (?:^|[\s\])|>])(?P<colon>{_NAMES})\s*:
    | (?P<node>(?-i:\bERR!))
    """,
    re.IGNORECASE | re.VERBOSE,
)
_RAISED: Final = re.compile(
    r"^\s*(?:Traceback \(most recent call last\)"
    r"|Exception in thread|Caused by: |Uncaught |Unhandled "
    r"|(?:[\w$]+\.)*[\w$]*(?:Error|Exception|Interrupt|Throwable)(?::|\s*$)"
    r"|fatal error: |Segmentation fault|thread '.*' panicked at )"
)
_WARNED: Final = re.compile(r"(?:^|[\s:])[A-Za-z]*Warning: ")
# What belongs to the line before it: frames of a traceback or of a stack.
_GOES_ON: Final = re.compile(
    r"^(?:\s+\S|\.\.\. \d+ more|Caused by: |During handling of the above|The above exception )"
)


def severity(text: str) -> str:
    """ "bad", "warn" or "" (neither, or nothing is said about it)."""
    head = text[:_HEAD]
    if (found := _GLOG.match(head)) or (found := _TENSORFLOW.match(head)):
        return _LETTERS[found.group(1).lower()]
    if head.lstrip()[:1] == "{" and (said := _of_json(text)) is not None:
        return said
    lowered = head.lower()
    if not any(hint in lowered for hint in _HINTS) and not any(hint in lowered for hint in _MORE_HINTS):
        return PLAIN
    raised = _RAISED.match(head)
    if raised is not None:
        return BAD
    for found in _SAYS.finditer(head):
        kind = found.lastgroup or ""
        if kind == "node":
            return BAD
        if kind == "letter":
            return _LETTERS[found.group(kind).lower()]
        level = _WORDS.get(found.group(kind).lower())
        if level is not None:
            return level
    return WARN if _WARNED.search(head) else PLAIN


def goes_on(text: str) -> bool:
    """Whether a line continues the one before it, as a frame of a traceback does."""
    return _GOES_ON.match(text) is not None


def _of_json(text: str) -> str | None:
    """None when it is no JSON object or names no level."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return _in(found, _DEPTH) if isinstance(found, dict) else None


def _in(found: Mapping[str, Any], depth: int) -> str | None:
    names = {key.lower(): value for key, value in found.items()}
    for key in (*_LEVEL_KEYS, *_NUMBER_KEYS):
        level = _value(key, names.get(key))
        if level is not None:
            return level
    if depth:
        for key in ("log", "record", "attributes", "event"):
            inner = names.get(key)
            if isinstance(inner, Mapping) and (level := _in(inner, depth - 1)) is not None:
                return level
    return None


def _value(key: str, value: object) -> str | None:
    if isinstance(value, Mapping):  # loguru: {"level": {"name": "ERROR", "no": 40}}
        return _value(key, value.get("name"))
    if isinstance(value, str) and not value.strip().isdigit():
        word = value.strip().lower()
        return _WORDS.get(word, _LETTERS.get(word))
    if isinstance(value, str):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return _number(key, value)


def _number(key: str, value: int) -> str:
    """By the scale that the key and the number belong to: equal numbers mean different things in different scales."""
    if key in ("severitynumber", "severity_number"):  # OpenTelemetry
        bad, warn = 17, 13
    elif key == "levelno":  # Python
        bad, warn = 40, 30
    elif value >= 100:  # Google Cloud
        bad, warn = 500, 400
    elif value <= 7 and key != "level":  # syslog counts down
        return BAD if value <= 3 else WARN if value == 4 else PLAIN
    elif value <= 7:  # zerolog's and slog's numbers are rare and disagree
        return PLAIN
    else:  # pino and bunyan
        bad, warn = 50, 40
    return BAD if value >= bad else WARN if value >= warn else PLAIN
