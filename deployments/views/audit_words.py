"""Audit events as sentences. Every part that came from a person is a value, never part of the pattern."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from deployments.domain.cost.amounts import Amount
from deployments.domain.roles import Permission
from deployments.models import AuditEvent
from deployments.queries.audit import Kinds


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
    "deployment.sleep_held": Words("sun", "holds what {writer} scaled in the night:", "at {replicas}"),
    "deployment.sleep_conflict": Words("git-compare", "stopped putting back what {writer} scales:"),
    "deployment.sleep_put_back": Words("moon", "put back to sleep what somebody else had scaled:"),
    "deployment.sleep_mirrored": Words("copy", "wrote its sleep as annotations of kube-downscaler to"),
    "deployment.sleep_settled": Words("circle-check", "said whose number of pods counts ({answer}) of"),
    "deployment.wake_failed": Words("alert-octagon", "found not to be ready in time:", "due {due}"),
    "deployment.tried_now": Words("refresh", "asked for another try of"),
    "conflict.asked": Words("send", "asked to resolve conflicting fields of"),
    "conflict.taken_over": Words("git-compare", "took over conflicting fields of"),
    "budget.crossed": Words("coin", "changed {deployment}, which {what}", "{forecast}"),
    "proposal.sent": Words("send", "asked a maintainer to apply a change of"),
    "drift.left": Words("clock", "left what others changed as it is in"),
    "proposal.returned": Words("arrow-back-up", "asked for changes to a proposed change of"),
    "proposal.dropped": Words("x", "discarded a proposed change of"),
    "logsource.connected": Words("database", "connected the log", "({location})"),
    "logsource.changed": Words("database", "changed the log"),
    "logsource.paused": Words("player-pause", "paused reading of the log"),
    "logsource.resumed": Words("player-play", "resumed reading of the log"),
    "logsource.removed": Words("trash", "removed the log"),
    "logsource.object_again": Words("refresh", "had an object read again of the log", "({object})"),
    "logsource.object_left_out": Words("eye-off", "left an object out of the log", "({object})"),
    "logsource.backfill_started": Words("history", "had a range read of the log", "({since} to {until})"),
    "logsource.backfill_cancelled": Words("x", "cancelled the backfill of the log"),
    "permission.refused": Words("lock", "was denied {doing}:"),
    "permission.refused_often": Words("lock", "counted {tries} more denied attempts within an hour by"),
    "auditreview.created": Words("check", "signed off {count}, the last of them", "as {verdict}"),
    "user.created": Words("user", "created the account"),
    "user.linked": Words("user", "logged in with Google for the first time"),
    "user.password_changed": Words("key", "set the password of"),
    "user.changed": Words("user", "changed the account"),
    "member.changed": Words("users", "set a role:"),
    "member.removed": Words("users", "removed a member:"),
}
_DOING = {permission.value: permission.label.lower() for permission in Permission}
SHORTEST_WORD = 3  # shorter ones stand in every sentence
VERBS = {"created": ("plus", "created"), "changed": ("pencil", "changed"), "deleted": ("trash", "deleted")}
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
    "budget": "the budget of",
    "priceversion": "the price list",
    "priceterm": "the negotiated price",
    "storeroot": "the root of logs",
    "storecredential": "the key of a store",
    "changetoken": "the change token",
    "sleepholidays": "the holidays kept,",
    "holidaycalendar": "the holiday calendar",
    "sleepgrant": "the exemption or forced sleep,",
    "sleepfreeze": "the freeze of sleep,",
}
_CATALOGUE = (
    "cluster.",
    "namespace.",
    "runtime.",
    "hardwareprofile.",
    "registryrule.",
    "metadataprefix.",
    "permit.",
    "storeroot.",
    "storecredential.",
    "changetoken.",
    "holidaycalendar.",
)
GROUPS = (
    ("changes", "Revisions and rollbacks", ("revision.", "deployment.created")),
    (
        "lifecycle",
        "Restarts, pauses, sleep, retirements",
        ("deployment.", "sleepschedule.", "sleepholidays.", "sleepgrant.", "sleepfreeze."),
    ),
    ("proposals", "Proposals", ("proposal.",)),
    ("conflicts", "Conflicts", ("conflict.",)),
    ("logs", "Prediction logs", ("logsource.",)),
    ("people", "People and teams", ("user.", "member.", "membership.", "team.")),
    ("platform", "Platform settings", _CATALOGUE),
    ("costs", "Budgets and price lists", ("budget.", "priceversion.", "priceterm.")),
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

    @property
    def cost(self) -> Amount | None:
        """What it adds a month by the estimate of its day; None where it changes no price."""
        facts = self.event.facts
        if facts.get("cost_unknown"):
            return Amount.unknown("The price was not known when it was saved.")
        try:
            moves = Decimal(facts["cost_moves"])
        except (KeyError, TypeError, InvalidOperation):
            return None
        return Amount.known(moves, str(facts.get("cost_currency", ""))) if moves else None


class _Facts(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "?"


def line_of(event: AuditEvent, slug: str = "") -> Line:
    words = KINDS.get(event.kind) or _generic(event.kind)
    facts = _Facts({name: str(value) for name, value in event.facts.items()})
    if facts.get("permission") in _DOING:
        facts["doing"] = _DOING[facts["permission"]]
    return Line(event, words.icon, words.before.format_map(facts), words.after.format_map(facts), slug)


def _generic(kind: str) -> Words:
    noun, _, verb = kind.partition(".")
    icon, said = VERBS.get(verb, ("info-circle", verb.replace("_", " ")))
    return Words(icon, f"{said} {NOUNS.get(noun, noun)}".replace("{", "{{").replace("}", "}}"))


def kinds_said(word: str) -> Kinds:
    """The kinds in whose sentences the word stands, so that a search finds what the page shows."""
    wanted = word.lower()
    if len(wanted) < SHORTEST_WORD:
        return Kinds()

    def has(text: str) -> bool:
        return wanted in re.sub(r"\{\w+\}", "", text).lower()

    return Kinds(
        exact=tuple(kind for kind, words in KINDS.items() if has(f"{words.before} {words.after}")),
        begins=tuple(f"{noun}." for noun, said in NOUNS.items() if has(said)),
        ends=tuple(f".{verb}" for verb, (_, said) in VERBS.items() if has(said)),
        denied=tuple(permission for permission, doing in _DOING.items() if has(doing)),
    )


def figures_of(kept: dict[str, Any] | None) -> dict[str, Any] | None:
    """What `CostChange.to_facts` wrote, as rows: the load, before and after."""
    if not kept:
        return None
    now, after = kept["now"], kept["after"]
    loads = [
        (name, "nothing" if now is None else now.get(name) or "unknown", figure or "unknown")
        for name, figure in sorted(after.items(), key=lambda item: _LOADS.index(item[0]))
    ]
    return {"loads": loads, "unknown": kept["unknown"], "price_version": kept["price_version"]}


def budgets_of(kept: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """What `Effect.to_facts` wrote, with its two forecasts in words where they are there."""
    return [entry | {"moves": _moves(entry)} for entry in kept]


def _moves(entry: dict[str, Any]) -> str:
    if "after" not in entry:
        return ""
    before, after = (Decimal(entry[side]["spent"]) + Decimal(entry[side]["rest"]) for side in ("before", "after"))
    return f"{before:,.2f} → {after:,.2f}"


_LOADS = ("minimum", "typical", "maximum")
