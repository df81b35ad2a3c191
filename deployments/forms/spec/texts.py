"""Between a spec and the texts of its form: every input is one text under its dotted path."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from deployments.domain.catalogue import HardwareProfile
from deployments.domain.spec.fields.resources import OWN_SIZE
from deployments.domain.spec.fields.table import FIELDS, INPUTS, attributes, members, variants
from deployments.domain.spec.parts import Fixed
from deployments.domain.spec.reader import SpecInvalid
from deployments.domain.spec.spec import SCHEMA, Spec, effective_resources
from deployments.forms.spec import inputs
from deployments.forms.spec.inputs import Errors, Texts

# What everybody needs before what is folded, the order in which problems are listed.
PATHS: Final = tuple(item.path for row in sorted(FIELDS, key=lambda field: field.is_folded) for item in row.inputs)
DEFAULTS: Final[Texts] = {path: INPUTS[path].start for path in PATHS}


def of_spec(spec: Spec, profile: HardwareProfile | None) -> Texts:
    """The texts of every field, those that are not shown now included, so that showing them starts from sense."""
    texts = dict(DEFAULTS)
    for row in FIELDS:
        value = row.value_in(spec)
        if value is not None or not row.part:
            texts |= inputs.show(row, value)
    if spec.profile is None:
        texts["profile"] = OWN_SIZE
    return texts | _size(spec, profile) | _pods(spec)


def _size(spec: Spec, profile: HardwareProfile | None) -> Texts:
    """The numbers of the size there is: those of the profile stand in for numbers of one's own."""
    try:
        size = effective_resources(spec, profile)
    except SpecInvalid:
        return {}
    found: Texts = {}
    for row in members("resources"):
        if not row.is_folded:
            found |= inputs.show(row, getattr(size, row.name))
    return found


def _pods(spec: Spec) -> Texts:
    """A number and a range start from each other. A target that is turned off is empty, not at its default."""
    replicas = spec.replicas
    if isinstance(replicas, Fixed):
        return dict.fromkeys(("replicas.min", "replicas.max"), str(replicas.count))
    percent = "" if replicas.cpu_percent is None else str(replicas.cpu_percent)
    return {"replicas.count": str(replicas.min), "replicas.cpu_percent": percent}


def is_relevant(path: str, texts: Mapping[str, str]) -> bool:
    """Whether the input counts with the choices made: what does not count is neither shown nor checked."""
    needs = INPUTS[path].when if path in INPUTS else None
    return needs is None or texts.get(needs[0]) in needs[1]


def path_name(path: str) -> str:
    """An input's name in HTML: no dots, so that it can be part of an id."""
    return path.replace(".", "__")


def to_json(
    texts: Mapping[str, str], env: Sequence[tuple[str, str]], *, kept: Mapping[str, Any] | None = None
) -> tuple[dict[str, Any], Errors]:
    """The spec's JSON form of `texts`, with a message for each text that is not a number where one is needed.

    `kept` is the JSON form of the spec that is edited: what it says beyond this form stays as it is.
    """
    errors: Errors = {}
    before = dict(kept or {})
    data: dict[str, Any] = before | {"schema": SCHEMA, "env": [{"name": name, "value": value} for name, value in env]}
    for row in attributes():
        if row.inputs:
            data[row.name] = inputs.read(row, texts, errors)
    data["resources"] = None
    if texts["profile"] == OWN_SIZE:
        data["profile"] = None
        data["resources"] = dict(before.get("resources") or {})
        data["resources"] |= {row.name: inputs.read(row, texts, errors) for row in members("resources")}
    for part in ("replicas", "strategy"):
        data[part] = _variant(part, before.get(part), texts, errors)
    return data, errors


def _variant(part: str, before: Mapping[str, Any] | None, texts: Mapping[str, str], errors: Errors) -> dict[str, Any]:
    """A part that has kinds. What it says beyond this form stays, unless another kind was chosen."""
    chooser, offered = variants(part)
    text = texts[chooser.path]
    chosen = next((variant for variant in offered if variant.value == text), offered[0])
    kept = dict(before) if before and before.get(chooser.name) == chosen.value else {}
    made = {row.name: inputs.read(row, texts, errors) for row in members(part, chosen)}
    return kept | {chooser.name: chosen.value} | made
