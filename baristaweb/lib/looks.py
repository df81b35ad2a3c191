"""One vocabulary for what people see of a state: its label, tone and icon. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Tone(StrEnum):
    OK = "ok"
    BUSY = "busy"
    SLEEP = "sleep"
    BAD = "bad"
    WARN = "warn"
    STALL = "stall"
    DRAFT = "draft"
    QUIET = "quiet"


class Look(NamedTuple):
    """`severity` sorts worst first by descending; a settled state does not change by itself."""

    label: str
    tone: Tone
    icon: str
    settled: bool = True
    severity: int = 0


class Shown(StrEnum):
    """A state that people see. Each enum says where its members' looks are; the parts are read here."""

    @property
    def look(self) -> Look:
        raise NotImplementedError

    @property
    def label(self) -> str:
        return self.look.label

    @property
    def tone(self) -> Tone:
        return self.look.tone

    @property
    def icon(self) -> str:
        return self.look.icon

    @property
    def settled(self) -> bool:
        return self.look.settled

    @property
    def severity(self) -> int:
        return self.look.severity
