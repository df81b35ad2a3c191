"""One database behind three connections."""

from typing import Any


class OneDatabase:
    """Reads and writes use `default`; only `owner` migrates; `locks` carries advisory locks alone."""

    def allow_relation(self, obj1: Any, obj2: Any, **hints: Any) -> bool:
        return True

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return db == "owner"
