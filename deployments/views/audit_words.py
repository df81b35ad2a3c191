"""Audit events as sentences. Every part that came from a person is a value, never part of the pattern."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from deployments.models import AuditEvent


@dataclass(frozen=True)
class Words:
    """`actor` {before} `object` {after}; the patterns take names from the event's facts."""

    icon: str
    before: str
    after: str = ""


KINDS = {
    "deployment.created": Words("plus", "created", "as revision {revision}"),
    "revision.saved": Words("pencil", "saved revision {revision} of"),
    "revision.rolled_back": Words("arrow-back-up", "rolled back", "to revision {returns_to} as revision {revision}"),
    "deployment.restarted": Words("rotate-clockwise", "restarted the pods of"),
    "deployment.paused": Words("player-pause", "paused"),
    "deployment.resumed": Words("player-play", "resumed"),
    "deployment.retired": Words("archive", "retired"),
    "deployment.restored": Words("restore", "restored"),
    "deployment.slept": Words("moon", "put to sleep", "at {target}, saving {saved_replicas}"),
    "deployment.woken": Words("sun", "woke"),
    "deployment.kept_awake": Words("sun", "keeps awake", "until {until}"),
    "deployment.keep_awake_ended": Words("moon", "ended what kept awake"),
    "deployment.tried_now": Words("refresh", "asked for another try of"),
    "conflict.taken_over": Words("git-compare", "took over fields that others held in"),
    "proposal.sent": Words("send", "asked a maintainer to apply a change of"),
    "proposal.dropped": Words("x", "dropped a proposed change of"),
    "permission.refused": Words("lock", "was refused: {permission} of"),
    "permission.refused_often": Words("lock", "counted {tries} more refused tries, within an hour, of"),
    "user.created": Words("user", "made the account"),
    "user.password_changed": Words("key", "set the password of"),
    "user.changed": Words("user", "changed the account"),
    "member.changed": Words("users", "set the role of {user} in", "({team})"),
    "member.removed": Words("users", "removed {user} from", "({team})"),
}
VERBS = {"created": ("plus", "made"), "changed": ("pencil", "changed"), "deleted": ("trash", "deleted")}
NOUNS = {
    "namespace": "the namespace",
    "cluster": "the cluster",
    "runtime": "the runtime",
    "hardwareprofile": "the hardware profile",
    "registryrule": "the registry rule",
    "metadataprefix": "the metadata prefix",
    "permit": "the permit",
    "servedmodel": "the model",
    "team": "the team",
    "membership": "the membership",
    "sleepschedule": "the sleep schedule",
    "changeevent": "the outside change",
    "baseline": "the",
    "sourcerules": "the",
    "data": "the data of",
}
_CATALOGUE = ("cluster.", "namespace.", "runtime.", "hardwareprofile.", "registryrule.", "metadataprefix.", "permit.")
GROUPS = (
    ("changes", "Revisions and rollbacks", ("revision.", "deployment.created")),
    ("lifecycle", "Restarts, pauses, sleep, retirements", ("deployment.", "sleepschedule.")),
    ("proposals", "Proposals", ("proposal.",)),
    ("conflicts", "Conflicts taken over", ("conflict.",)),
    ("people", "People and teams", ("user.", "member.", "membership.", "team.")),
    ("platform", "Platform settings", _CATALOGUE),
    ("refused", "Refused", ("permission.",)),
)


@dataclass(frozen=True)
class Line:
    """One event as the list shows it. `slug` is that of its deployment when the reader may open it."""

    event: AuditEvent
    icon: str
    before: str
    after: str
    slug: str = ""

    @property
    def short_hash(self) -> str:
        return self.event.row_hash[:6]


class _Facts(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "?"


def line_of(event: AuditEvent, slug: str = "") -> Line:
    words = KINDS.get(event.kind) or _generic(event.kind)
    facts = _Facts({name: str(value) for name, value in event.facts.items()})
    return Line(event, words.icon, words.before.format_map(facts), words.after.format_map(facts), slug)


def _generic(kind: str) -> Words:
    noun, _, verb = kind.partition(".")
    icon, said = VERBS.get(verb, ("info-circle", verb.replace("_", " ")))
    return Words(icon, f"{said} {NOUNS.get(noun, noun)}".replace("{", "{{").replace("}", "}}"))
