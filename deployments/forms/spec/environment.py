"""Environment variables of the form: rows of a name and a value, as they were posted, blank ones included."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from django.http import QueryDict

from deployments.domain.text import unseen

NAME: Final = "env_name"
VALUE: Final = "env_value"
BLANKS: Final = 2
MORE_BLANKS: Final = 4
MOST_ROWS: Final = 220  # above the spec's own limit, so that the refusal is the spec's


@dataclass(frozen=True, kw_only=True)
class EnvRow:
    """`number` counts from 1 in the order of the page; `before` is the baseline's value of the same name."""

    number: int
    name: str
    value: str
    error: str = ""
    before: str | None = None
    is_new: bool = False
    default: str | None = None

    @property
    def key(self) -> str:
        return str(self.number)

    @property
    def unseen(self) -> tuple[str, ...]:
        """What the name and the value hold that nobody sees, each once."""
        return tuple(dict.fromkeys(unseen.problems(self.name) + unseen.problems(self.value)))

    @property
    def shown(self) -> str:
        value = unseen.shown(self.value)
        return f"{unseen.shown(self.name)} = {value}" if unseen.problems(self.name) else value

    @property
    def is_blank(self) -> bool:
        return not self.name and not self.value

    @property
    def is_changed(self) -> bool:
        return self.is_new or (self.before is not None and self.before != self.value)


@dataclass(frozen=True, kw_only=True)
class Removed:
    name: str
    before: str


def read(data: QueryDict) -> tuple[EnvRow, ...]:
    """The posted rows. Names lose the space around them, values keep every character but the browser's CR."""
    names, values = data.getlist(NAME)[:MOST_ROWS], data.getlist(VALUE)[:MOST_ROWS]
    values += [""] * (len(names) - len(values))
    return tuple(
        EnvRow(number=index + 1, name=name.strip(), value=value.replace("\r\n", "\n"))
        for index, (name, value) in enumerate(zip(names, values, strict=False))
    )


def with_blanks(rows: Sequence[EnvRow], *, more: bool = False) -> tuple[EnvRow, ...]:
    """Rows to type into at the end: always a few, and more when they were asked for."""
    blank = 0
    for row in reversed(rows):
        if not row.is_blank:
            break
        blank += 1
    missing = MORE_BLANKS if more else max(0, BLANKS - blank)
    last = len(rows)
    return (*rows, *(EnvRow(number=last + extra + 1, name="", value="") for extra in range(missing)))


def compared(
    rows: Sequence[EnvRow],
    *,
    baseline: Mapping[str, str] | None,
    defaults: Mapping[str, str],
    errors: Mapping[int, str],
) -> tuple[EnvRow, ...]:
    """The rows with what is said beside them. `baseline` None: there is nothing to compare with."""
    return tuple(
        replace(
            row,
            error=errors.get(row.number, ""),
            before=baseline.get(row.name) if baseline and row.name else None,
            is_new=baseline is not None and bool(row.name) and row.name not in baseline,
            default=defaults.get(row.name) if row.name else None,
        )
        for row in rows
    )


def removed(rows: Sequence[EnvRow], baseline: Mapping[str, str]) -> tuple[Removed, ...]:
    """Variables of the baseline that no row has any more."""
    kept = {row.name for row in rows}
    return tuple(Removed(name=name, before=value) for name, value in baseline.items() if name not in kept)
