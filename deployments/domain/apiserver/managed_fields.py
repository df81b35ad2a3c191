"""Who wrote which field, read from an object's managedFields."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from deployments.domain.apiserver.objects import instant, obj, objects, text

_SELECTOR: Final = re.compile(r'\[(?:[a-zA-Z]+=)?"?([^\[\]"=,]+)"?(?:,[^\[\]]*)?\]')


@dataclass(frozen=True, slots=True)
class Owned:
    """A field of an object, in the notation of `diff.flatten`, and its writer."""

    path: str
    manager: str
    at: datetime | None
    subresource: str = ""


def owned_fields(live: Mapping[str, Any]) -> tuple[Owned, ...]:
    found: list[Owned] = []
    for entry in objects(live, "metadata", "managedFields"):
        manager, at, subresource = text(entry, "manager"), instant(entry, "time"), text(entry, "subresource")
        for path in _leaves(obj(entry, "fieldsV1"), live, ""):
            found.append(Owned(path, manager, at, subresource))
    return tuple(found)


def owners_of(path: str, owned: Sequence[Owned]) -> tuple[Owned, ...]:
    """Writers of exactly the path, else of what contains it (atomic lists), else of parts of it; newest first."""
    tiers = (
        [item for item in owned if item.path == path],
        [item for item in owned if _contains(item.path, path)],
        [item for item in owned if _contains(path, item.path)],
    )
    nearest: list[Owned] = next((tier for tier in tiers if tier), [])
    return tuple(sorted(nearest, key=lambda item: (item.at is not None, str(item.at)), reverse=True))


def path_of_cause(field: str) -> str:
    """The API server's `.spec.containers[name="model"].image` in the notation of `diff.flatten`."""
    return _SELECTOR.sub(lambda match: f"[{match.group(1)}]", field).removeprefix(".")


def _contains(outer: str, inner: str) -> bool:
    return inner.startswith((f"{outer}.", f"{outer}["))


def _leaves(fields: Mapping[str, Any], value: Any, path: str) -> Iterator[str]:
    if not set(fields) - {"."}:
        if path:
            yield path
        return
    for key, inner in fields.items():
        if key == "." or not isinstance(inner, Mapping):
            continue
        kind, _, name = key.partition(":")
        if kind == "f":
            step = f"[{name}]" if "." in name or "/" in name else f".{name}"
            child = value.get(name) if isinstance(value, Mapping) else None
            yield from _leaves(inner, child, f"{path}{step}".removeprefix("."))
        elif kind == "k":
            index, child = _member(name, value)
            yield from _leaves(inner, child, f"{path}[{index}]")
        elif path:
            # A set member or an index: the whole list is named.
            yield path


def _member(key: str, value: Any) -> tuple[str, Any]:
    """The list member that a key such as {"name":"model"} stands for, and how `diff.flatten` calls it."""
    try:
        wanted = json.loads(key)
    except ValueError:
        return key, None
    for index, item in enumerate(value if isinstance(value, list) else ()):
        if isinstance(item, Mapping) and isinstance(wanted, dict) and wanted.items() <= dict(item).items():
            name = item.get("name")
            return (name if isinstance(name, str) else str(index)), item
    name = wanted.get("name") if isinstance(wanted, dict) else None
    return (name if isinstance(name, str) else key), None
