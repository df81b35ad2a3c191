"""What the log page makes of fetched lines: severity, colours of pods, a search, and the file to keep."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from baristaweb.lib.visible import visible
from deployments.domain.logs.severity import goes_on
from deployments.domain.logs.severity import severity as severity_of
from deployments.models import LogRequest

COLOURS: Final = 6
SEARCH_MAX: Final = 200
FILE_BYTES: Final = 2_000_000
# What the choice of a severity lets through.
SEVERITIES: Final = {"": ("", "warn", "bad"), "warn": ("warn", "bad"), "bad": ("bad",)}


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """`parts`: pieces of the text, and whether each is what was searched for."""

    instant: str
    at: str
    pod: str
    short: str
    colour: int
    level: str
    parts: tuple[tuple[str, bool], ...]


def shown(row: LogRequest, *, search: str = "", severity: str = "") -> list[LogLine]:
    """The lines that hold `search` (in any case) and are as severe as asked, each pod in a colour of its own."""
    names = sorted({pod for _, pod, _, _ in row.lines})
    wanted = re.compile(re.escape(search), re.IGNORECASE) if search else None
    levels = SEVERITIES.get(severity, SEVERITIES[""])
    found = []
    levels_before: dict[tuple[str, str], str] = {}
    for instant, pod, container, text in row.lines:
        # Frames of a traceback are as severe as its first line, whatever other pods wrote in between.
        before = levels_before.get((pod, container), "")
        level = severity_of(text) or (before if before and goes_on(text) else "")
        levels_before[pod, container] = level
        if level not in levels or (wanted is not None and wanted.search(text) is None):
            continue
        at = datetime.fromisoformat(instant) if instant else None
        found.append(
            LogLine(
                instant=instant,
                at=at.strftime("%H:%M:%S.%f")[:-3] if at else "",
                pod=pod,
                short=pod.removeprefix(f"{row.deployment.name}-"),
                colour=names.index(pod) % COLOURS,
                level=level,
                parts=tuple(_parts(text, wanted)),
            )
        )
    return found


def as_text(row: LogRequest) -> str:
    """The lines as a file, at most 2 MB, the newest ones when there are more."""
    kept: list[str] = []
    left = FILE_BYTES - 200 - sum(len(problem.encode()) + 260 for _, problem in row.problems)
    for instant, pod, container, text in reversed(row.lines):
        line = f"{instant or '-'} {pod}/{container} {visible(text)}\n"
        left -= len(line.encode())
        if left < 0:
            break
        kept.append(line)
    is_cut = row.is_truncated or len(kept) < len(row.lines)
    head = ["# Older lines were left out: these are the newest.\n"] if is_cut else []
    head += [f"# {pod}{': ' if pod else ''}{visible(problem)}\n" for pod, problem in row.problems]
    return "".join([*head, *reversed(kept)])


def file_name(row: LogRequest) -> str:
    """Like ranker-all-pods-20261101T100000Z.log; of names that Kubernetes allows, so safe in a header."""
    at = (row.answered_at or row.created_at).strftime("%Y%m%dT%H%M%SZ")
    return f"{row.pod or f'{row.deployment.name}-all-pods'}-{at}.log"


def _parts(text: str, wanted: re.Pattern[str] | None) -> Iterator[tuple[str, bool]]:
    return _pieces(text, wanted.finditer(text)) if wanted is not None else iter([(text, False)])


def _pieces(text: str, matches: Iterable[re.Match[str]]) -> Iterator[tuple[str, bool]]:
    end = 0
    for match in matches:
        if match.start() > end:
            yield text[end : match.start()], False
        yield match.group(), True
        end = match.end()
    if end < len(text):
        yield text[end:], False
