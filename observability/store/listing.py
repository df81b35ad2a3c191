"""What lies below prefixes of a store, asked for with as few requests as the store's paging allows."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import pyarrow as pa
import pyarrow.fs as pafs

from observability.store.access import Access, StoreError
from observability.store.files import short, shown
from observability.store.ranges import ListingError, names_after

MOST: Final = 2_000_000
LONGEST_NAME: Final = 1_000  # bytes: what a row of the database can be found by


@dataclass(frozen=True)
class Listed:
    """One object: its plain name with scheme://, bytes, and when it last changed."""

    uri: str
    size: int
    mtime_ns: int
    tag: str = ""


class Part(NamedTuple):
    """What one listing asks for: a folder by its URI with "/" at the end, whether those below it too, and of a large
    one only what comes after one name, up to another and with it."""

    uri: str
    is_deep: bool
    after: str = ""
    upto: str = ""


@dataclass(eq=False)
class Listing:
    """Objects whose names matched; `markers` are folders that hold the marker; `unusable` counts names that cannot be
    kept: not valid text, or too long."""

    objects: list[Listed] = field(default_factory=list)
    markers: set[str] = field(default_factory=set)
    unusable: int = 0
    seen: int = 0
    seconds: float = 0.0


def list_folders(
    parts: Sequence[Part],
    access: Access,
    matches: Callable[[str], bool],
    marker: str = "",
    most: int = MOST,
) -> Listing:
    """What matches in each part; a folder that is not there holds nothing.

    Raises StoreError, also for more than `most` objects.
    """
    found, began = Listing(), time.monotonic()
    with access.entered() as store:
        for part in parts:
            if not part.uri.startswith(access.root):
                raise StoreError(f"{shown(part.uri)} lies outside of {access.root}")
            for entry in _entries(part, store):
                found.seen += 1
                _take(entry, found, matches, marker)
                if len(found.objects) > most:
                    raise StoreError(
                        f"more than {most:,} objects match; put the date into the address, so that few are listed"
                    )
    found.seconds = time.monotonic() - began
    return found


def _entries(part: Part, store: pafs.FileSystem) -> Iterator[Listed]:
    if part.uri.startswith("file://"):
        return _local(part.uri, part.is_deep)
    return _between(part) if part.after or part.upto else _remote(part.uri, part.is_deep, store)


def _take(entry: Listed, found: Listing, matches: Callable[[str], bool], marker: str) -> None:
    folder, _, name = entry.uri.rpartition("/")
    if marker and name == marker:
        found.markers.add(folder)
    elif matches(entry.uri):
        try:
            is_usable = len(entry.uri.encode()) <= LONGEST_NAME
        except UnicodeEncodeError:
            is_usable = False
        if is_usable:
            found.objects.append(entry)
        else:
            found.unusable += 1


def _remote(folder: str, is_deep: bool, store: pafs.FileSystem) -> Iterator[Listed]:
    scheme, _, path = folder.partition("://")
    selector = pafs.FileSelector(path.rstrip("/"), recursive=is_deep, allow_not_found=True)
    try:
        entries = store.get_file_info(selector)
    except (OSError, pa.ArrowException) as error:
        raise StoreError(f"{shown(folder)}: cannot be listed: {short(error)}") from None
    for one in entries:
        if one.type == pafs.FileType.File:
            # S3 lists fractions of a second that a look at the object itself does not tell.
            mtime = (one.mtime_ns or 0) // 1_000_000_000 * 1_000_000_000 if scheme == "s3" else one.mtime_ns or 0
            yield Listed(f"{scheme}://{one.path}", one.size, mtime)


def _between(part: Part) -> Iterator[Listed]:
    scheme, _, path = part.uri.partition("://")
    bucket, _, folder = path.partition("/")
    start = f"{scheme}://{bucket}/"
    try:
        for name, size, mtime_ns in names_after(
            scheme, bucket, folder, part.after.removeprefix(start), is_deep=part.is_deep
        ):
            uri = start + name
            if not part.upto or uri <= part.upto:
                yield Listed(uri, size, mtime_ns)
            if part.upto and uri >= part.upto:
                return
    except ListingError as error:
        raise StoreError(f"{shown(part.uri)}: cannot be listed: {error}") from None


def _local(folder: str, is_deep: bool) -> Iterator[Listed]:
    """Files and links to files; what is looked at again before it is read decides whether a link may be followed."""
    pending = [folder.partition("://")[2]]
    visited: set[tuple[int, int]] = set()
    while pending:
        here = pending.pop()
        try:
            me = os.stat(here)
            entries = sorted(os.scandir(here), key=lambda entry: entry.name)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            raise StoreError(f"{shown(here)}: cannot be listed: {error.strerror}") from None
        if (me.st_dev, me.st_ino) in visited:
            continue
        visited.add((me.st_dev, me.st_ino))
        for entry in entries:
            try:
                info = entry.stat()
            except OSError:  # a link to nowhere, or gone meanwhile
                continue
            if stat.S_ISDIR(info.st_mode) and is_deep and not entry.is_symlink():
                pending.append(entry.path)
            elif stat.S_ISREG(info.st_mode):
                tag = f"{info.st_ino:x}-{info.st_ctime_ns:x}"
                yield Listed(f"file://{here.rstrip('/')}/{entry.name}", info.st_size, info.st_mtime_ns, tag)
