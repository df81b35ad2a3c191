"""What the control plane is doing, in a file: the site shows it while the first build runs."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from embedded.paths import Home, write_json


class State(StrEnum):
    WAITING = "waiting"  # another stack of this user is building
    BUILDING = "building"
    STARTING = "starting"
    READY = "ready"
    FAILED = "failed"
    STOPPED = "stopped"


@dataclass(frozen=True)
class Progress:
    """`done` of `of` programs are ready; `step` is the one being built, `detail` a sentence for people."""

    state: State
    step: str = ""
    done: int = 0
    of: int = 0
    detail: str = ""


def progress_file(home: Home) -> Path:
    return home.path / "kubernetes" / "build.json"


def write(file: Path, progress: Progress) -> None:
    write_json(file, {**asdict(progress), "at": datetime.now(UTC).isoformat()})
