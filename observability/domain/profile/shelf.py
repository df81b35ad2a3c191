"""All features of one window in one row of bytes, of which each can be read alone.

A page that shows one feature over hundreds of windows reads its pieces, not the windows. `offsets` has one number more
than features: piece `i` lies between offsets `i` and `i + 1`, and is empty where the window does not have the feature.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from observability.domain.profile.encoding import FormatError, decode, encode
from observability.domain.profile.states import State

_SIZE: Final = struct.Struct("<I")
_ZSTD: Final = pa.Codec("zstd", compression_level=3)
_MOST: Final = 1 << 26


@dataclass(frozen=True, eq=False)
class Shelf:
    """Pieces behind each other."""

    offsets: tuple[int, ...]
    data: bytes

    @classmethod
    def of(cls, states: Sequence[State | None]) -> Shelf:
        offsets, pieces = [0], []
        for state in states:
            piece = b"" if state is None else packed(state)
            pieces.append(piece)
            offsets.append(offsets[-1] + len(piece))
        return cls(tuple(offsets), b"".join(pieces))

    def piece(self, place: int) -> bytes:
        return self.data[self.offsets[place] : self.offsets[place + 1]]


def packed(state: State) -> bytes:
    raw = encode(state)
    return _SIZE.pack(len(raw)) + bytes(_ZSTD.compress(raw))


def unpacked(piece: bytes) -> State:
    """Raises FormatError."""
    if len(piece) < _SIZE.size:
        raise FormatError("the piece of a window is cut or damaged")
    (size,) = _SIZE.unpack_from(piece)
    if size > _MOST:
        raise FormatError("the piece of a window is damaged: its size does not match")
    try:
        return decode(bytes(_ZSTD.decompress(piece[_SIZE.size :], decompressed_size=size)))
    except (OSError, ValueError, pa.ArrowException) as error:
        raise FormatError(f"the piece of a window is cut or damaged: {error}") from None
