"""One answer, or a batch of them, as text: `true`, `false` or `error: ...`, always on one line of ASCII."""

from __future__ import annotations

import re
from typing import Final

from deployments.domain.sleep.dialects import golang, instants, python
from deployments.domain.sleep.dialects.spans import Defaults, Dialect, SpecError

_ESCAPES: Final = {r"\t": "\t", r"\n": "\n", r"\\": "\\"}
_ESCAPE: Final = re.compile(r"\\[tn\\]")


def matches(dialect: Dialect, spec: str, at: int, defaults: Defaults) -> bool:
    """Whether that program says that the instant (nanoseconds) is in `spec`; raises `SpecError` where it fails."""
    answer = python.matches if dialect is Dialect.PY else golang.matches
    try:
        return answer(spec, at, defaults)
    except OverflowError:
        raise SpecError("the local time is before the year 1 or after 9999") from None


def answer(dialect: Dialect, spec: str, at: int, defaults: Defaults) -> str:
    """`matches` in words."""
    try:
        return "true" if matches(dialect, spec, at, defaults) else "false"
    except SpecError as error:
        return _error(str(error))


def answer_line(line: str, defaults: Defaults) -> str:
    r"""The answer to `dialect TAB spec TAB instant`; in the spec `\t`, `\n` and `\\` stand for the characters."""
    fields = line.split("\t")
    if len(fields) != 3:
        return _error(f"expected dialect, spec and instant with a tab between, found {len(fields)} of 3 fields")
    name, spec, when = fields
    if name not in tuple(Dialect):
        return _error(f"the dialect is py or go, not {name[:40]!a}")
    try:
        at = instants.parse(when)
    except instants.BadInstant as error:
        return _error(str(error))
    return answer(Dialect(name), _ESCAPE.sub(lambda found: _ESCAPES[found[0]], spec), at, defaults)


def _error(text: str) -> str:
    return "error: " + text.encode("ascii", "backslashreplace").decode("ascii").replace("\n", r"\n").replace(
        "\r", r"\r"
    )
