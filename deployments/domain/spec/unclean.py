"""Values of a spec that hold what nobody sees: named for the pages that show them, and cleaned."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

from deployments.domain.spec.fields.field import InputKind, Shape
from deployments.domain.spec.fields.table import FIELDS
from deployments.domain.spec.spec import Spec
from deployments.domain.text import unseen
from deployments.domain.text.unseen import Unclean

_SHOWN_MAX: Final = 120
_PAIRS: Final = {"env": "The value of", "annotations": "The annotation"}
_PROSE: Final = tuple(row for row in FIELDS if row.kind is InputKind.TEXT and row.inputs[0].shape is Shape.AREA)


@dataclass(frozen=True, slots=True)
class UncleanValue:
    """`said` is a sentence about the value at `path`."""

    path: str
    said: str


def unclean_values(spec: Spec) -> tuple[UncleanValue, ...]:
    """In the order of the form; none where everything can be seen."""
    found = [(row.path, f"The {row.label.lower()}", Unclean.of_prose(row.value_in(spec))) for row in _PROSE]
    for path, what in _PAIRS.items():
        found += [(f"{path}.{name}", f"{what} {name}", Unclean.of(value)) for name, value in getattr(spec, path)]
    return tuple(UncleanValue(path, _said(what, it)) for path, what, it in found if it is not None)


def cleaned(spec: Spec) -> Spec:
    """The spec with these values as they were probably meant."""
    parts: dict[str, Any] = {
        path: tuple((name, unseen.cleaned(value) if unseen.problems(value) else value) for name, value in items)
        for path in _PAIRS
        for items in (getattr(spec, path),)
    }
    parts |= {row.name: unseen.cleaned_prose(row.value_in(spec)) for row in _PROSE}
    return replace(spec, **parts)


def _said(what: str, it: Unclean) -> str:
    return f"{what} holds {' and '.join(it.kinds)}: \u201c{it.shown[:_SHOWN_MAX]}\u201d."
