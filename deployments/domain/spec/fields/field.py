"""What a row says of one setting: its words, where it lies in Kubernetes, how it is typed, its default and bounds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from functools import cached_property
from typing import Any, Final

MODEL: Final = "Model"
ENVIRONMENT: Final = "Environment variables"
RESOURCES: Final = "Resources"
SCALING: Final = "Scaling"
ROLLOUT: Final = "Rollout"
NETWORK: Final = "Network"

SECTIONS: Final = (MODEL, ENVIRONMENT, RESOURCES, SCALING, ROLLOUT, NETWORK)

POD: Final = "spec.template.spec"
CONTAINER: Final = f"{POD}.containers[model]"

Choices = tuple[tuple[str, str], ...]
Condition = tuple[str, tuple[str, ...]]


class InputKind(Enum):
    """What a value is. Its JSON, its words and its text in the form follow from it, and so does the usual input."""

    TEXT = auto()
    NUMBER = auto()
    PORT = auto()
    SECONDS = auto()
    PERCENT = auto()
    COUNT = auto()  # a count, or a share such as "25%"
    CPU = auto()
    MEMORY = auto()
    CHOICE = auto()
    VARIANT = auto()  # which of its classes a part of the spec is
    VARIABLES = auto()
    REFERENCES = auto()
    PAIRS = auto()
    TOLERATIONS = auto()
    PROBE = auto()
    PACE = auto()
    SPREAD = auto()
    BUDGET = auto()


class Shape(Enum):
    """How an input looks; the value is the template's word for it."""

    TEXT = "text"
    NUMBER = "number"
    QUANTITY = "quantity"
    LINES = "lines"
    AREA = "area"
    SELECT = "select"
    RADIOS = "radios"


_SHAPES: Final = {
    InputKind.TEXT: Shape.TEXT,
    InputKind.CPU: Shape.QUANTITY,
    InputKind.MEMORY: Shape.QUANTITY,
    InputKind.CHOICE: Shape.SELECT,
    InputKind.VARIANT: Shape.RADIOS,
    InputKind.REFERENCES: Shape.LINES,
    InputKind.PAIRS: Shape.LINES,
    InputKind.TOLERATIONS: Shape.LINES,
}


class NoDefault(Enum):
    """The default of what a spec cannot be without."""

    NEEDED = auto()


NEEDED: Final = NoDefault.NEEDED


@dataclass(frozen=True, slots=True)
class Bounds:
    """The least and the most that fits, both included; `begins` and `ends` are the words around the two numbers."""

    least: int
    most: int
    begins: str = "Must be"
    ends: str = ""

    def problem(self, value: int | None) -> str:
        """Empty when the value fits, or is not set."""
        if value is None or self.least <= value <= self.most:
            return ""
        return f"{self.begins} between {self.least} and {self.most}{self.ends}."


PORTS: Final = Bounds(1, 65535, "Must be a port")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a setting lies: an object's kind, and a path in the notation of `changes.diff.flatten`.

    `is_value`: what stands at the path is the setting's own text; else the path is the root of what is made of it.
    `words` are for people, where they are not the path.
    """

    kind: str
    path: str
    is_value: bool = True
    words: str = ""

    @property
    def shown(self) -> str:
        if self.words:
            return self.words
        before = {"Deployment": "", "HorizontalPodAutoscaler": "HPA "}.get(self.kind, f"{self.kind} ")
        return f"{before}{self.path}"


def at(path: str, kind: str = "Deployment", *, words: str = "") -> Place:
    """Exactly this value is the setting."""
    return Place(kind, path, words=words)


def below(path: str, kind: str = "Deployment", *, words: str = "") -> Place:
    """What begins with this path is made of the setting."""
    return Place(kind, path, is_value=False, words=words)


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """One text of the form. `start` is what a setting that is not set shows, as `default` is what it then is.

    `when`: the input and the values of it under which this one counts.
    """

    path: str
    label: str
    shape: Shape = Shape.TEXT
    help: str = ""
    unit: str = ""
    choices: Choices = ()
    when: Condition | None = None
    default: Any = None
    start: str = ""
    bounds: Bounds | None = None

    @property
    def key(self) -> str:
        """The name of the member that it fills in."""
        return self.path.rpartition(".")[2]


@dataclass(frozen=True, slots=True)
class Variant:
    """A class that a part of the spec may be; `value` is its name in JSON and in the form."""

    value: str
    of: type
    label: str
    words: str


@dataclass(frozen=True, kw_only=True)
class Field:
    """One setting. `path` is the spec's attribute, or an attribute of a part ("replicas.max").

    `restarts` is a hint for the form; the review's verdict comes from the cluster's own dry run. `is_risky` marks what
    a production change may need a second person for. `start` is what a new deployment's form begins with, where the
    default is not it. `is_folded`: few people need it. `longest` counts the characters of a text.
    """

    path: str
    label: str
    section: str
    kind: InputKind
    help: str
    place: Place | None
    default: Any = None
    can_be_empty: bool = False
    start: str | None = None
    unit: str = ""
    unset: str = "not set"
    shape: Shape | None = None
    bounds: Bounds | None = None
    longest: int | None = None
    when: Condition | None = None
    variants: tuple[Variant, ...] = ()
    parts: tuple[Input, ...] = ()
    is_folded: bool = False
    hides_default: bool = False
    restarts: bool = False
    is_risky: bool = False

    @property
    def part(self) -> str:
        """The attribute of the spec in which it lies, empty when it is one itself."""
        return self.path.rpartition(".")[0]

    @property
    def name(self) -> str:
        return self.path.rpartition(".")[2]

    @property
    def kubernetes_name(self) -> str:
        return self.place.shown if self.place else "kept in Barista"

    @property
    def is_optional(self) -> bool:
        """Whether it may be None: not set, or deliberately nothing."""
        return self.default is None or self.can_be_empty

    @cached_property
    def inputs(self) -> tuple[Input, ...]:
        """What is typed: one text of its own, or its parts. Variables have rows of their own in the form."""
        if self.parts or self.kind is InputKind.VARIABLES:
            return self.parts
        shape = self.shape or _SHAPES.get(self.kind, Shape.NUMBER)
        usual = "" if self.default is None or self.default is NEEDED or shape is Shape.LINES else str(self.default)
        return (
            Input(
                path=self.path,
                label=f"{self.label}s" if shape is Shape.LINES else self.label,
                shape=shape,
                help=self.help,
                unit=self.unit,
                choices=tuple((variant.value, variant.label) for variant in self.variants),
                when=self.when,
                start=usual if self.start is None else self.start,
                bounds=self.bounds,
            ),
        )

    def value_in(self, spec: object) -> Any:
        """The setting's value in a spec; None where its part is absent or of another class."""
        if self.kind is InputKind.VARIANT:
            part = getattr(spec, self.part)
            return next(variant.value for variant in self.variants if isinstance(part, variant.of))
        return getattr(getattr(spec, self.part) if self.part else spec, self.name, None)

    def member(self, key: str) -> Input:
        """The input of one member: `member("period_s")` of a probe."""
        return next(item for item in self.parts if item.key == key)

    def bounded(self) -> Iterator[Input]:
        return (item for item in self.inputs if item.bounds is not None)
