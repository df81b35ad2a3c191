"""Fields of ours that somebody else holds in the cluster, as processes tell each other and pages show them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from deployments.domain.apiserver.objects import instant, text


@dataclass(frozen=True, slots=True)
class HeldField:
    """`path` is that of the object of `kind`; values are JSON, None stands for "not there".

    `spec_path` is the form's field, empty when the form has none; `at` when the other one wrote it. `is_left`: the spec
    gives the field up, and the other one keeps it there, which the cluster refuses beside what the spec says now.
    """

    kind: str
    path: str
    manager: str
    live: Any
    desired: Any
    at: datetime | None = None
    spec_path: str = ""
    is_left: bool = False

    @property
    def is_ours(self) -> bool:
        """Whether taking over settles it: what others only added is not ours to remove."""
        return self.desired is not None or self.is_left

    @property
    def live_words(self) -> str:
        return shown(self.live)

    @property
    def desired_words(self) -> str:
        return shown(self.desired)

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "path": self.path,
            "manager": self.manager,
            "live": self.live,
            "desired": self.desired,
            "at": self.at.isoformat() if self.at else None,
            "spec_path": self.spec_path,
            **({"is_left": True} if self.is_left else {}),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Of `to_json`, and of rows that were stored before it existed."""
        return cls(
            kind=text(data, "kind"),
            path=text(data, "path"),
            manager=text(data, "manager"),
            live=data.get("live"),
            desired=data.get("desired"),
            at=instant(data, "at"),
            spec_path=text(data, "spec_path"),
            is_left=data.get("is_left") is True,
        )


def shown(value: object) -> str:
    """A stored value of either side for people."""
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return "not set" if value is None else str(value)
