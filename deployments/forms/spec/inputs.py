"""Between a setting's value and the texts of its inputs. How follows from the kind of its row."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from deployments.domain.catalogue import Probe, Toleration
from deployments.domain.spec.fields.field import NEEDED, Bounds, Field, InputKind
from deployments.domain.spec.fields.table import INPUTS
from deployments.domain.spec.parts import Budget, EnvRef, ScalePolicy, Spread
from deployments.domain.text.quantities import format_cpu, format_memory

Texts = dict[str, str]
Errors = dict[str, str]

_DIGITS: Final = re.compile(r"[0-9]{1,9}\Z", re.ASCII)


def starts(row: Field) -> Texts:
    """The texts of a setting that is not set."""
    return {item.path: item.start for item in row.inputs}


def show(row: Field, value: Any) -> Texts:
    """The texts of a value; one that is not there is empty, and its parts stand at their start."""
    if row.parts:
        return starts(row) | ({} if value is None else _PARTS[row.kind](row, value))
    return {item.path: "" if value is None else _SHOWN.get(row.kind, str)(value) for item in row.inputs}


def read(row: Field, texts: Mapping[str, str], errors: Errors) -> Any:
    """The value in JSON; None where nothing is set. What cannot be read is told in `errors`, by the input's path."""
    reader = _Reading(texts, errors)
    if row.kind in _READ:
        return _READ[row.kind](reader, row)
    if row.kind in _NUMBERS:
        return reader.required(row)
    text = texts[row.path]
    return text if row.default is NEEDED or text else row.default


def _pairs(pairs: tuple[tuple[str, str], ...]) -> str:
    return "\n".join(f"{key}={value}" for key, value in pairs)


def _references(refs: tuple[EnvRef, ...]) -> str:
    kinds = {"secret": "secret", "config_map": "configmap"}
    return "\n".join(f"{ref.name}={kinds[ref.kind]}/{ref.source}/{ref.key}" for ref in refs)


def _tolerations(found: tuple[Toleration, ...]) -> str:
    return "\n".join(_toleration(item) for item in found)


def _toleration(item: Toleration) -> str:
    text = item.key + (f"={item.value}" if item.operator == "Equal" else "")
    return f"{text}:{item.effect}" if item.effect else text


_SHOWN: Final[Mapping[InputKind, Callable[[Any], str]]] = {
    InputKind.CPU: format_cpu,
    InputKind.MEMORY: format_memory,
    InputKind.PAIRS: _pairs,
    InputKind.REFERENCES: _references,
    InputKind.TOLERATIONS: _tolerations,
}


def _members(row: Field, value: Probe | ScalePolicy) -> Texts:
    found = {item.path: getattr(value, item.key) for item in row.parts}
    return {path: "" if member is None else str(member) for path, member in found.items()}


def _spread(row: Field, value: Spread) -> Texts:
    strictly = "yes" if value.is_required else "no"
    return {"spread.over": value.over, "spread.max_skew": str(value.max_skew), "spread.is_required": strictly}


def _budget(row: Field, value: Budget) -> Texts:
    for kind, count in (("min_available", value.min_available), ("max_unavailable", value.max_unavailable)):
        if count is not None:
            return {"budget.kind": kind, "budget.value": str(count)}
    return {}


_PARTS: Final[Mapping[InputKind, Callable[[Field, Any], Texts]]] = {
    InputKind.PROBE: _members,
    InputKind.PACE: _members,
    InputKind.SPREAD: _spread,
    InputKind.BUDGET: _budget,
}


def _whole(bounds: Bounds | None, example: str) -> str:
    """What would fit where something else than digits was typed."""
    if bounds is None:
        return f"Must be a whole number, such as {example}."
    return f"Must be a whole number between {bounds.least} and {bounds.most}."


