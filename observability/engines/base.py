"""What every engine takes and gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from observability.domain.fold.columns import ColumnError
from observability.domain.fold.windows import Keys
from observability.store.files import Limits, Source

Progress = Callable[[int, int], None]  # values folded, rows read


class Engine(StrEnum):
    LOCAL = "local"
    SPARK = "spark"


def naming(source: Source, job: Callable[..., None]) -> Callable[..., None]:
    """The job; a ColumnError it raises begins with the name of the file."""

    def named(*arguments: object) -> None:
        try:
            job(*arguments)
        except ColumnError as error:
            raise ColumnError(f"{source.shown}: {error}") from None

    return named


@dataclass(frozen=True, kw_only=True)
class Options:
    """How to run: columns that make the cell, limits, threads, and how many columns are held at a time."""

    keys: Keys = field(default_factory=Keys)
    limits: Limits = field(default_factory=Limits)
    threads: int = 0
    columns_per_task: int = 4
    columns_at_once: int = 500
