"""JSON-like objects as YAML for reading. What is sent to a cluster is JSON; nothing parses this text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from baristaweb.lib.visible import visible

# Words and shapes that YAML would read as something else than text.
_PLAIN = re.compile(r"[A-Za-z_/.][-A-Za-z0-9_/.:@ ]*[-A-Za-z0-9_/.@]|[A-Za-z_/]")
_WORDS = frozenset({"true", "false", "yes", "no", "on", "off", "null", "y", "n", ".", ".nan", ".inf"})


def to_yaml(value: Mapping[str, Any]) -> str:
    return "\n".join(_lines(value, "")) + "\n"


def _lines(value: Any, indent: str) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _entry(f"{indent}{_scalar(str(key))}:", item, indent)
    else:
        for item in value:
            if isinstance(item, Mapping | list) and item:
                inner = list(_lines(item, indent + "  "))
                yield f"{indent}- {inner[0].lstrip()}"
                yield from inner[1:]
            else:
                yield f"{indent}- {_scalar(item)}"


def _entry(head: str, item: Any, indent: str) -> Iterator[str]:
    if isinstance(item, Mapping) and item:
        yield head
        yield from _lines(item, indent + "  ")
    elif isinstance(item, Sequence) and not isinstance(item, str) and item:
        yield head
        yield from _lines(item, indent)
    else:
        yield f"{head} {_scalar(item)}"


def _scalar(value: Any) -> str:
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _WORDS and ": " not in value:
        return value
    # What hides is written as its escape: it can be seen, and a copy of the text is still the same.
    return visible(json.dumps(value, ensure_ascii=False)).replace("\u00a0", "\\xa0")
