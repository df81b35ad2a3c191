"""What a question of the source form is about: its place, its objects, and how far a worker is with it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final, cast

from observability.domain.sources.template import Template, parse
from observability.ingest.access import access_of
from observability.ingest.children import UNDATED_LIMIT, listed
from observability.ingest.folders import day_folders
from observability.models import SampleRequest, StoreRoot
from observability.store.access import Access
from observability.store.files import SourceError
from observability.store.listing import Listed, Listing
from observability.store.sandbox import ChildLimits
from observability.store.warm import Reader

LOOKED_AT: Final = 3  # objects of which a sample is read
DAY: Final = 86_400
LISTING: Final = ChildLimits(seconds=90.0, cpu_seconds=90.0)
UNDATED: Final = (
    f"More than {UNDATED_LIMIT:,} objects lie here, and the address has no date: every poll would list them all. "
    "Write objects in folders by date, and use {yyyy} {mm} {dd}."
)


def say(row: SampleRequest, words: str) -> None:
    SampleRequest.objects.filter(pk=row.pk).update(progress=words)


def place(row: SampleRequest) -> tuple[Template, Access]:
    """What a question is about. Raises SourceError."""
    template = parse(row.question["location"])
    root = StoreRoot.objects.select_related("credential").filter(pk=row.question["root"], is_active=True).first()
    if root is None:
        raise SourceError("The root of this address is not read any more. The platform team can say why.")
    return template, access_of(root, row.question.get("format", ""))


def look(
    reader: Reader, template: Template, access: Access, start: int, end: int, zone: str, marker: str = ""
) -> Listing:
    """Objects of [start, end) by their names, in a child that holds the key. Raises SourceError."""
    parts = [one.part for one in day_folders(template, start, end, "" if zone == "UTC" else zone)]
    try:
        return cast(Listing, reader.call(listed, parts, access, template.text, marker, limits=LISTING))
    except SourceError as error:
        if "objects match" in str(error) and not template.is_dated:
            raise SourceError(UNDATED) from None
        raise


def counted(found: Sequence[Listed]) -> dict[str, Any]:
    newest = max(found, key=lambda seen: seen.mtime_ns)
    at = datetime.fromtimestamp(newest.mtime_ns / 1e9, UTC).isoformat() if newest.mtime_ns else None
    return {"count": len(found), "bytes": sum(seen.size for seen in found), "newest_at": at, "newest": newest.uri}


def room(size: int) -> ChildLimits:
    return ChildLimits.for_bytes(min(size, 512 << 20))
