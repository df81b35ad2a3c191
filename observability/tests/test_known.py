"""Numbering distinct values, and their md5, against the standard library."""

from __future__ import annotations

import hashlib

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from observability.domain.fold.distinct import Digests, KnownValues, Vocabulary
from observability.domain.loops.md5 import prefixes

VALUES = st.lists(st.one_of(st.none(), st.binary(max_size=3), st.binary(max_size=200)), max_size=40)


def prefix(value: bytes) -> int:
    return int.from_bytes(hashlib.md5(value, usedforsecurity=False).digest()[:8], "big")


@pytest.mark.parametrize("byte", [0, 0x61, 0xFF])
def test_md5_of_every_length(byte: int) -> None:
    values = [bytes([byte]) * length for length in range(260)]
    ends = np.cumsum([0, *(len(value) for value in values)]).astype(np.int64)
    found = prefixes(ends, np.frombuffer(b"".join(values), np.uint8))
    assert found.tolist() == [prefix(value) for value in values]


@given(st.lists(VALUES, max_size=4))
def test_values_keep_their_codes(batches: list[list[bytes | None]]) -> None:
    known = KnownValues()
    seen: dict[bytes, int] = {}
    for batch in batches:
        codes = known.codes(pa.array([b"cut off", *batch], pa.binary())[1:]).tolist()
        for value, code in zip(batch, codes, strict=True):
            assert code == (-1 if value is None else seen.setdefault(value, len(seen)))
    assert known.values().to_pylist() == list(seen)


WORDS = ("", "a", "b", "c" * 70)


@given(VALUES.map(lambda values: [*values, b"a", b"c" * 70]))
def test_what_hashes_tell(values: list[bytes | None]) -> None:
    digests = Digests.of(pa.array([b"cut off", *values], pa.binary())[1:], Vocabulary(WORDS))
    for value, digest, word, is_empty in zip(values, digests.hashes, digests.words, digests.is_empty, strict=True):
        if value is not None:
            assert digest == prefix(value)
            assert word == (WORDS.index(value.decode()) if value in map(str.encode, WORDS) else -1)
            assert is_empty == (value == b"")


def test_many_values_that_begin_alike() -> None:
    values = [f"feature-store/customer/{number:09d}".encode() for number in range(150_000)]
    known = KnownValues()
    for start in (0, 50_000, 25_000, 0):
        codes = known.codes(pa.array(values[start : start + 100_000], pa.binary()))
        assert codes.tolist() == list(range(start, start + 100_000))
    assert known.values()[149_999:].to_pylist() == values[-1:]
