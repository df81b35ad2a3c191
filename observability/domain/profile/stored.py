"""The states of one window as bytes that are stored on their own, named by what they say.

Unlike a profile's file they do not repeat the spec: only its digest, in front of one chunk for each of its features.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Collection, Mapping
from typing import Final

import pyarrow as pa

from observability.domain.profile.encoding import FormatError, decode, encode
from observability.domain.profile.states import State, merge
from observability.domain.specs.spec import Spec

MAGIC: Final = b"BARISTAW"
FORMAT: Final = 1
MAX_BODY: Final = 1 << 30
_HEAD: Final = struct.Struct("<8sHI")  # magic, format, length of the body
_CHUNK: Final = struct.Struct("<I")
_ZSTD: Final = pa.Codec("zstd", compression_level=3)


def dump_states(spec: Spec, states: Mapping[str, State]) -> tuple[str, bytes]:
    """(sha256 of the canonical body, its stored bytes). Features without a state stay empty."""
    chunks = [spec.digest]
    for feature in spec:
        data = encode(states[feature.name]) if feature.name in states else b""
        chunks += (_CHUNK.pack(len(data)), data)
    body = b"".join(chunks)
    return hashlib.sha256(body).hexdigest(), _HEAD.pack(MAGIC, FORMAT, len(body)) + bytes(_ZSTD.compress(body))


def load_states(spec: Spec, data: bytes | memoryview, names: Collection[str] | None = None) -> dict[str, State]:
    """What `dump_states` wrote, of these features or of all; the others are not decoded. Raises FormatError."""
    data = bytes(data)
    if len(data) < _HEAD.size or not data.startswith(MAGIC):
        raise FormatError("this is no stored window")
    _, version, size = _HEAD.unpack_from(data)
    if version != FORMAT or size > MAX_BODY:
        raise FormatError(f"format {version} of stored windows is not known here (this Barista reads {FORMAT})")
    try:
        body = bytes(_ZSTD.decompress(data[_HEAD.size :], decompressed_size=size))
    except (OSError, ValueError, pa.ArrowException) as error:
        raise FormatError(f"the stored window is cut or damaged: {error}") from None
    if not body.startswith(spec.digest):
        raise FormatError("the stored window was counted by another spec")
    at, states = len(spec.digest), {}
    for feature in spec:
        if at + _CHUNK.size > len(body):
            raise FormatError("the stored window is cut or damaged")
        (length,) = _CHUNK.unpack_from(body, at)
        at += _CHUNK.size
        if length and (names is None or feature.name in names):
            states[feature.name] = decode(body[at : at + length])
        at += length
    return states


def merge_states(parts: Collection[Mapping[str, State]]) -> dict[str, State]:
    """The states of the union."""
    gathered: dict[str, list[State]] = {}
    for part in parts:
        for name, state in part.items():
            gathered.setdefault(name, []).append(state)
    return {name: found[0] if len(found) == 1 else merge(found) for name, found in gathered.items()}
