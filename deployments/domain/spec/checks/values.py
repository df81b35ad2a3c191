"""What the row of a setting says about a value by itself, and the rules that several sections share."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from deployments.domain.spec.fields.field import Field, InputKind, Shape
from deployments.domain.spec.fields.table import FIELDS
from deployments.domain.spec.spec import Spec
from deployments.domain.text import naming
from deployments.domain.text.quantities import human_cpu, human_memory

Errors = dict[str, str]

PAIRS_MAX: Final = 20
COUNT_MAX: Final = 1000
URL_PATH_MAX: Final = 256

_PERCENT: Final = re.compile(r"(0|[1-9][0-9]?|100)%\Z", re.ASCII)
_URL_PATH: Final = re.compile(rf"/[A-Za-z0-9._~/%@:+-]{{0,{URL_PATH_MAX - 1}}}\Z", re.ASCII)
_KEY_PART: Final = r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?"
_KEY: Final = re.compile(rf"(?:([a-z0-9](?:[a-z0-9.-]{{0,251}}[a-z0-9])?)/)?{_KEY_PART}\Z", re.ASCII)
_LABEL_VALUE: Final = re.compile(rf"(?:{_KEY_PART})?\Z", re.ASCII)


def check_rows(spec: Spec, errors: Errors) -> None:
    """Every setting against its own row; what it takes beside others is for its section."""
    for row in FIELDS:
        value = row.value_in(spec)
        problem = "" if value is None else problem_of(row, value)
        if problem:
            errors[row.path] = problem


def problem_of(row: Field, value: Any) -> str:
    """Empty when the value fits."""
    if row.kind is InputKind.TEXT and row.longest is not None:
        return text_problem(value, row.longest, multiline=row.inputs[0].shape is Shape.AREA)
    if row.kind is InputKind.COUNT:
        return count_problem(value, "25%")
    if row.bounds is None:
        return ""
    if row.kind is InputKind.CPU:
        fits = row.bounds.least <= value <= row.bounds.most
        return "" if fits else f"Must be more than 0 and at most {human_cpu(row.bounds.most)}."
    if row.kind is InputKind.MEMORY:
        fits = row.bounds.least <= value <= row.bounds.most
        least, most = human_memory(row.bounds.least), human_memory(row.bounds.most)
        return "" if fits else f"Must be between {least} and {most}."
    return row.bounds.problem(value)


def parts_problem(row: Field, value: object) -> str:
    """The first part of a setting of several that is out of its bounds."""
    found = (item.bounds.problem(getattr(value, item.key)) for item in row.bounded() if item.bounds)
    return next((problem for problem in found if problem), "")


def text_problem(text: str, longest: int, *, multiline: bool = False) -> str:
    try:
        naming.clean_text(text, multiline=multiline, limit=longest)
    except naming.InvalidText as problem:
        return str(problem)
    return ""


def count_problem(value: int | str, example: str) -> str:
    fits = 0 <= value <= COUNT_MAX if isinstance(value, int) else bool(_PERCENT.match(value))
    return "" if fits else f'Must be a count from 0, or a percentage such as "{example}".'


def object_name_problem(name: str, what: str) -> str:
    try:
        naming.check_object_name(name, what)
    except naming.InvalidName as problem:
        return str(problem)
    return ""


def is_url_path(text: str) -> bool:
    return bool(_URL_PATH.match(text))


def is_label_value(text: str) -> bool:
    return bool(_LABEL_VALUE.match(text))


def key_domain(key: str) -> str | None:
    """The prefix of a label's key, empty when it has none; None when it is no key."""
    match = _KEY.match(key)
    return None if match is None else match.group(1) or ""


def put(errors: Errors, problems: Mapping[str, str]) -> None:
    """Add what is wrong; an earlier problem of the same path stays."""
    for path, problem in problems.items():
        if problem:
            errors.setdefault(path, problem)
