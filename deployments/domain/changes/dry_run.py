"""The cluster's verdict on a proposal: what a dry run of each of its objects answered. Workers write it, pages read it.

As JSON (Proposal.verdict):

    objects      [{kind, name, outcome, message, warnings}]. Kind "Pod" is a dry-run create of a pod made from the
                 Deployment's own answer: quota, priority class and admission refuse pods, not Deployments
    restarts     whether a new ReplicaSet will appear: the pod template of the live object against that of the dry run;
                 null when unknown; false for a new deployment, where nothing restarts
    refused      whether anything was refused; refusals: why, one sentence each
    warnings     texts of the apiserver's Warning headers
    conflicts    held fields (changes/held.py)
    quota        what the namespace's quotas leave, this deployment's own use given back; null when it was not read
    manifest_diff  lines as `diff -u` prints them, live against dry run, each object under a line "# Kind name"
    problem      why the cluster could not be asked
    checked_at   when, ISO 8601
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Self

from baristaweb.lib.looks import Look, Shown, Tone
from deployments.domain.apiserver.objects import instant, objects, text
from deployments.domain.apiserver.quota import Quota
from deployments.domain.changes.held import HeldField

LINES_LIMIT: Final = 2_000
POD: Final = "Pod"
# A pod is only tried, so that a quota or an admission rule speaks now and not after the change.
_MAY_START: Final = Look("May start", Tone.OK, "circle-check")
_POD_FITS: Final = "Quota, priority and admission let a pod like this in."


class Outcome(Shown):
    """What a dry run did with one object.

    CONFLICT: others hold fields of ours. CANNOT_CHECK: a webhook allows no dry run, or the cluster stopped answering in
    the middle.
    """

    CREATED = "created"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    DELETED = "deleted"
    REFUSED = "refused"
    CONFLICT = "conflict"
    CANNOT_CHECK = "cannot-check"

    @property
    def look(self) -> Look:
        return _OUTCOMES[self]


_OUTCOMES: Final[dict[Outcome, Look]] = {
    Outcome.CREATED: Look("Will be created", Tone.OK, "circle-check"),
    Outcome.CHANGED: Look("Accepted", Tone.OK, "circle-check"),
    Outcome.UNCHANGED: Look("Unchanged", Tone.QUIET, "circle-check"),
    Outcome.DELETED: Look("Is deleted", Tone.WARN, "trash"),
    Outcome.REFUSED: Look("Refused", Tone.BAD, "ban"),
    Outcome.CONFLICT: Look("Conflicting fields", Tone.WARN, "git-compare"),
    Outcome.CANNOT_CHECK: Look("Not checked", Tone.STALL, "help"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TriedObject:
    """One object in the dry run."""

    kind: str
    name: str
    outcome: Outcome
    message: str = ""
    warnings: tuple[str, ...] = ()

    @property
    def look(self) -> Look:
        return _MAY_START if self.is_fitting_pod else self.outcome.look

    @property
    def words(self) -> str:
        return self.message or (_POD_FITS if self.is_fitting_pod else "")

    @property
    def is_fitting_pod(self) -> bool:
        return self.kind == POD and self.outcome is Outcome.CREATED

    @property
    def is_refused(self) -> bool:
        return self.outcome is Outcome.REFUSED

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "name": self.name,
            "outcome": self.outcome.value,
            "message": self.message,
            "warnings": list(self.warnings),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        said = text(data, "outcome")
        return cls(
            kind=text(data, "kind"),
            name=text(data, "name"),
            # A newer worker may know outcomes that this page does not.
            outcome=Outcome(said) if said in set(Outcome) else Outcome.CANNOT_CHECK,
            message=text(data, "message"),
            warnings=_texts(data, "warnings"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRun:
    """`restarts` and `quota` None: the cluster has not said. `problem`: why it could not be asked, else empty."""

    objects: tuple[TriedObject, ...] = ()
    restarts: bool | None = None
    warnings: tuple[str, ...] = ()
    held: tuple[HeldField, ...] = ()
    quota: Quota | None = None
    manifest_lines: tuple[str, ...] = ()
    problem: str = ""
    checked_at: datetime | None = None

    @property
    def refusals(self) -> Sequence[str]:
        return [f"{item.kind}: {item.message}" for item in self.objects if item.is_refused]

    @property
    def is_refused(self) -> bool:
        return any(item.is_refused for item in self.objects)

    @property
    def left(self) -> tuple[HeldField, ...]:
        """What others keep in the cluster although the change gives it up: the cause of a refusal."""
        return tuple(item for item in self.held if item.is_left)

    def to_json(self) -> dict[str, Any]:
        return {
            "objects": [item.to_json() for item in self.objects],
            "restarts": self.restarts,
            "refused": self.is_refused,
            "refusals": list(self.refusals),
            "warnings": list(self.warnings),
            "conflicts": [item.to_json() for item in self.held],
            "quota": self.quota.to_json() if self.quota else None,
            "manifest_diff": list(self.manifest_lines[:LINES_LIMIT]),
            "problem": self.problem,
            "checked_at": self.checked_at.isoformat() if self.checked_at else None,
        }

    @classmethod
    def from_json(cls, data: object) -> Self:
        """Of `to_json`, and of rows that were stored before it existed; anything else reads as nothing said."""
        said: dict[str, Any] = dict(data) if isinstance(data, Mapping) else {}
        restarts = said.get("restarts")
        return cls(
            objects=tuple(TriedObject.from_json(item) for item in objects(said, "objects")),
            restarts=restarts if isinstance(restarts, bool) else None,
            warnings=_texts(said, "warnings"),
            held=tuple(HeldField.from_json(item) for item in objects(said, "conflicts")),
            quota=Quota.from_json(said["quota"]) if isinstance(said.get("quota"), dict) else None,
            manifest_lines=_texts(said, "manifest_diff"),
            problem=text(said, "problem"),
            checked_at=instant(said, "checked_at"),
        )


def _texts(said: Mapping[str, Any], key: str) -> tuple[str, ...]:
    found = said.get(key)
    return tuple(item for item in found if isinstance(item, str)) if isinstance(found, list) else ()
