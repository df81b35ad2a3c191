"""Keeping a deployment awake, waking it now, exempting it, putting it to sleep, and settling manual changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from django.http import QueryDict

from baristaweb.lib.clock import now
from deployments.actions import awake as actions
from deployments.actions import sleep_layers
from deployments.actions.deployments import RETIRED
from deployments.actions.errors import Refused, Wrong
from deployments.audit import Actor
from deployments.domain.roles import Permission
from deployments.domain.sleep.plan.cases import Answer
from deployments.domain.sleep.schedule import coming, zones
from deployments.domain.sleep.schedule.layers import Ask
from deployments.models import Deployment, SleepGrant
from deployments.queries import awake_price
from deployments.queries import sleep as queries
from deployments.queries.sleep_layers import said
from deployments.views.confirm import Confirm, is_prod, where
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


def _prices(deployment: Deployment) -> str:
    """What each of the ends that need no typing costs."""
    at = now()
    zone, known, hour = queries.zone_of(deployment), said(at=at), awake_price.hour_of(deployment, at=at)
    found = []
    for name, words in ENDS:
        if name != "date":
            until = until_of(QueryDict(f"until={name}"), zone, at=at)
            found.append(f"{words}: {awake_price.price(deployment, known, hour, at=at, until=until).words}")
    return f"It costs: {'; '.join(found)}. It is held to the budgets like an edit."


def _price_of_wake(deployment: Deployment) -> str:
    at, why = now(), actions.why_no_wake(deployment)
    if why:
        return why
    until, hour = actions.awake_until(deployment, at=at), awake_price.hour_of(deployment, at=at)
    words = awake_price.price(deployment, said(at=at), hour, at=at, until=until).words
    return f"It costs {words}, and is held to the budgets like an edit."


def _keep_words(deployment: Deployment) -> Confirm:
    is_asleep = deployment.open_sleep is not None
    say = f"Wakes {deployment.name} in {where(deployment)} at once and keeps" if is_asleep else "Keeps"
    say += " it awake until then." if is_asleep else f" {deployment.name} in {where(deployment)} awake until then."
    return Confirm(
        title=f"Keep {deployment.name} awake",
        say=say,
        points=(
            *([_ready(deployment)] if is_asleep else []),
            _prices(deployment),
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
        points=(_ready(deployment), _price_of_wake(deployment), "After that its schedule decides again."),
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


def _exempt_words(deployment: Deployment) -> Confirm:
    return Confirm(
        title=f"Exempt {deployment.name} from sleep",
        say=f"{deployment.name} in {where(deployment)} does not sleep by schedules or holidays until then.",
        points=(
            "It is for planned weeks, such as a load test. To wake one that sleeps, keep it awake instead.",
            "It ends by itself. What it costs stands in the savings ledger.",
        ),
        button=f"Exempt {deployment.name}",
        reason="required",
        icon="sun",
        ends=ENDS,
        zone=queries.zone_of(deployment),
    )


def _force_words(deployment: Deployment) -> Confirm:
    return Confirm(
        title=f"Put {deployment.name} to sleep",
        say=f"Ends the pods of {deployment.name} in {where(deployment)} and keeps it asleep until then.",
        points=(
            "Requests to it fail from then on. When this ends it wakes, unless a window of its schedule is open.",
            "A keep-awake goes before this.",
        ),
        button=f"Put {deployment.name} to sleep",
        reason="required",
        icon="moon",
        is_grave=is_prod(deployment),
        ends=ENDS,
        zone=queries.zone_of(deployment),
    )


def _end_words(deployment: Deployment) -> Confirm:
    return Confirm(
        title=f"End exemptions and forced sleeps of {deployment.name}",
        say=f"What was asked for {deployment.name} in {where(deployment)} alone ends now: its schedule decides again.",
        points=tuple(
            f"{row.get_ask_display()} by {row.by}: {row.reason}" for row in queries.own_grants(deployment, at=now())
        ),
        button="End them",
        icon="clock",
    )


def _settle_words(deployment: Deployment) -> tuple[str, ...]:
    record = deployment.sleep
    if record is None or record.hold_since is None:
        return ("Nobody scaled it while it slept.",)
    who = record.hold_writer or "Somebody outside of Barista"
    return (f"{who} scaled it to {record.hold_replicas} while it slept; before that it had {record.saved_replicas}.",)


def _restore_words(deployment: Deployment) -> Confirm:
    return Confirm(
        title=f"Put {deployment.name} back to sleep",
        say=f"Takes back what was scaled manually: {deployment.name} in {where(deployment)} sleeps by its schedule.",
        points=(*_settle_words(deployment), "In the morning it has what it had before it slept."),
        button=f"Put {deployment.name} back to sleep",
        icon="moon",
    )


def _adopt_words(deployment: Deployment) -> Confirm:
    return Confirm(
        title=f"Keep what {deployment.name} runs",
        say=f"{deployment.name} in {where(deployment)} keeps the number that was set manually, also after the night.",
        points=_settle_words(deployment),
        button="Keep what it runs",
        icon="circle-check",
    )


def _grant(deployment: Deployment, by: Actor, form: QueryDict, ask: Ask) -> None:
    until = until_of(form, queries.zone_of(deployment), at=now())
    row = SleepGrant(ask=ask.value, deployment=deployment, since=now(), until=until)
    sleep_layers.grant(row=row, by=by, note=form.get("note", ""))


def _exempt(deployment: Deployment, by: Actor, form: QueryDict) -> None:
    _grant(deployment, by, form, Ask.EXEMPTION)


def _force(deployment: Deployment, by: Actor, form: QueryDict) -> None:
    if deployment.is_retired:
        raise Refused(RETIRED)
    _grant(deployment, by, form, Ask.FORCED_SLEEP)


def _end_grants(deployment: Deployment, by: Actor, form: QueryDict) -> None:
    rows = queries.own_grants(deployment, at=now())
    if not rows:
        raise Refused("It has no exemption and no forced sleep of its own.")
    for row in rows:
        sleep_layers.end_grant(row=row, by=by, note=form.get("note", ""))


def _restore(deployment: Deployment, by: Actor, form: QueryDict) -> None:
    actions.settle(deployment=deployment, by=by, answer=Answer.RESTORE, note=form.get("note", ""))


def _adopt(deployment: Deployment, by: Actor, form: QueryDict) -> None:
    actions.settle(deployment=deployment, by=by, answer=Answer.ADOPT, note=form.get("note", ""))


def _keep(deployment: Deployment, by: Actor, form: QueryDict) -> None:
    until = until_of(form, queries.zone_of(deployment), at=now())
    actions.keep_awake(deployment=deployment, by=by, until=until, note=form.get("note", ""))


def _wake(deployment: Deployment, by: Actor, form: QueryDict) -> None:
    note = form.get("note", "")
    actions.wake_now(deployment=deployment, by=by, note=note, over_budget=note)


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
    Verb(
        name="sleep-exempt",
        permission=Permission.SLEEP_EDIT,
        words=_exempt_words,
        act=_exempt,
        done="{name} is exempt from sleep until then.",
    ),
    Verb(
        name="sleep-force",
        permission=Permission.SLEEP_EDIT,
        words=_force_words,
        act=_force,
        done="{name} falls asleep within seconds.",
    ),
    Verb(
        name="sleep-end",
        permission=Permission.SLEEP_EDIT,
        words=_end_words,
        act=_end_grants,
        done="The schedule of {name} decides again.",
    ),
    Verb(
        name="sleep-restore",
        permission=Permission.SLEEP_EDIT,
        words=_restore_words,
        act=_restore,
        done="{name} goes back to sleep within seconds.",
    ),
    Verb(
        name="sleep-adopt",
        permission=Permission.SLEEP_EDIT,
        words=_adopt_words,
        act=_adopt,
        done="{name} keeps what it runs.",
    ),
)
