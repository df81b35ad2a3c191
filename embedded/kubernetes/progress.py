"""What the control plane is doing, in a file of the stack's own, and in words for the site."""

from __future__ import annotations

from collections.abc import Mapping
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


def in_words(said: Mapping[str, object]) -> str:
    """The file's content for people; empty when the cluster can be reached, or nothing is known."""
    state = said.get("state")
    if state == State.FAILED:
        return f"the control plane could not start: {said.get('detail') or 'see its log'}"
    if state == State.WAITING:
        return "waiting for another build of the control plane on this machine"
    if state not in (State.BUILDING, State.STARTING):
        return ""
    text = f"{state} {said.get('step') or 'the control plane'}"
    done = said.get("done")
    return f"{text}, {done + 1} of {said['of']}" if said.get("of") and isinstance(done, int) else text
