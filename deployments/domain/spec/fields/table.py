"""All rows, in the order of the form: by section, what everybody needs before what is folded."""

from collections.abc import Mapping
from typing import Final

from deployments.domain.spec.fields import environment, model, network, resources, rollout, scaling
from deployments.domain.spec.fields.field import Field, Input, Variant

FIELDS: Final[tuple[Field, ...]] = (
    *model.ROWS,
    *environment.ROWS,
    *resources.ROWS,
    *scaling.ROWS,
    *rollout.ROWS,
    *network.ROWS,
)
OWNERS: Final[Mapping[str, Field]] = {item.path: row for row in FIELDS for item in row.inputs}
INPUTS: Final[Mapping[str, Input]] = {item.path: item for row in FIELDS for item in row.inputs}

_BY_PATH: Final = {field.path: field for field in FIELDS}


def field_for(path: str) -> Field:
    """The field of a dotted path; members of a collection ("env.LOG_LEVEL") answer with their collection's field."""
    found = _BY_PATH.get(path)
    while found is None and "." in path:
        path = path.rpartition(".")[0]
        found = _BY_PATH.get(path)
    if found is None:
        raise KeyError(path)
    return found


def attributes() -> tuple[Field, ...]:
    """The settings that are attributes of the spec itself."""
    return tuple(row for row in FIELDS if not row.part)


def members(part: str, variant: Variant | None = None) -> tuple[Field, ...]:
    """The settings in one part of the spec, for a part of several classes those of one of them."""
    rows = tuple(row for row in FIELDS if row.part == part)
    if variant is None:
        return rows
    return tuple(row for row in rows if row.when is not None and variant.value in row.when[1])


def variants(part: str) -> tuple[Field, tuple[Variant, ...]]:
    """The setting that says which class the part is, and the classes."""
    row = next(row for row in FIELDS if row.part == part and row.variants)
    return row, row.variants


def place_of(path: str) -> str:
    """The input at which an error or a change of the spec's path is shown: its own, or its field's first."""
    owner = path
    while owner not in INPUTS and owner not in _BY_PATH and "." in owner:
        owner = owner.rpartition(".")[0]
    if owner in INPUTS or owner not in _BY_PATH or not _BY_PATH[owner].inputs:
        return owner if owner in INPUTS else path
    return _BY_PATH[owner].inputs[0].path