@dataclass(frozen=True, slots=True)
class _Reading:
    texts: Mapping[str, str]
    errors: Errors

    def number(self, path: str) -> int | None:
        text = self.texts[path]
        if not text or _DIGITS.match(text):
            return int(text) if text else None
        self.errors[path] = _whole(INPUTS[path].bounds, "30")
        return None

    def required(self, row: Field) -> int | None:
        """A number where nothing means the default, if there is one. 1 stands in for what cannot be read."""
        text = self.texts[row.path]
        if _DIGITS.match(text):
            return int(text)
        if not text and row.default is not NEEDED:
            return None if row.is_optional else int(row.default)
        if row.is_folded:
            self.number(row.path)
            return None if row.default is NEEDED else row.default
        self.errors[row.path] = _whole(row.bounds, "3") if text else "Fill in a number, such as 3."
        return 1

    def count(self, path: str) -> int | str:
        text = self.texts[path]
        return int(text) if _DIGITS.match(text) else text

    def lines(self, path: str) -> list[str]:
        return [line.strip() for line in self.texts[path].splitlines() if line.strip()]

    def pairs(self, row: Field) -> dict[str, str] | None:
        found: dict[str, str] = {}
        for line in self.lines(row.path):
            key, equals, value = line.partition("=")
            if not equals or not key.strip():
                self.errors[row.path] = f'"{line[:60]}" is not key=value. Write one a line.'
            elif key.strip() in found:
                self.errors[row.path] = f"{key.strip()[:60]} is set twice."
            found[key.strip()] = value.strip()
        return found or None

    def references(self, row: Field) -> list[dict[str, str]] | None:
        found = []
        for line in self.lines(row.path):
            name, _, place = line.partition("=")
            kind, _, rest = place.strip().partition("/")
            source, slash, key = rest.partition("/")
            if kind.lower() not in ("secret", "configmap") or not slash:
                self.errors[row.path] = f'"{line[:60]}" is not NAME=secret/name/key or NAME=configmap/name/key.'
                continue
            wanted = "secret" if kind.lower() == "secret" else "config_map"
            found.append({"name": name.strip(), "kind": wanted, "source": source, "key": key})
        return found or None

    def tolerations(self, row: Field) -> list[dict[str, str]] | None:
        found = []
        for line in self.lines(row.path):
            head, _, effect = line.partition(":")
            key, equals, value = head.partition("=")
            item = {"key": key.strip(), "operator": "Equal" if equals else "Exists"}
            item |= {"value": value.strip()} if value.strip() else {}
            found.append(item | ({"effect": effect.strip()} if effect.strip() else {}))
        return found or None

    def numbers(self, row: Field) -> dict[str, Any]:
        """The members that are numbers and that are filled in."""
        found = {item.key: self.number(item.path) for item in row.bounded()}
        return {key: value for key, value in found.items() if value is not None}

    def probe(self, row: Field) -> dict[str, Any] | None:
        kind = self.texts[f"{row.path}.kind"]
        if kind in ("", "off"):
            return {"kind": kind} if kind else None
        found: dict[str, Any] = {"kind": kind} | self.numbers(row)
        found["port_name"] = "grpc" if kind == "grpc" else self.texts[f"{row.path}.port_name"]
        if kind == "http":
            found["path"] = self.texts[f"{row.path}.path"] or "/"
        return found

    def pace(self, row: Field) -> dict[str, Any] | None:
        return self.numbers(row) or None

    def spread(self, row: Field) -> dict[str, Any] | None:
        over = self.texts["spread.over"]
        if not over:
            return None
        return {"over": over, "is_required": self.texts["spread.is_required"] == "yes"} | self.numbers(row)

    def budget(self, row: Field) -> dict[str, Any] | None:
        kind = self.texts["budget.kind"]
        return {kind: self.count("budget.value")} if kind else None


_NUMBERS: Final = frozenset((InputKind.NUMBER, InputKind.PORT, InputKind.SECONDS, InputKind.PERCENT))
_READ: Final[Mapping[InputKind, Callable[[_Reading, Field], Any]]] = {
    InputKind.COUNT: lambda reader, row: reader.count(row.path),
    InputKind.PAIRS: _Reading.pairs,
    InputKind.REFERENCES: _Reading.references,
    InputKind.TOLERATIONS: _Reading.tolerations,
    InputKind.PROBE: _Reading.probe,
    InputKind.PACE: _Reading.pace,
    InputKind.SPREAD: _Reading.spread,
    InputKind.BUDGET: _Reading.budget,
}
