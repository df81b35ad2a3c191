"""One accumulator per feature, whatever its kind."""

from __future__ import annotations

import pyarrow as pa

from observability.domain.fold.category import CategoryAccumulator
from observability.domain.fold.columns import ColumnError, each_text, is_text, lengths, numbers, plain, texts
from observability.domain.fold.embedding import EmbeddingAccumulator
from observability.domain.fold.numeric import NumericAccumulator
from observability.domain.loops.grouping import Grouping
from observability.domain.profile.states import State
from observability.domain.specs.spec import FeatureSpec, Kind


class FeatureAccumulator:
    """Folds Arrow columns of one feature for all groups; `state` freezes one group. One thread at a time."""

    def __init__(self, spec: FeatureSpec) -> None:
        self.spec = spec
        self._inner: NumericAccumulator | CategoryAccumulator | EmbeddingAccumulator
        if spec.kind.is_categorical:
            self._inner = CategoryAccumulator(spec)
        elif spec.kind is Kind.EMBEDDING:
            self._inner = EmbeddingAccumulator(spec)
        else:
            self._inner = NumericAccumulator(spec)

    def fold(self, column: pa.Array | pa.ChunkedArray, grouping: Grouping) -> None:
        """Add one batch; `grouping` was made for the same rows. Raises ColumnError on a type that does not fit."""
        try:
            self._fold(column, grouping)
        except (pa.ArrowException, IndexError, OverflowError, UnicodeDecodeError) as error:
            # Crafted files pass the reader with lengths, codes or bytes that do not fit; they end here.
            raise ColumnError(f"column {self.spec.name!r} is damaged: {type(error).__name__}") from None

    def _fold(self, column: pa.Array | pa.ChunkedArray, grouping: Grouping) -> None:
        array, inner = plain(column), self._inner
        if isinstance(inner, CategoryAccumulator):
            is_new = inner.hardly_repeats and is_text(array.type)
            inner.fold((each_text if is_new else texts)(array, self.spec), grouping)
        elif isinstance(inner, EmbeddingAccumulator):
            inner.fold(array, grouping)
        elif self.spec.kind is Kind.TEXT:
            inner.fold(lengths(array, self.spec), grouping)
        else:
            inner.fold(numbers(array, self.spec), grouping)

    def state(self, group: int) -> State:
        return self._inner.state(group)
