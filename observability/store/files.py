"""Where logs live: local paths, s3:// and gs:// behind one small type, with the identity of each object."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

import pyarrow as pa
import pyarrow.fs as pafs

from observability.store.folders import walk

SUFFIXES: Final = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".profile": "profile",
}
LOGS: Final = tuple(ending for ending, kind in SUFFIXES.items() if kind != "profile")
COMPRESSED: Final = {".gz": "gzip", ".zst": "zstd"}
MAX_LISTING: Final = 100_000
NAMELESS: Final = "a source needs a path or an s3:// or gs:// address"


class SourceError(ValueError):
    """A source that cannot be read; the message names it and says why."""


@dataclass(frozen=True)
class Limits:
    """What one source may cost. Larger sources are refused with the limit in the message, never read halfway."""

    file_bytes: int = 2 << 30
    rows: int = 50_000_000
    columns: int = 5_000
    cell_bytes: int = 64 << 10
    line_bytes: int = 8 << 20
    ratio: int = 200
    groups: int = 4_096


@dataclass(frozen=True)
class Source:
    """One object and what identifies its content: if size or mtime changes, it is another object."""

    uri: str
    path: str
    size: int
    mtime_ns: int
    filesystem: pafs.FileSystem = field(compare=False, repr=False)
    inode: tuple[int, int] | None = None  # (device, inode) of a local file
    declared: str = ""  # the format, where it is not told by the name

    @property
    def format(self) -> str:
        """parquet, jsonl, csv or profile by the name's ending; a compression ending is looked through."""
        if self.declared:
            return self.declared
        name = Path(self.path)
        suffix = Path(name.stem).suffix if name.suffix.lower() in COMPRESSED else name.suffix
        found = SUFFIXES.get(suffix.lower())
        if found is None:
            known = ", ".join(sorted(SUFFIXES))
            raise SourceError(f"{self.shown}: unknown kind of file; names end in {known}, lines may add .gz or .zst")
        return found

    @property
    def compression(self) -> str | None:
        return COMPRESSED.get(Path(self.path).suffix.lower())

    @property
    def shown(self) -> str:
        """The name with control characters escaped, cut to a readable length."""
        return shown(self.uri)

    @property
    def identity(self) -> object:
        """What is equal for two names of one object: device and inode on this machine, else the path."""
        return self.inode or self.path

    @property
    def is_local(self) -> bool:
        return isinstance(self.filesystem, pafs.LocalFileSystem)

    def open(self) -> Any:
        """A seekable Arrow file."""
        try:
            return self.filesystem.open_input_file(self.path)
        except UnicodeEncodeError:
            raise SourceError(f"{self.shown}: a name that is not valid UTF-8; rename the file") from None
        except (OSError, pa.ArrowException) as error:
            raise SourceError(f"{self.shown}: cannot be opened: {short(error)}") from None

    def check_unchanged(self) -> None:
        """Raises when the object was replaced, truncated or grew since it was listed."""
        now = look_at(self.uri, self.path, self.filesystem)
        if (now.size, now.mtime_ns) != (self.size, self.mtime_ns):
            raise SourceError(f"{self.shown}: the file changed while it was read; profile it again when it is complete")

    def note(self) -> dict[str, Any]:
        return {"uri": self.uri, "size": self.size, "mtime_ns": self.mtime_ns}


def open_source(uri: str, limits: Limits | None = None) -> Source:
    """Find one object: a regular file, s3:// or gs://; anything else is refused before it is opened."""
    if not uri or "\0" in uri:
        raise SourceError(NAMELESS)
    filesystem, path = _resolve(uri)
    source = look_at(uri, path, filesystem)
    allowed = (limits or Limits()).file_bytes
    if source.size > allowed:
        raise SourceError(
            f"{source.shown}: {source.size:,} bytes are more than the limit of {allowed:,}; split the file"
        )
    return source


def expand(uri: str, limits: Limits | None = None) -> list[Source]:
    """The object itself, or every log directly and indirectly below a folder, in order of name; stored profiles are
    taken only when they are named themselves."""
    if not uri or "\0" in uri:
        raise SourceError(NAMELESS)
    filesystem, path = _resolve(uri)
    is_local = isinstance(filesystem, pafs.LocalFileSystem)
    if not (os.path.isdir(path) if is_local else _is_remote_folder(uri, path, filesystem)):
        return [open_source(uri, limits)]
    found = []
    for name in walk(path, SourceError) if is_local else _remote_names(path, filesystem):
        if _is_log(name):
            found.append(name)
        if len(found) > MAX_LISTING:
            raise SourceError(f"{shown(uri)}: more than {MAX_LISTING:,} files; name a smaller folder")
    if not found:
        raise SourceError(f"{shown(uri)}: no log file in this folder; names end in {', '.join(sorted(LOGS))}")
    scheme = urlsplit(uri).scheme if "://" in uri else ""
    return [open_source(f"{scheme}://{name}" if scheme in ("s3", "gs") else name, limits) for name in sorted(found)]


