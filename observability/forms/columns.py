"""The table of columns as a person leaves it: role, kind and sensitivity of each, a page at a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from django.http import QueryDict

from baristaweb.lib.numbers import whole
from observability.domain.sources.columns import Column, Role
from observability.domain.sources.sensitive import masked
from observability.domain.specs.spec import Kind

PAGE: Final = 100
ROLES: Final = [(role.value, role.label) for role in Role]
KINDS: Final = [(kind.value, kind.label) for kind in Kind]


@dataclass(frozen=True)
class Row:
    """One line of the table: a column, its place among all, and what was chosen of it."""

    place: int
    column: Column
    kind: str

    @property
    def counted_with(self) -> str:
        """What its values are put into, in a few words; nothing of a sensitive column."""
        feature = self.column.feature
        if feature is None or self.column.role is Role.LEFT_OUT:
            return "not read"
        if self.column.role is Role.ID or feature.kind is Kind.ID:
            return "keyed hash"
        if feature.kind is Kind.TIMESTAMP:
            return feature.time_unit
        if feature.kind is Kind.NUMERIC:
            atoms = f", {len(feature.atoms)} exact" if feature.atoms else ""
            return f"c {feature.centre:.6g}, u 2^{feature.unit_exponent}{atoms}"
        if feature.vocabulary:
            return f"{len(feature.vocabulary)} values"
        return "hash buckets" if feature.kind.is_categorical else "length"


def read(question: Mapping[str, Any], columns: Iterable[Mapping[str, Any]]) -> list[Row]:
    """All columns of a proposal with the choices that were kept of them."""
    choices = question.get("choices", {})
    return [_row(place, Column.from_json(data), choices.get(str(place), {})) for place, data in enumerate(columns)]


def _row(place: int, column: Column, choice: Mapping[str, Any]) -> Row:
    kind = column.feature.kind.value if column.feature else ""
    role = Role(choice["role"]) if "role" in choice else column.role
    column = replace(column, role=role)
    is_sensitive = bool(choice.get("sensitive", column.is_sensitive))
    if is_sensitive:
        column = _hidden(column)
    elif column.is_sensitive:
        column = replace(column, is_sensitive=False)
    return Row(place, column, str(choice.get("kind", kind)))


def masked_where_marked(
    choices: Mapping[str, Mapping[str, Any]], told: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    """The columns without any value of those that were marked sensitive."""
    return [
        _hidden(Column.from_json(data)).to_json() if choices.get(str(place), {}).get("sensitive") else data
        for place, data in enumerate(told)
    ]


def _hidden(column: Column) -> Column:
    """Nothing of the sample is left in it; why it looked sensitive says no value."""
    why = column.why if column.is_sensitive else "Marked sensitive: no value of it is kept."
    feature = masked(column.feature) if column.feature else None
    return replace(column, feature=feature, why=why, is_sensitive=True)


def posted(data: QueryDict, columns: int) -> dict[str, dict[str, Any]]:
    """What the page that was sent says of the columns it showed; anything else in it is not looked at."""
    found: dict[str, dict[str, Any]] = {}
    roles, kinds = {value for value, _ in ROLES}, {value for value, _ in KINDS}
    for part in data.get("shown", "")[: 8 * PAGE].split(","):
        place = whole(part, digits=5)
        if place is None or place >= columns:
            continue
        choice: dict[str, Any] = {"sensitive": f"c-{part}-sensitive" in data}
        if (role := data.get(f"c-{part}-role", "")) in roles:
            choice["role"] = role
        if (kind := data.get(f"c-{part}-kind", "")) in kinds:
            choice["kind"] = kind
        found[str(place)] = choice
    return found


def shown(rows: Sequence[Row], *, words: str = "", is_doubtful: bool = False) -> list[Row]:
    """The rows that a filter leaves."""
    wanted = words.casefold()
    return [
        row
        for row in rows
        if (not wanted or wanted in row.column.name.casefold()) and (row.column.doubt or not is_doubtful)
    ]


def asked(rows: Sequence[Row]) -> dict[str, Any]:
    """What a dry run is asked of the columns: as chosen, and the kinds that have to be placed anew."""
    anew = {
        row.column.name: row.kind
        for row in rows
        if row.column.feature is not None and row.column.role is not Role.LEFT_OUT and _is_anew(row)
    }
    return {"proposal": [row.column.to_json() for row in rows], "kinds": anew, "choices": {}}


def _is_anew(row: Row) -> bool:
    """Whether the feature has to be proposed again: another kind, or no mask any more."""
    feature = row.column.feature
    if feature is None:
        return False
    was_masked = feature == masked(feature) and feature.reason == masked(feature).reason
    return row.kind != feature.kind.value or (was_masked and not row.column.is_sensitive)
