"""The distinct values that one column has shown so far, numbered in the order met and hashed once."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from .hashing import digest64, register_of
from .kernel import Ints


class KnownValues:
    """Codes 0 .. len - 1 of values as bytes; `hashes` are their md5, `ranks` what they raise their register to."""

    def __init__(self) -> None:
        self.values: pa.Array = pa.array([], pa.binary())
        self.hashes: NDArray[np.uint64] = np.empty(0, dtype=np.uint64)
        self.ranks: NDArray[np.uint8] = np.empty(0, dtype=np.uint8)
        self.empty = -1  # the code of the empty value, once met

    def __len__(self) -> int:
        return len(self.hashes)

    def codes(self, dictionary: pa.Array) -> Ints:
        """The code of each entry, -1 for a null; values met for the first time are added."""
        before = len(self)
        found = pc.index_in(dictionary, value_set=self.values)
        if found.null_count:
            new = dictionary.filter(found.is_null()).unique().drop_null()
            self._add(new)
            added = places(pc.index_in(dictionary, value_set=new))
            return np.where(added >= 0, added + before, places(found))
        return places(found)

    def _add(self, new: pa.Array) -> None:
        empty = pc.index(new, pa.scalar(b"", pa.binary())).as_py()
        self.empty = self.empty if empty < 0 else len(self) + empty
        hashes = digest64(new.to_pylist())
        self.values = pa.concat_arrays([self.values, new])
        self.hashes, self.ranks = np.append(self.hashes, hashes), np.append(self.ranks, register_of(hashes)[1])


def places(found: pa.Array) -> Ints:
    """Places that Arrow found, -1 where it found none."""
    return np.asarray(found.fill_null(-1).to_numpy(zero_copy_only=False), dtype=np.int64)
