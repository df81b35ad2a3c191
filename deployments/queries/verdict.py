"""The cluster's verdict on a proposal, read from what a worker stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from deployments.domain.answers import objects, text
from deployments.models import Proposal
from deployments.models.requests import Answer


@dataclass(frozen=True, kw_only=True)
class ObjectVerdict:
    """One object in the dry run. `outcome` is created, changed, unchanged, deleted or refused."""

    kind: str
    name: str
    outcome: str
    message: str

    @property
    def is_refused(self) -> bool:
        return self.outcome == "refused"


@dataclass(frozen=True, kw_only=True)
class Held:
    """A field of ours that somebody else holds in the cluster."""

    path: str
    manager: str
    live: str
    desired: str


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """`restarts` None: the cluster has not said. `problem`: why it could not be asked."""

    is_waiting: bool
    is_answered: bool
    at: datetime | None
    problem: str
    restarts: bool | None
    refusals: Sequence[str]
    warnings: Sequence[str]
    held: Sequence[Held]
    results: Sequence[ObjectVerdict]

    @property
    def is_refused(self) -> bool:
        return bool(self.refusals)

    @classmethod
    def of(cls, proposal: Proposal) -> Self:
        said: dict[str, Any] = proposal.verdict if isinstance(proposal.verdict, dict) else {}
        answer = Answer(proposal.answer)
        restarts = said.get("restarts")
        results = tuple(
            ObjectVerdict(
                kind=text(item, "kind"),
                name=text(item, "name"),
                outcome=text(item, "outcome"),
                message=text(item, "message"),
            )
            for item in objects(said, "objects")
        )
        refused = [f"{item.kind}: {item.message}" for item in results if item.is_refused]
        return cls(
            is_waiting=answer is Answer.WAITING,
            is_answered=answer is Answer.DONE,
            at=proposal.answered_at,
            problem=text(said, "problem") if answer is Answer.FAILED else "",
            restarts=restarts if isinstance(restarts, bool) and answer is Answer.DONE else None,
            refusals=tuple(_texts(said, "refusals") or refused),
            warnings=tuple(_texts(said, "warnings")),
            held=tuple(
                Held(
                    path=text(item, "path"),
                    manager=text(item, "manager"),
                    live=_shown(item.get("live")),
                    desired=_shown(item.get("desired")),
                )
                for item in objects(said, "conflicts")
            ),
            results=results,
        )


def _texts(said: dict[str, Any], key: str) -> list[str]:
    found = said.get(key)
    return [item for item in found if isinstance(item, str)] if isinstance(found, list) else []


def _shown(value: object) -> str:
    return "not set" if value is None else value if isinstance(value, str) else str(value)
