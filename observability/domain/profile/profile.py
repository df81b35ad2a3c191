"""A profile: the states of all features per cell, with its file format and its exact merge."""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import pyarrow as pa

from observability.domain.profile.encoding import FormatError, decode, encode
from observability.domain.profile.states import MergeError, State, merge
from observability.domain.specs.spec import Spec, canonical_json

MAGIC: Final = b"BARISTAP"
FILE_FORMAT: Final = 1
_HEAD: Final = struct.Struct("<8sHIQ32s")  # magic, format, length of the note, length of the body, sha256 of the body
_MAX_BODY: Final = 1 << 32
_ZSTD: Final = pa.Codec("zstd", compression_level=3)


@dataclass(frozen=True, order=True)
class Cell:
    """What one set of states answers for: model version, start of the window (epoch seconds) and segment."""

    version: str = ""
    window: int | None = None
    segment: str = ""

    @property
    def sort_key(self) -> tuple[bytes, int, int, bytes]:
        return (self.version.encode(), self.window is not None, self.window or 0, self.segment.encode())


@dataclass(frozen=True, eq=False)
class Profile:
    """States by cell and feature. `note` tells the origin (sources, bad rows) and has no part in the identity."""

    spec: Spec
    states: Mapping[Cell, Mapping[str, State]]
    window: str = ""
    note: Mapping[str, Any] = field(default_factory=dict)

    @property
    def cells(self) -> list[Cell]:
        return sorted(self.states, key=lambda cell: cell.sort_key)

    @property
    def rows(self) -> int:
        """Rows folded; every feature of a cell saw the same."""
        return sum(next(iter(states.values())).rows for states in self.states.values() if states)

    def feature(self, name: str, cells: Sequence[Cell] | None = None) -> State | None:
        """One state over the given cells (default all); None when no cell has the feature."""
        chosen = self.states if cells is None else cells
        found = [self.states[cell][name] for cell in chosen if name in self.states.get(cell, {})]
        return merge(found) if found else None

    @cached_property
    def body(self) -> bytes:
        """Canonical bytes: the same data and spec give the same body on every engine."""
        spec = self.spec.to_json()
        for feature in spec["features"]:
            del feature["reason"]  # prose is no identity
        parts = [_chunk(canonical_json({"spec": spec, "window": self.window}))]
        order = [feature.name for feature in self.spec]
        for cell in self.cells:
            parts.append(_chunk(canonical_json([cell.version, cell.window, cell.segment])))
            states = self.states[cell]
            parts.extend(_chunk(encode(states[name]) if name in states else b"") for name in order)
        return b"".join(parts)

    @property
    def identity(self) -> str:
        """sha256 of the canonical body."""
        return hashlib.sha256(self.body).hexdigest()

    def dumps(self) -> bytes:
        note = canonical_json(dict(self.note))
        head = _HEAD.pack(MAGIC, FILE_FORMAT, len(note), len(self.body), hashlib.sha256(self.body).digest())
        return head + note + bytes(_ZSTD.compress(self.body))

    @classmethod
    def loads(cls, data: bytes) -> Profile:
        """Read what `dumps` wrote. Raises FormatError."""
        if len(data) < _HEAD.size or not data.startswith(MAGIC):
            raise FormatError("this is not a Barista profile")
        _, version, note_size, size, digest = _HEAD.unpack_from(data)
        if version != FILE_FORMAT:
            raise FormatError(f"profile format {version} is not known here (this Barista reads format {FILE_FORMAT})")
        if size > _MAX_BODY or _HEAD.size + note_size > len(data):
            raise FormatError("the profile is cut or damaged")
        try:
            note = json.loads(data[_HEAD.size : _HEAD.size + note_size])
            body = bytes(_ZSTD.decompress(data[_HEAD.size + note_size :], decompressed_size=size))
        except (OSError, ValueError, pa.ArrowException) as error:
            raise FormatError(f"the profile is cut or damaged: {error}") from None
        if hashlib.sha256(body).digest() != digest:
            raise FormatError("the profile is damaged: its checksum does not match")
        return cls._from_body(body, note)

    @classmethod
    def _from_body(cls, body: bytes, note: dict[str, Any]) -> Profile:
        chunks = _chunks(body)
        head = json.loads(next(chunks))
        spec = Spec.loads(canonical_json(head["spec"]))
        states: dict[Cell, dict[str, State]] = {}
        for chunk in chunks:
            cell = Cell(*json.loads(chunk))
            encoded = [(feature.name, next(chunks)) for feature in spec]
            states[cell] = {name: decode(data) for name, data in encoded if data}
        return cls(spec, states, head["window"], note)


def _chunk(data: bytes) -> bytes:
    return struct.pack("<I", len(data)) + data


def _chunks(body: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(body):
        (size,) = struct.unpack_from("<I", body, at)
        if at + 4 + size > len(body):
            raise FormatError("the profile is cut or damaged")
        yield body[at + 4 : at + 4 + size]
        at += 4 + size


def merge_profiles(profiles: Sequence[Profile]) -> Profile:
    """The profile of the union; all must share the spec and the kind of window."""
    first = profiles[0]
    for other in profiles[1:]:
        if other.spec.digest != first.spec.digest or other.window != first.window:
            raise MergeError(
                "the profiles were made with different specs or windows; profile the sources again with one"
            )
    gathered: dict[Cell, dict[str, list[State]]] = {}
    for profile in profiles:
        for cell, states in profile.states.items():
            for name, state in states.items():
                gathered.setdefault(cell, {}).setdefault(name, []).append(state)
    merged = {cell: {name: merge(parts) for name, parts in found.items()} for cell, found in gathered.items()}
    # Reading rules may differ between the parts: any one of them will do, but the same one in whatever order.
    spec = max((profile.spec for profile in profiles), key=lambda spec: spec.reading)
    return Profile(spec, merged, first.window, merge_notes([profile.note for profile in profiles]))


def merge_notes(notes: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Sources in order, bad rows added up, the first 20 examples kept."""
    sources = [source for note in notes for source in note.get("sources", ())]
    examples = [example for note in notes for example in note.get("bad_examples", ())]
    refused = [one for note in notes for one in note.get("refused", ())]
    return ({"refused": refused} if refused else {}) | {
        "sources": sources,
        "bad_rows": sum(note.get("bad_rows", 0) for note in notes),
        "bad_examples": examples[:20],
    }
