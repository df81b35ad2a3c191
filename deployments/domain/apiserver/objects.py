"""Reading the API server's JSON without trusting it: a wrong type anywhere reads as absent."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

MESSAGE_MAX: Final = 600
_FRACTION: Final = re.compile(r"\.(\d{1,9})")
_SUFFIXES: Final = {
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    "k": Decimal(10**3),
    "M": Decimal(10**6),
    "G": Decimal(10**9),
    "T": Decimal(10**12),
    "Ki": Decimal(2**10),
    "Mi": Decimal(2**20),
    "Gi": Decimal(2**30),
    "Ti": Decimal(2**40),
}


def obj(value: object, *path: str) -> dict[str, Any]:
    """The object at a path of keys, empty when it is missing or not an object."""
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return dict(value) if isinstance(value, Mapping) else {}


def objects(value: object, *path: str) -> list[dict[str, Any]]:
    parent = obj(value, *path[:-1])
    found = parent.get(path[-1])
    return [dict(item) for item in found if isinstance(item, Mapping)] if isinstance(found, list | tuple) else []


def text(value: object, *path: str) -> str:
    found = obj(value, *path[:-1]).get(path[-1])
    return found if isinstance(found, str) else ""


def number(value: object, *path: str, default: int = 0) -> int:
    found = obj(value, *path[:-1]).get(path[-1])
    return found if isinstance(found, int) and not isinstance(found, bool) else default


def amount(quantity: object) -> Decimal:
    """The value of a quantity that the apiserver wrote; 0 when it is unreadable."""
    written = quantity if isinstance(quantity, str) else ""
    suffix = next((item for item in ("Ki", "Mi", "Gi", "Ti", *"numkMGT") if written.endswith(item)), "")
    try:
        value = Decimal(written.removesuffix(suffix) if suffix else written)
    except InvalidOperation:
        return Decimal(0)
    return value * _SUFFIXES.get(suffix, Decimal(1)) if value.is_finite() else Decimal(0)


def instant(value: object, *path: str) -> datetime | None:
    """An RFC 3339 time in UTC, None when it is absent or unreadable."""
    found = text(value, *path)
    if not found:
        return None
    # The API server may send nanoseconds; Python holds six digits.
    short = _FRACTION.sub(lambda match: "." + match.group(1)[:6].ljust(6, "0"), found)
    try:
        parsed = datetime.fromisoformat(short)
    except ValueError:
        return None
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)


def message(raw: str, limit: int = MESSAGE_MAX) -> str:
    """Text of a cluster, for a sentence: one line, no control characters, bounded."""
    printable = "".join(character if character.isprintable() else " " for character in raw[: limit * 4])
    line = " ".join(printable.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def condition(value: object, kind: str) -> dict[str, Any]:
    """The status condition of a type, empty when absent."""
    for item in objects(value, "status", "conditions"):
        if item.get("type") == kind:
            return item
    return {}


def finalizers(value: object) -> list[str]:
    """Whose leave a deletion waits for, besides Kubernetes' own order of deleting."""
    found = obj(value, "metadata").get("finalizers")
    names = [message(item, 253) for item in found if isinstance(item, str)] if isinstance(found, list) else []
    return [name for name in names if name not in ("foregroundDeletion", "orphan")]
