"""Strict reading of JSON: every problem is collected under the dotted path of its field, nothing is guessed."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from deployments.domain.text.naming import InvalidText, check_storable
from deployments.domain.text.quantities import QuantityError, parse_cpu, parse_memory

MAX_DEPTH: Final = 16
MAX_NODES: Final = 20_000


class SpecInvalid(ValueError):
    """`errors` maps dotted paths to messages; the path "" is the document itself."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        self.errors = dict(errors)
        super().__init__("; ".join(f"{path or 'spec'}: {message}" for path, message in sorted(self.errors.items())))


def check_shape(data: object) -> None:
    """Depth and size, walked without recursion so that a hostile document cannot exhaust the stack."""
    pending: list[tuple[object, int]] = [(data, 1)]
    seen = 0
    while pending:
        value, depth = pending.pop()
        seen += 1
        if depth > MAX_DEPTH:
            raise SpecInvalid({"": f"Nested more than {MAX_DEPTH} levels deep."})
        if seen > MAX_NODES:
            raise SpecInvalid({"": f"Holds more than {MAX_NODES} values."})
        if isinstance(value, Mapping):
            pending.extend((item, depth + 1) for item in value.values())
        elif isinstance(value, list | tuple):
            pending.extend((item, depth + 1) for item in value)


class Reader:
    """One JSON object under a path. Each `take` consumes a key; `finish` reports the keys nobody asked for."""

    def __init__(self, data: object, path: str, errors: dict[str, str]) -> None:
        self.path, self.errors = path, errors
        self.data: dict[str, Any] = {}
        if not isinstance(data, Mapping):
            self.fail("", f"Must be an object, not {kind_of(data)}.")
            return
        for key, value in data.items():
            if isinstance(key, str):
                self.data[key] = value
            else:
                self.fail("", "Every key must be text.")

    def at(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path and key else self.path or key

    def fail(self, key: str, message: str) -> None:
        self.errors.setdefault(self.at(key), message)

    def has(self, key: str) -> bool:
        """Whether the key holds a value; a null is consumed as absent."""
        if self.data.get(key) is not None:
            return True
        self.data.pop(key, None)
        return False

    def text(self, key: str, default: str | None = None) -> str:
        """Required unless a default is given; null counts as absent."""
        value = self.data.pop(key, None)
        if value is None:
            if default is None:
                self.fail(key, "Is required.")
            return default or ""
        if not isinstance(value, str):
            self.fail(key, f"Must be text, not {kind_of(value)}.")
            return default or ""
        try:
            check_storable(value)
        except InvalidText as problem:
            self.fail(key, str(problem))
            return default or ""
        return value

    def optional_text(self, key: str) -> str | None:
        return self.text(key) if self.has(key) else None

    def choice(self, key: str, choices: Sequence[str], default: str | None = None) -> str:
        value = self.text(key, default)
        if value not in choices and self.at(key) not in self.errors:
            self.fail(key, f"Must be one of: {', '.join(choice for choice in choices if choice)}.")
        return value if value in choices else choices[0]

    def integer(self, key: str, default: int | None = None) -> int:
        value = self.data.pop(key, None)
        if value is None:
            if default is None:
                self.fail(key, "Is required.")
            return default or 0
        # bool is an int in Python and a float may be NaN: neither is a count.
        if not isinstance(value, int) or isinstance(value, bool):
            self.fail(key, f"Must be a whole number, not {kind_of(value)}.")
            return default or 0
        if abs(value) > 2**31 - 1:
            self.fail(key, "The number is too large.")
            return default or 0
        return value

    def optional_integer(self, key: str) -> int | None:
        return self.integer(key) if self.has(key) else None

    def boolean(self, key: str, default: bool) -> bool:
        value = self.data.pop(key, None)
        if value is None:
            return default
        if not isinstance(value, bool):
            self.fail(key, f"Must be true or false, not {kind_of(value)}.")
            return default
        return value

    def count_or_percent(self, key: str, default: int | str) -> int | str:
        if isinstance(self.data.get(key), str):
            return self.text(key)
        return self.integer(key) if self.has(key) else default

    def cpu(self, key: str) -> int:
        return self._quantity(key, is_cpu=True)

    def optional_cpu(self, key: str) -> int | None:
        return self.cpu(key) if self.has(key) else None

    def memory(self, key: str) -> int:
        return self._quantity(key, is_cpu=False)

    def items(self, key: str) -> Sequence[Any]:
        value = self.data.pop(key, None)
        if value is None:
            return ()
        if not isinstance(value, list | tuple):
            self.fail(key, f"Must be a list, not {kind_of(value)}.")
            return ()
        return value

    def child(self, key: str) -> "Reader":
        return Reader(self.data.pop(key, None), self.at(key), self.errors)

    def optional_child(self, key: str) -> "Reader | None":
        return self.child(key) if self.has(key) else None

    def finish(self) -> None:
        for key in self.data:
            self.fail(key[:60], "Is not a known field.")

    def _quantity(self, key: str, *, is_cpu: bool) -> int:
        known = set(self.errors)
        text = self.text(key)
        if self.at(key) in self.errors.keys() - known:
            return 0
        try:
            return parse_cpu(text) if is_cpu else parse_memory(text)
        except QuantityError as problem:
            self.fail(key, str(problem))
            return 0


def kind_of(value: object) -> str:
    """The JSON word for a value's type, for messages."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "text"
    return "an object" if isinstance(value, Mapping) else "a list"
