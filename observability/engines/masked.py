"""Folding without keeping values: sensitive columns and ids are keyed before they are hashed, extremes are dropped.

The kernel counts what it is given by md5. With a secret in front of every value nobody who holds the counts, but not
the secret, can try values against them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from observability.domain.fold.windows import Keys
from observability.domain.profile.states import NumericState, State
from observability.domain.specs.spec import Kind, Spec
from observability.engines.local import LocalFold
from observability.store.files import Source
from observability.store.logs import Log
from observability.store.parquet import Batch

HASHED = (Kind.CATEGORY, Kind.CODE, Kind.ID)


@dataclass(frozen=True)
class Secrecy:
    """`key` is put in front of the values of `sensitive` columns and of all ids."""

    key: str = ""
    sensitive: frozenset[str] = frozenset()

    def keyed(self, spec: Spec) -> frozenset[str]:
        """Columns whose values are hashed with the key."""
        if not self.key:
            return frozenset()
        ids = {one.name for one in spec if one.kind is Kind.ID}
        hashed = {one.name for one in spec if one.kind in HASHED}
        return frozenset(ids | (self.sensitive & hashed))


def without_extremes(states: Mapping[str, State], sensitive: frozenset[str]) -> dict[str, State]:
    """Smallest and largest of a sensitive number are values of somebody."""
    return {
        name: replace(state, minimum=None, maximum=None)
        if name in sensitive and isinstance(state, NumericState)
        else state
        for name, state in states.items()
    }


class MaskedFold(LocalFold):
    """The local engine on columns that were keyed."""

    def __init__(self, *arguments: Any, secrecy: Secrecy) -> None:
        super().__init__(*arguments)
        self.secrecy = secrecy
        self._is_plain = not secrecy.keyed(self.spec) and not self.options.keys.wall

    def _open(self, source: Source) -> Log:
        log = super()._open(source)
        return log if self._is_plain else _Masked(log, self.secrecy.keyed(self.spec), self.secrecy, self.options.keys)


class _Masked:
    """A log whose keyed columns are read as texts behind the key, and whose times have a zone: those of texts have one
    from their reader."""

    def __init__(self, log: Log, keyed: frozenset[str], secrecy: Secrecy, keys: Keys) -> None:
        self._log, self._keyed, self._secrecy, self._keys = log, keyed, secrecy, keys
        self.source = log.source

    def require(self, names: Sequence[str]) -> None:
        self._log.require(names)

    def batches(self) -> list[Batch]:
        return self._log.batches()

    def read(self, batch: Batch, names: Sequence[str]) -> Iterator[tuple[int, list[Any]]]:
        for first, columns in self._log.read(batch, names):
            yield first, [self._column(name, column) for name, column in zip(names, columns, strict=True)]

    def _column(self, name: str, column: Any) -> Any:
        if name in self._keyed:
            return _behind(self._secrecy.key, column)
        wall = self._keys.wall if name == self._keys.time else ""
        if wall and pa.types.is_timestamp(column.type) and column.type.tz is None:
            return pc.assume_timezone(column, wall, ambiguous="earliest", nonexistent="latest")
        return column


def _behind(key: str, column: Any) -> Any:
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
        kind = kind.value_type
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return pc.binary_join_element_wise(pa.scalar(key.encode(), kind), column, pa.scalar(b"", kind))
    texts = column.cast(pa.large_string())
    return pc.binary_join_element_wise(pa.scalar(key, pa.large_string()), texts, pa.scalar("", pa.large_string()))
