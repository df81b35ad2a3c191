"""A connection tried step by step: what works, what does not and what to do, for a page and a row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from baristaweb.lib.looks import Look, Tone
from deployments.domain.apiserver.objects import text
from deployments.domain.gke.remedies import Remedy


class Outcome(StrEnum):
    WORKS = "works"
    MISSING = "missing"
    NOT_TRIED = "not-tried"

    @property
    def look(self) -> Look:
        return _LOOKS[self]


_LOOKS = {
    Outcome.WORKS: Look("Works", Tone.OK, "circle-check", True),
    Outcome.MISSING: Look("Missing", Tone.BAD, "alert-triangle", True),
    Outcome.NOT_TRIED: Look("Not tried", Tone.QUIET, "help", True),
}


@dataclass(frozen=True, slots=True)
class Step:
    """`name` says what was tried; `words` what came of it; commands and YAML are what to do about it."""

    name: str
    outcome: Outcome
    words: str = ""
    commands: tuple[str, ...] = ()
    yaml: str = ""

    @classmethod
    def missing(cls, name: str, found: Remedy, said: str = "") -> Self:
        words = f"{found.words} Google says: {said}" if said else found.words
        return cls(name, Outcome.MISSING, words, found.commands, found.yaml)

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "outcome": self.outcome.value,
            "words": self.words,
            "commands": list(self.commands),
            "yaml": self.yaml,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        outcome = text(data, "outcome")
        return cls(
            name=text(data, "name"),
            outcome=Outcome(outcome) if outcome in set(Outcome) else Outcome.NOT_TRIED,
            words=text(data, "words"),
            commands=tuple(str(line) for line in data.get("commands") or ()),
            yaml=text(data, "yaml"),
        )
