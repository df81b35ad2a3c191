"""Feature specs: how a column is folded. Frozen, versioned, and part of the identity of every profile."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any, Final

from observability.domain.specs.parse import Parse, ParseError

SPEC_FORMAT: Final = 1
MAX_VOCABULARY: Final = 256
MAX_ATOMS: Final = 32
MAX_TABLE: Final = 1024
MAX_NAME_BYTES: Final = 512
PROJECTIONS: Final = 16
TIME_UNITS: Final = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}


class SpecError(ValueError):
    """A feature spec that cannot be used; the message names the field and says what would fit."""


_JSON_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "name": (str,),
    "kind": (str,),
    "centre": (int, float),
    "unit_exponent": (int,),
    "resolution": (int,),
    "atoms": (list,),
    "vocabulary": (list,),
    "table_limit": (int,),
    "time_unit": (str,),
    "dimension": (int,),
    "reason": (str,),
    "parse": (dict, type(None)),
}


class Kind(StrEnum):
    """What a column means, which decides what is counted."""

    NUMERIC = "numeric"
    CODE = "code"
    CATEGORY = "category"
    BOOLEAN = "boolean"
    ID = "id"
    TIMESTAMP = "timestamp"
    TEXT = "text"
    EMBEDDING = "embedding"

    @property
    def label(self) -> str:
        return {"code": "integer code", "id": "identifier", "embedding": "embedding vector"}.get(self.value, self.value)

    @property
    def a_label(self) -> str:
        """The label with its article, for sentences."""
        return f"{'an' if self.label[0] in 'aeiou' else 'a'} {self.label}"

    @property
    def is_categorical(self) -> bool:
        return self in (Kind.CODE, Kind.CATEGORY, Kind.BOOLEAN, Kind.ID)


@dataclass(frozen=True, kw_only=True)
class FeatureSpec:
    """How one column is folded.

    centre, unit_exponent (u = 2**k) and resolution (S) place the histogram; `atoms` are exact values counted on their
    own (sentinels); `vocabulary` holds the frozen baseline values of a category; `table_limit` is the number of
    distinct values kept exactly before the table says OVERFLOW. `reason` is prose, `parse` says how texts of a source
    are read: neither is part of the identity.
    """

    name: str
    kind: Kind
    centre: float | int = 0
    unit_exponent: int = 0
    resolution: int = 64
    atoms: tuple[float, ...] = ()
    vocabulary: tuple[str, ...] = ()
    table_limit: int = MAX_TABLE
    time_unit: str = ""
    dimension: int = 0
    reason: str = field(default="", compare=False)
    parse: Parse | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        self._check_name()
        if self.resolution not in (16, 32, 64):
            raise SpecError(f"{self.name}: resolution must be 16, 32 or 64, not {self.resolution!r}")
        if not -1000 <= self.unit_exponent <= 1000:
            raise SpecError(f"{self.name}: unit_exponent must lie between -1000 and 1000, not {self.unit_exponent!r}")
        if isinstance(self.centre, bool) or not isinstance(self.centre, int | float) or not math.isfinite(self.centre):
            raise SpecError(f"{self.name}: centre must be a finite number, not {self.centre!r}")
        if isinstance(self.centre, int) and not -(2**63) <= self.centre < 2**63:
            raise SpecError(f"{self.name}: centre must fit 64 bits")
        if not 0 <= self.table_limit <= MAX_TABLE:
            raise SpecError(f"{self.name}: table_limit must lie between 0 and {MAX_TABLE}, not {self.table_limit!r}")
        if len(self.vocabulary) > MAX_VOCABULARY or len(set(self.vocabulary)) != len(self.vocabulary):
            raise SpecError(f"{self.name}: vocabulary must hold at most {MAX_VOCABULARY} values, each once")
        if len(self.atoms) > MAX_ATOMS or list(self.atoms) != sorted(set(self.atoms)):
            raise SpecError(f"{self.name}: atoms must be at most {MAX_ATOMS} numbers, ascending, each once")
        if any(not math.isfinite(atom) for atom in self.atoms):
            raise SpecError(f"{self.name}: atoms must be finite; NaN and infinities are counted anyway")
        if self.kind is Kind.TIMESTAMP and (self.time_unit not in TIME_UNITS or not isinstance(self.centre, int)):
            raise SpecError(f"{self.name}: a timestamp needs time_unit s, ms, us or ns and an integer centre")

    def _check_name(self) -> None:
        if not self.name or len(self.name.encode("utf-8", "surrogatepass")) > MAX_NAME_BYTES:
            raise SpecError(f"a feature's name must have 1 to {MAX_NAME_BYTES} bytes, this one is {self.name[:40]!r}")
        if any("\ud800" <= char <= "\udfff" for char in self.name):
            raise SpecError(f"the feature name {self.name[:40]!r} is not valid Unicode")

    @property
    def sub_bits(self) -> int:
        return self.resolution.bit_length() - 1

    def to_json(self) -> dict[str, Any]:
        """Every field, `parse` only where it says something; `centre` keeps its type, so that 0 and 0.0 fold alike but
        2**60 stays exact."""
        found: dict[str, Any] = {
            "name": self.name,
            "kind": self.kind.value,
            "centre": self.centre,
            "unit_exponent": self.unit_exponent,
            "resolution": self.resolution,
            "atoms": list(self.atoms),
            "vocabulary": list(self.vocabulary),
            "table_limit": self.table_limit,
            "time_unit": self.time_unit,
            "dimension": self.dimension,
            "reason": self.reason,
        }
        return found if self.parse is None else found | {"parse": self.parse.to_json()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> FeatureSpec:
        known = set(cls.__dataclass_fields__)
        if not isinstance(data, Mapping):
            raise SpecError("each feature of a spec is an object")
        if unknown := sorted(set(data) - known):
            raise SpecError(f"unknown field {unknown[0]!r} in a feature spec; known are {', '.join(sorted(known))}")
        for field_name in ("name", "kind"):
            if field_name not in data:
                raise SpecError(f"a feature spec lacks {field_name!r}")
        for key, value in data.items():
            kinds = _JSON_TYPES[key]
            if not isinstance(value, kinds) or isinstance(value, bool):
                raise SpecError(f"feature spec {str(data['name'])[:40]!r}: {key} cannot be {value!r:.40}")
        if data["kind"] not in list(Kind):
            raise SpecError(f"unknown kind {data['kind']!r}; one of {', '.join(Kind)}")
        values = dict(data) | {"kind": Kind(data["kind"])}
        for key, kind in (("atoms", (int, float)), ("vocabulary", str)):
            if not all(isinstance(value, kind) and not isinstance(value, bool) for value in data.get(key, ())):
                raise SpecError(f"feature spec {str(data['name'])[:40]!r}: {key} holds a value of another type")
        values["atoms"] = tuple(float(value) for value in data.get("atoms", ()))
        values["vocabulary"] = tuple(data.get("vocabulary", ()))
        try:
            values["parse"] = Parse.from_json(data.get("parse") or {})
        except ParseError as error:
            raise SpecError(f"feature spec {str(data['name'])[:40]!r}: {error}") from None
        return cls(**values)

    @cached_property
    def digest(self) -> bytes:
        """Eight bytes that two states must share before they may be merged."""
        identity = {key: value for key, value in self.to_json().items() if key not in ("reason", "parse")}
        return hashlib.sha256(canonical_json(identity)).digest()[:8]


@dataclass(frozen=True)
class Spec:
    """The features of one log, in a fixed order, under one version."""

    features: tuple[FeatureSpec, ...]
    version: int = 1

    def __post_init__(self) -> None:
        names = [feature.name for feature in self.features]
        if len(set(names)) != len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise SpecError(f"the feature {twice!r} appears twice in the spec")

    def __iter__(self) -> Iterator[FeatureSpec]:
        return iter(self.features)

    def __len__(self) -> int:
        return len(self.features)

    @cached_property
    def by_name(self) -> dict[str, FeatureSpec]:
        return {feature.name: feature for feature in self.features}

    def to_json(self) -> dict[str, Any]:
        features = [feature.to_json() for feature in self.features]
        return {"format": SPEC_FORMAT, "version": self.version, "features": features}

    @property
    def reading(self) -> bytes:
        """Canonical bytes of the reading rules, which have no part in the digest."""
        return canonical_json([feature.parse and feature.parse.to_json() for feature in self.features])

    def dumps(self) -> bytes:
        """Canonical bytes: the same spec gives the same bytes."""
        return canonical_json(self.to_json())

    @classmethod
    def loads(cls, text: bytes | str) -> Spec:
        try:
            data = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise SpecError(f"the spec is not JSON: {error}") from None
        if (
            not isinstance(data, dict)
            or data.get("format") != SPEC_FORMAT
            or not isinstance(data.get("features"), list)
        ):
            raise SpecError(f'a spec is an object with "format": {SPEC_FORMAT} and a list of "features"')
        version = data.get("version", 1)
        if not isinstance(version, int) or isinstance(version, bool) or version < 1:
            raise SpecError(f"the version of a spec is a whole number from 1 on, not {version!r:.40}")
        return cls(tuple(FeatureSpec.from_json(item) for item in data["features"]), version)

    @cached_property
    def digest(self) -> bytes:
        return hashlib.sha256(b"".join(feature.digest for feature in self.features)).digest()[:8]


def canonical_json(value: object) -> bytes:
    """Sorted keys, no spaces, UTF-8, shortest floats: one text per value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