def filesystem(uri: str) -> pafs.FileSystem:
    """The file system that an address is of. Raises SourceError for a scheme that is none."""
    return _resolve(uri)[0]


def _is_log(path: str) -> bool:
    name = Path(path)
    ending = Path(name.stem).suffix if name.suffix.lower() in COMPRESSED else name.suffix
    return ending.lower() in LOGS


def _is_remote_folder(uri: str, path: str, filesystem: pafs.FileSystem) -> bool:
    try:
        return bool(filesystem.get_file_info(path).type == pafs.FileType.Directory)
    except (OSError, pa.ArrowException) as error:
        raise SourceError(f"{shown(uri)}: cannot be reached: {short(error)}") from None


def _remote_names(path: str, filesystem: pafs.FileSystem) -> Iterator[str]:
    for entry in filesystem.get_file_info(pafs.FileSelector(path, recursive=True)):
        parts = Path(os.path.relpath(entry.path, path)).parts
        if entry.type == pafs.FileType.File and not any(part.startswith(("_", ".")) for part in parts):
            yield entry.path


def _resolve(uri: str) -> tuple[pafs.FileSystem, str]:
    scheme = urlsplit(uri).scheme if "://" in uri else ""
    if scheme == "":
        return pafs.LocalFileSystem(), os.path.abspath(uri)
    if scheme == "file":
        return pafs.LocalFileSystem(), unquote(urlsplit(uri).path)
    if scheme == "s3":
        return _s3(uri)
    if scheme == "gs":
        return _gs(uri)
    raise SourceError(f"{shown(uri)}: {scheme}:// is not a source; use a path, file://, s3:// or gs://")


def _s3(uri: str) -> tuple[pafs.FileSystem, str]:
    """Credentials and region come from the environment; AWS_ENDPOINT_URL points at another service that speaks S3."""
    parts = urlsplit(uri)
    options: dict[str, Any] = dict(parse_qsl(parts.query))
    unknown = sorted(set(options) - {"region", "endpoint_override", "scheme"})
    if unknown:
        raise SourceError(f"{shown(uri)}: unknown option {unknown[0]!r} of an s3:// address")
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    if endpoint and "endpoint_override" not in options:
        where = urlsplit(endpoint)
        options |= {"endpoint_override": where.netloc, "scheme": where.scheme}
    if region := os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION"):
        options.setdefault("region", region)
    elif endpoint:
        options.setdefault("region", "us-east-1")  # without one Arrow asks the service, which others cannot answer
    timeouts = {"connect_timeout": 10.0, "request_timeout": 60.0}
    return pafs.S3FileSystem(**options, **timeouts), f"{parts.netloc}{unquote(parts.path)}"


def _gs(uri: str) -> tuple[pafs.FileSystem, str]:
    """Credentials are Google's defaults; STORAGE_EMULATOR_HOST, which Google's own clients know, needs none."""
    parts = urlsplit(uri)
    options: dict[str, Any] = {"retry_time_limit": timedelta(seconds=60)}  # Google's default is a quarter of an hour
    if emulator := os.environ.get("STORAGE_EMULATOR_HOST"):
        where = urlsplit(emulator if "://" in emulator else f"http://{emulator}")
        options |= {"anonymous": True, "endpoint_override": where.netloc, "scheme": where.scheme}
        options["retry_time_limit"] = timedelta(seconds=5)  # it is near, and answers soon or not at all
    return pafs.GcsFileSystem(**options), f"{parts.netloc}{unquote(parts.path)}"


def filesystem_of(scheme: str) -> pafs.FileSystem:
    """The store behind file, s3 or gs, as the environment names it."""
    return pafs.LocalFileSystem() if scheme == "file" else _resolve(f"{scheme}://bucket")[0]


def look_at(uri: str, path: str, filesystem: pafs.FileSystem) -> Source:
    """The object at a path of the store, as it is now. Raises SourceError."""
    if isinstance(filesystem, pafs.LocalFileSystem):
        try:
            found = os.stat(path)
        except OSError as error:
            raise SourceError(f"{shown(uri)}: {error.strerror}") from None
        if not stat.S_ISREG(found.st_mode):
            raise SourceError(f"{shown(uri)}: not a regular file (a folder, pipe or device)")
        inode = (found.st_dev, found.st_ino)
        return Source(uri, path, found.st_size, found.st_mtime_ns, filesystem, inode)
    try:
        info = filesystem.get_file_info(path)
    except (OSError, pa.ArrowException) as error:
        raise SourceError(f"{shown(uri)}: cannot be reached: {short(error)}") from None
    if info.type != pafs.FileType.File:
        raise SourceError(f"{shown(uri)}: no such object")
    return Source(uri, path, info.size, info.mtime_ns or 0, filesystem)


def shown(uri: str) -> str:
    """A name on one line: control characters escaped, cut to a readable length."""
    text = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in uri)
    return text if len(text) <= 200 else text[:100] + "…" + text[-80:]


def short(error: BaseException) -> str:
    text = str(error).strip().splitlines()
    return (text[0] if text else type(error).__name__)[:300]
