"""Hostile and mistaken inputs, kept as data in tests/bad_inputs: one parametrised test over each file."""

from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parent.parent / "bad_inputs"


def load(name: str) -> list[Any]:
    entries = yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))
    assert isinstance(entries, list)
    assert entries
    return entries


def ids(entries: list[Any]) -> list[str]:
    return [entry["id"] for entry in entries]


def text_of(entry: dict[str, Any]) -> str:
    """`input`, or `repeat` [text, times] for what would be unreadable written out."""
    if "repeat" in entry:
        text, times = entry["repeat"]
        return str(text) * int(times)
    return str(entry["input"])
