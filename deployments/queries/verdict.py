"""The cluster's verdict on a proposal, read from what a worker stored (its shape: deployments/dryrun.py)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Self

from deployments.domain.apiserver.objects import objects, text
from deployments.domain.apiserver.quota import Quota
from deployments.models import Proposal
from deployments.models.requests import Answer


class Look(NamedTuple):
    """What `state_pill` draws."""

    label: str
    tone: str
    icon: str


OUTCOMES = {
    "created": Look("Is made", "ok", "circle-check"),
    "changed": Look("Accepted", "ok", "circle-check"),
    "unchanged": Look("Unchanged", "quiet", "circle-check"),
    "deleted": Look("Is deleted", "warn", "trash"),
    "refused": Look("Refused", "bad", "ban"),
    "conflict": Look("Held by others", "warn", "git-compare"),
    "cannot-check": Look("Not checked", "stall", "help"),
}
# A pod is only tried, so that a quota or an admission rule speaks now and not after the change.
MAY_START = Look("May start", "ok", "circle-check")
POD_FITS = "Quota, priority and admission let a pod like this in."


@dataclass(frozen=True, kw_only=True)
class ObjectVerdict:
    """One object in the dry run."""

    kind: str
    name: str
    outcome: str
    message: str

    @property
    def look(self) -> Look:
        if self.kind == "Pod" and self.outcome == "created":
            return MAY_START
        return OUTCOMES.get(self.outcome, OUTCOMES["cannot-check"])

    @property
    def is_refused(self) -> bool:
        return self.outcome == "refused"


@dataclass(frozen=True, kw_only=True)
class Held:
    """A field of ours that somebody else holds in the cluster."""

    kind: str
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
    quota: Quota | None
    manifest_lines: Sequence[str]
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
                message=text(item, "message") or _usual(item),
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
                    kind=text(item, "kind"),
                    path=text(item, "path"),
                    manager=text(item, "manager"),
                    live=_shown(item.get("live")),
                    desired=_shown(item.get("desired")),
                )
                for item in objects(said, "conflicts")
            ),
            quota=Quota.from_json(said["quota"]) if isinstance(said.get("quota"), dict) else None,
            manifest_lines=tuple(_texts(said, "manifest_diff")),
            results=results,
        )


def _texts(said: dict[str, Any], key: str) -> list[str]:
    found = said.get(key)
    return [item for item in found if isinstance(item, str)] if isinstance(found, list) else []


def _usual(item: dict[str, Any]) -> str:
    return POD_FITS if item.get("kind") == "Pod" and item.get("outcome") == "created" else ""


def _shown(value: object) -> str:
    return "not set" if value is None else value if isinstance(value, str) else str(value)
