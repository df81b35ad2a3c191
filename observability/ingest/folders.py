"""Which folders are listed: of the newest prefixes at each poll, of whole days for sweeps and backfills."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from observability.domain.sources.prefixes import Prefix, between, open_prefixes
from observability.domain.sources.template import Template
from observability.models import LogSource

NEWEST: Final = 3  # prefixes that are listed at every poll; older open ones take turns, so that a poll stays small
TURNS: Final = 2


@dataclass(frozen=True)
class Folder:
    """What one listing asks for: a folder, whether those below it too, and the time that its prefixes cover."""

    uri: str
    is_deep: bool
    start: int
    end: int


def poll_folders(template: Template, source: LogSource, at: datetime) -> list[Folder]:
    """Folders of the newest open prefixes, and of the others a few in turn."""
    zone = zone_of(source)
    found = open_prefixes(template, at=int(at.timestamp()), lateness=source.lateness_s, zone=zone)
    newest, older = found[-NEWEST:], found[:-NEWEST]
    if len(older) > TURNS:
        turn = int(at.timestamp()) // max(source.poll_s, 1) * TURNS
        older = [older[(turn + place) % len(older)] for place in range(TURNS)]
    return _folders(template, [*older, *newest])


def _folders(template: Template, prefixes: Sequence[Prefix]) -> list[Folder]:
    is_deep = _is_deep(template)
    found: dict[str, Folder] = {}
    for prefix in prefixes:
        uri = prefix.uri[: prefix.uri.rfind("/") + 1]
        known = found.get(uri)
        start = min(known.start, prefix.start) if known else prefix.start
        found[uri] = Folder(uri, is_deep, start, max(known.end, prefix.end) if known else prefix.end)
    return list(found.values())


def _is_deep(template: Template) -> bool:
    """Whether names match that lie in folders below the prefix."""
    rest = template.text[_fixed_length(template) :]
    return "/" in rest


def _fixed_length(template: Template) -> int:
    wild = min((place for place in (template.text.find("*"), template.text.find("?")) if place >= 0), default=-1)
    return wild if wild >= 0 else template.text.rfind("/") + 1


def sweep_folders(template: Template, source: LogSource, at: datetime) -> list[Folder]:
    """Folders of the whole retention, oldest first, each of a day or more: as few listings as there are pages."""
    end = int(at.timestamp())
    return day_folders(template, end - source.retention_d * 86_400, end, zone_of(source))


def day_folders(template: Template, start: int, end: int, zone: str) -> list[Folder]:
    """Folders that hold all prefixes of [start, end); an hour's prefixes are listed together with those of its day."""
    found: dict[str, Folder] = {}
    is_deep = _is_deep(template) or template.step == "hour"
    for prefix in between(template, start=start, end=end, zone=zone):
        uri = _day_folder(template, prefix)
        known = found.get(uri)
        first = min(known.start, prefix.start) if known else prefix.start
        found[uri] = Folder(uri, is_deep, first, max(known.end, prefix.end) if known else prefix.end)
    return list(found.values())


def _day_folder(template: Template, prefix: Prefix) -> str:
    if template.step != "hour":
        return prefix.uri[: prefix.uri.rfind("/") + 1]
    # The same address up to its hour: what stands before {hh} is as long in every prefix but for the dates' braces.
    before = template.text[: template.text.index("{hh}")]
    length = len(before.replace("{yyyy}", "0000").replace("{mm}", "00").replace("{dd}", "00"))
    return prefix.uri[: prefix.uri[:length].rfind("/") + 1]


def zone_of(source: LogSource) -> str:
    """Of the dates in names: that of the windows."""
    zone = source.spec.zone if source.spec else "UTC"
    return "" if zone == "UTC" else zone
