"""Which folders are listed: of the newest prefixes at each poll, of whole days for sweeps and backfills."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from django.db.models import Count

from observability.domain.sources.prefixes import Prefix, between, open_prefixes
from observability.domain.sources.template import Template
from observability.models import LogSource, SourceObject

NEWEST: Final = 2  # prefixes that every poll begins with; older open ones take turns
REQUESTS: Final = 5  # of one poll, unless its newest prefix alone takes more
PAGE: Final = 1_000  # objects that a store tells of in one answer


@dataclass(frozen=True)
class Folder:
    """What one listing asks for: a folder, whether those below it too, and the time that its prefixes cover."""

    uri: str
    is_deep: bool
    start: int
    end: int


def poll_folders(template: Template, source: LogSource, at: datetime) -> list[Folder]:
    """Folders of the newest open prefixes, and of the others in turn: as many as fit into a few requests."""
    found = open_prefixes(template, at=int(at.timestamp()), lateness=source.lateness_s, zone=zone_of(source))
    pages = _pages(source, found)
    newest, older = found[-NEWEST:][::-1], found[:-NEWEST]
    turn = int(at.timestamp()) // max(source.poll_s, 1) % max(len(older), 1)
    chosen: list[Prefix] = []
    spent = 0
    for prefix in [*newest, *older[turn:], *older[:turn]]:
        spent += pages.get(prefix.start, 1)
        if chosen and spent > REQUESTS:
            break
        chosen.append(prefix)
    return _folders(template, chosen)


def _pages(source: LogSource, prefixes: Sequence[Prefix]) -> dict[int, int]:
    """How many pages the listing of each prefix has, by what is known of it."""
    starts = [datetime.fromtimestamp(prefix.start, UTC) for prefix in prefixes if prefix.end]
    rows = SourceObject.objects.filter(source=source, placed_at__in=starts)
    told = rows.order_by().values_list("placed_at").annotate(number=Count("pk"))
    return {int(start.timestamp()): count // PAGE + 1 for start, count in told if start is not None}


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
