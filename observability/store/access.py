"""Objects of one root with one key: what the process's environment says of stores is set for as long as they are read.

Only for processes that read for one source at a time (store.warm): the environment belongs to all threads.
"""

from __future__ import annotations

import configparser
import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import pyarrow.fs as pafs

from observability.domain.sources.places import Root, left_root
from observability.store.files import Limits, Source, SourceError, filesystem_of, look_at, short, shown

KEY_BYTES: Final = 64 << 10
OWN: Final = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_ENDPOINT_URL_S3",
    "AWS_REGION",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "STORAGE_EMULATOR_HOST",
)


class StoreError(SourceError):
    """The store, not the object: away, throttling, or refusing our key. Trying again later may help."""


class GoneError(SourceError):
    """The object is not there any more."""


@dataclass(frozen=True, kw_only=True)
class Access:
    """Where a source may read and with what: `root` ends in "/"; `key_file` is a path on this machine, "" none."""

    root: str
    kind: str = ""  # s3, gs or file
    key_file: str = ""
    endpoint: str = ""
    region: str = ""
    format: str = ""  # "" tells it by the name

    @property
    def scheme(self) -> str:
        return self.root.partition("://")[0]

    @contextlib.contextmanager
    def entered(self) -> Iterator[pafs.FileSystem]:
        """The store's filesystem; the environment names this key until the block ends. Raises StoreError."""
        before = {name: os.environ.get(name) for name in OWN}
        try:
            if self.key_file or self.endpoint:
                os.environ.update(self._environment())
            yield filesystem_of(self.scheme)
        finally:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value

    def _environment(self) -> dict[str, str]:
        if self.scheme == "gs":
            found = {"GOOGLE_APPLICATION_CREDENTIALS": self.key_file} if self.key_file else {}
            return found | ({"STORAGE_EMULATOR_HOST": self.endpoint} if self.endpoint else {})
        found = _aws_key(self.key_file) if self.key_file else {}
        found |= {"AWS_ENDPOINT_URL_S3": self.endpoint} if self.endpoint else {}
        return found | ({"AWS_REGION": self.region} if self.region else {})


def open_object(uri: str, access: Access, store: pafs.FileSystem, limits: Limits) -> Source:
    """The object as it is now. `uri` is the plain name behind scheme://, not quoted. Raises SourceError, StoreError."""
    if not uri.startswith(access.root):
        raise SourceError(f"{shown(uri)}: lies outside of {access.root}")
    path = uri.partition("://")[2]
    if access.scheme == "file":
        path = _real(path, access)
    try:
        found = look_at(uri, path, store)
    except SourceError as error:
        told = str(error)
        if told.endswith(("no such object", "No such file or directory")):
            raise GoneError(told) from None
        raise (StoreError(told) if "cannot be reached" in told else error) from None
    if found.size > limits.file_bytes:
        raise SourceError(f"{found.shown}: {found.size:,} bytes are more than the limit of {limits.file_bytes:,}")
    return replace(found, declared=access.format)


def tag_of(source: Source) -> str:
    """What tells two contents of the same size and time apart: the store's etag or generation, on this machine the
    file's number and when it last changed in any way; "" where there is none."""
    if source.is_local:
        found = os.stat(source.path)
        return f"{found.st_ino:x}-{found.st_ctime_ns:x}"
    try:
        with source.filesystem.open_input_stream(source.path) as stream:
            told = stream.metadata() or {}
    except OSError as error:
        raise StoreError(f"{source.shown}: cannot be opened: {short(error)}") from None
    for name in ("ETag", "etag", "generation", "md5Hash"):
        if value := told.get(name) or told.get(name.encode()):
            return (value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)).strip('"')[:128]
    return ""


def _real(path: str, access: Access) -> str:
    """The path with all links followed, which still lies below the root (whose own path may be a link)."""
    root = os.path.realpath(access.root.partition("://")[2]).rstrip("/") + "/"
    real = os.path.realpath(path)
    if reason := left_root(real, Root(f"file://{root}", "")):
        raise SourceError(f"{shown(path)}: {reason}")
    return real


def _aws_key(file: str) -> dict[str, str]:
    """JSON with access_key_id and secret_access_key, or a credentials file of AWS with one profile."""
    try:
        data = Path(file).read_bytes()[:KEY_BYTES].decode()
    except (OSError, UnicodeDecodeError) as error:
        raise StoreError(f"the key's file cannot be read on this worker: {short(error)}") from None
    try:
        found = json.loads(data)
    except ValueError:
        parser = configparser.ConfigParser()
        try:
            parser.read_string(data)
        except configparser.Error:
            raise StoreError("the key's file is neither JSON nor a credentials file of AWS") from None
        found = dict(parser[parser.sections()[0]]) if parser.sections() else {}
    names = ("access_key_id", "secret_access_key", "session_token")
    values = {f"AWS_{name.upper()}": found.get(name) or found.get(f"aws_{name}") or "" for name in names}
    if not values["AWS_ACCESS_KEY_ID"] or not values["AWS_SECRET_ACCESS_KEY"]:
        raise StoreError("the key's file has no access_key_id and secret_access_key")
    return values
