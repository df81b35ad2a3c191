"""Keeping a deployment awake, and waking it now."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from django.http import QueryDict

from baristaweb.lib.clock import now
from deployments.actions import sleep as actions
from deployments.actions.errors import Wrong
from deployments.audit import Actor
from deployments.domain.roles import Permission
from deployments.domain.sleep.schedule import coming, zones
from deployments.models import Deployment
from deployments.queries import sleep as queries
from deployments.views.confirm import Confirm, where
from deployments.views.verb import Verb

MIDNIGHT: Final = 1440
MONDAY_MORNING: Final = 8 * 60
ENDS: Final = (
    ("2h", "2 hours"),
    ("tonight", "Tonight, to midnight"),
    ("monday", "Monday 08:00"),
    ("date", "A date and time"),
)


def _ready(deployment: Deployment) -> str:
    last = queries.took_of(deployment.pk)
    if not last:
        return "How long it takes until it is ready is not known yet: it has not woken before."
    minutes = max(1, round(last[-1] / 60))
    return f"Last time it was ready {minutes} min after its wake began."


def _keep_words(deployment: Deployment) -> Confirm:
    is_asleep = deployment.open_sleep is not None
    say = f"Wakes {deployment.name} in {where(deployment)} at once and keeps" if is_asleep else "Keeps"
    say += " it awake until then." if is_asleep else f" {deployment.name} in {where(deployment)} awake until then."
    return Confirm(
        title=f"Keep {deployment.name} awake",
        say=say,
        points=(
            *([_ready(deployment)] if is_asleep else []),
            "It ends by itself: after that its schedule decides again.",
            "Everybody of the team sees who keeps it awake and why.",
        ),
        button=f"Keep {deployment.name} awake",
        reason="required",
        icon="sun",
        ends=ENDS,
        zone=queries.zone_of(deployment),
    )


def _wake_words(deployment: Deployment) -> Confirm:
    return Confirm(
        title=f"Wake {deployment.name} now",
        say=f"Starts the pods of {deployment.name} in {where(deployment)} and keeps it awake until its next wake.",
        points=(_ready(deployment), "After that its schedule decides again."),
        button=f"Wake {deployment.name} now",
        icon="sunrise",
    )


def _let_words(deployment: Deployment) -> Confirm:
    return Confirm(
        title=f"Let {deployment.name} sleep",
        say=f"Ends what keeps {deployment.name} in {where(deployment)} awake: its schedule decides again.",
        points=("If a window of its schedule is open, it falls asleep within seconds.",),
        button=f"Let {deployment.name} sleep",
        icon="moon",
    )


def until_of(form: QueryDict, zone: str, *, at: datetime) -> datetime:
    """The instant that the form names; raises Wrong."""
    chosen = form.get("until", "")
    today = zones.local_day(zone, at)
    if chosen == "2h":
        return at + timedelta(hours=2)
    if chosen == "tonight":
        return coming.to_utc(zone, today, MIDNIGHT)
    if chosen == "monday":
        return coming.to_utc(zone, today + timedelta(days=7 - today.weekday()), MONDAY_MORNING)
    if chosen != "date":
        raise Wrong({"until": "Choose until when it is kept awake."})
    try:
        typed = datetime.strptime(form.get("until_date", ""), "%Y-%m-%dT%H:%M").replace(tzinfo=UTC)
    except ValueError as problem:
        raise Wrong({"until_date": "Give the date and time, like 2026-12-01T18:00."}) from problem
    return coming.to_utc(zone, typed.date(), typed.hour * 60 + typed.minute)


def _keep(deployment: Deployment, by: Actor, form: QueryDict) -> None:
    until = until_of(form, queries.zone_of(deployment), at=now())
    actions.keep_awake(deployment=deployment, by=by, until=until, note=form.get("note", ""))


def _wake(deployment: Deployment, by: Actor, form: QueryDict) -> None:
    actions.wake_now(deployment=deployment, by=by, note=form.get("note", ""))


def _let_sleep(deployment: Deployment, by: Actor, form: QueryDict) -> None:
    actions.end_keep_awake(deployment=deployment, by=by, note=form.get("note", ""))


VERBS: Final = (
    Verb(
        name="keep-awake",
        permission=Permission.AWAKE_KEEP,
        words=_keep_words,
        act=_keep,
        done="{name} is kept awake.",
    ),
    Verb(
        name="wake",
        permission=Permission.AWAKE_KEEP,
        words=_wake_words,
        act=_wake,
        done="{name} wakes: its pods are being started.",
    ),
    Verb(
        name="let-sleep",
        permission=Permission.AWAKE_KEEP,
        words=_let_words,
        act=_let_sleep,
        done="Nobody keeps {name} awake any more.",
    ),
)
