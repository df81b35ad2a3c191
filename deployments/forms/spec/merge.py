"""Merging two edits of one base: which side each field takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from deployments.domain.catalogue import HardwareProfile
from deployments.domain.changes.diff import ThreeWayRow, three_way
from deployments.domain.spec.fields.field import Shape
from deployments.domain.spec.fields.table import OWNERS, place_of
from deployments.domain.spec.reader import SpecInvalid
from deployments.domain.spec.spec import Spec
from deployments.forms.spec import texts

THEIRS, YOURS = "theirs", "yours"


@dataclass(frozen=True, kw_only=True)
class Side:
    """A spec and the profile it was made with."""

    spec: Spec
    profile: HardwareProfile | None


@dataclass(frozen=True, kw_only=True)
class MergeRow:
    """One field that differs; `pick` is the side it takes, `can_pick` False where both say the same."""

    row: ThreeWayRow
    name: str
    pick: str
    can_pick: bool

    @property
    def who(self) -> str:
        if self.row.is_conflict:
            return "both changed"
        if self.row.yours == self.row.theirs:
            return "both chose the same"
        return "only they changed" if self.row.yours == self.row.base else "only you changed"

    @property
    def result(self) -> str:
        return self.row.yours if self.pick == YOURS else self.row.theirs


def rows_of(base: Spec, yours: Spec, theirs: Spec, picks: Mapping[str, str]) -> tuple[MergeRow, ...]:
    """Rows with the posted picks; without one, a field takes the side that changed it, and yours in a clash."""
    made = []
    for row in three_way(base, yours, theirs):
        usual = THEIRS if row.yours == row.base else YOURS
        name = f"pick_{texts.path_name(row.path)}"
        posted = picks.get(name, usual)
        made.append(
            MergeRow(
                row=row,
                name=name,
                pick=posted if posted in (THEIRS, YOURS) else usual,
                can_pick=row.yours != row.theirs,
            )
        )
    return tuple(made)


def merged(rows: tuple[MergeRow, ...], *, yours: Side, theirs: Side) -> Spec:
    """Their spec with the fields that were picked from yours. Raises SpecInvalid with messages by path."""
    values = texts.of_spec(theirs.spec, theirs.profile)
    mine = texts.of_spec(yours.spec, yours.profile)
    env, my_env = dict(theirs.spec.env), dict(yours.spec.env)
    for row in rows:
        if row.pick != YOURS:
            continue
        path = row.row.path
        if not path.startswith("env."):
            _take(values, mine, path)
        elif (name := path.removeprefix("env.")) in my_env:
            env[name] = my_env[name]
        else:
            env.pop(name, None)
    data, errors = texts.to_json(values, list(env.items()), kept=theirs.spec.to_json())
    if errors:
        raise SpecInvalid(errors)
    return Spec.from_json(data)


def _take(values: dict[str, str], mine: Mapping[str, str], path: str) -> None:
    """Your texts of one field. A member of a list ("labels.tier") is a line of its text."""
    if path in values:
        values[path] = mine[path]
        return
    place = place_of(path)
    owner = OWNERS[place]
    if owner.inputs[0].shape is Shape.LINES and path != owner.path:
        key = path.removeprefix(f"{owner.path}.")
        kept = [line for line in values[place].splitlines() if not line.startswith(f"{key}=")]
        values[place] = "\n".join(kept + [line for line in mine[place].splitlines() if line.startswith(f"{key}=")])
        return
    values.update({item.path: mine[item.path] for item in owner.inputs})
