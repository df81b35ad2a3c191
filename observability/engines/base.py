"""What every engine takes and gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from observability.domain.fold.columns import ColumnError
from observability.domain.fold.windows import Keys
from observability.store.files import Limits, Source

Progress = Callable[[int, int], None]  # values folded, rows read


class Engine(StrEnum):
    LOCAL = "local"
    SPARK = "spark"


class Named(Protocol):
    @property
    def shown(self) -> str: ...


def named(source: Named, error: BaseException) -> str:
    """The error in words that begin with the file: a column or a child that was ended cannot say which file it was."""
    text = str(error)
    return text if source.shown in text else f"{source.shown}: {text}"


def naming(source: Source, job: Callable[..., None]) -> Callable[..., None]:
    """The job; a ColumnError it raises begins with the name of the file."""

    def wrapped(*arguments: object) -> None:
        try:
            job(*arguments)
        except ColumnError as error:
            raise ColumnError(named(source, error)) from None

    return wrapped


@dataclass(frozen=True, kw_only=True)
class Options:
    """How to run: columns that make the cell, limits, threads, and how many columns are held at a time."""

    keys: Keys = field(default_factory=Keys)
    limits: Limits = field(default_factory=Limits)
    threads: int = 0
    columns_per_task: int = 4
    columns_at_once: int = 500
