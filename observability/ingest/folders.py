"""Which folders are listed: of the newest prefixes at each poll, of whole days for sweeps and backfills."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from django.db.models import Count
from django.db.models.functions import Collate

from observability.domain.sources.prefixes import Prefix, between, open_prefixes
from observability.domain.sources.template import Template
from observability.models import LogSource, SourceObject
from observability.store.listing import Part

NEWEST: Final = 2  # prefixes that every poll begins with; older open ones take turns
REQUESTS: Final = 5  # of one poll, unless its newest prefix alone takes more
PAGE: Final = 1_000  # objects that a store tells of in one answer
SLICE: Final = 3  # pages of a large prefix that are listed at once
TAIL: Final = -1
BY_BYTE: Final = Collate("uri", "C")  # the order in which stores list


@dataclass(frozen=True)
class Folder:
    """What one listing asks for (as store.listing.Part), and the time that its prefixes cover."""

    uri: str
    is_deep: bool
    start: int
    end: int
    after: str = ""
    upto: str = ""

    @property
    def part(self) -> Part:
        return Part(self.uri, self.is_deep, self.after, self.upto)

    def holds(self, uri: str) -> bool:
        """Whether an object of this name would be listed."""
        if not uri.startswith(self.uri) or uri <= self.after or (self.upto and uri > self.upto):
            return False
        return self.is_deep or "/" not in uri[len(self.uri) :]


@dataclass(frozen=True)
class _Ask:
    """A prefix to list, whole or a part of it, and how many requests that takes."""

    prefix: Prefix
    cost: int
    part: int | None = None  # which slice; TAIL: what comes after the last name that is known; None: all of it


def poll_folders(template: Template, source: LogSource, at: datetime) -> list[Folder]:
    """Folders of the newest open prefixes, and of the others in turn: as many as fit into a few requests.

    Of a prefix of many pages what comes after its last name is new, as long as writers number or date their names; all
    of it is listed in turn, a few pages at a time.
    """
    found = open_prefixes(template, at=int(at.timestamp()), lateness=source.lateness_s, zone=zone_of(source))
    known = _known_names(source, found)
    newest, older = found[-NEWEST:][::-1], found[:-NEWEST]
    is_cut = {prefix for prefix in found if known.get(prefix.start, 0) > PAGE and _is_cuttable(source, prefix)}
    first = [
        _Ask(prefix, 1, TAIL) if prefix in is_cut else _Ask(prefix, known.get(prefix.start, 0) // PAGE + 1)
        for prefix in newest
    ]
    rest = [ask for prefix in [*newest, *older] for ask in _in_turn(prefix, known, is_cut, is_new=prefix in newest)]
    turn = int(at.timestamp()) // max(source.poll_s, 1) % max(len(rest), 1)
    chosen: list[_Ask] = []
    spent = 0
    for ask in [*first, *rest[turn:], *rest[:turn]]:
        spent += ask.cost
        if chosen and spent > REQUESTS:
            break
        chosen.append(ask)
    whole = _folders(template, [ask.prefix for ask in chosen if ask.part is None])
    return whole + [_part(template, source, ask) for ask in chosen if ask.part is not None]


def _is_cuttable(source: LogSource, prefix: Prefix) -> bool:
    """Whether its folder is of this prefix alone, in a store that lists from a name on. With a marker all of the folder
    is looked at: whether it is there decides for every object."""
    return source.scheme != "file" and not source.marker and bool(prefix.end) and prefix.uri.endswith("/")


def _in_turn(prefix: Prefix, known: Mapping[int, int], is_cut: Collection[Prefix], *, is_new: bool) -> list[_Ask]:
    count = known.get(prefix.start, 0)
    if prefix in is_cut:
        slices = -(-count // (SLICE * PAGE))
        return [_Ask(prefix, min(SLICE, count // PAGE + 1), number) for number in range(slices)]
    return [] if is_new else [_Ask(prefix, count // PAGE + 1)]


def _known_names(source: LogSource, prefixes: Sequence[Prefix]) -> dict[int, int]:
    """How many objects of each prefix are known, by its start."""
    starts = [datetime.fromtimestamp(prefix.start, UTC) for prefix in prefixes if prefix.end]
    rows = SourceObject.objects.filter(source=source, placed_at__in=starts)
    told = rows.order_by().values_list("placed_at").annotate(number=Count("pk"))
    return {int(start.timestamp()): count for start, count in told if start is not None}


def _part(template: Template, source: LogSource, ask: _Ask) -> Folder:
    """What lies between two names that are known, however much came between them meanwhile."""
    prefix, part = ask.prefix, ask.part or 0
    rows = SourceObject.objects.filter(source=source, placed_at=datetime.fromtimestamp(prefix.start, UTC))
    names = rows.order_by(BY_BYTE).values_list("uri", flat=True)
    if part == TAIL:
        ends = [names.reverse().first() or "", ""]
    else:
        places = (part * SLICE * PAGE - 1, (part + 1) * SLICE * PAGE - 1)
        ends = ["" if place < 0 else next(iter(names[place : place + 1]), "") for place in places]
        ends[1] = ends[1] or names.reverse().first() or ""
    return Folder(prefix.uri, _is_deep(template), prefix.start, prefix.end, *ends)


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
