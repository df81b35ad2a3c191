"""What the page of one deployment reads besides its own row."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from baristaweb.lib.looks import Tone
from deployments.domain.status.pods import PodRow, pod_rows
from deployments.domain.status.rollout import RolloutFacts, Step, rollout_steps
from deployments.domain.status.states import ClusterView, State, Summary
from deployments.models import ClusterEvent, Deployment, Revision, Rollout

EVENTS_READ = 200
_NODE = re.compile(r" to \S+$")
_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True, kw_only=True)
class EventGroup:
    """Events that say the same of one or more objects."""

    reason: str
    message: str
    is_warning: bool
    times: int
    objects: int
    kind: str
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, kw_only=True)
class RolloutView:
    """The steps of the newest rollout, and what is known of earlier ones."""

    revision: int
    steps: tuple[Step, ...]
    usual_s: float | None
    usual_revision: int | None


def view_of(deployment: Deployment) -> ClusterView:
    """The cluster's objects as last seen."""
    seen = deployment.observation
    return ClusterView.from_json(seen.shown, seen.observed_at)


def worst_pod_of(deployment: Deployment, name: str) -> PodRow | None:
    """The pod that explains the state; None when none does, or it is gone."""
    if not name:
        return None
    return next((row for row in pod_rows(view_of(deployment)) if row.name == name), None)


def events_of(deployment: Deployment) -> list[EventGroup]:
    """The newest events, those that differ only in names and numbers as one group, newest first."""
    groups: dict[tuple[str, str, str], list[ClusterEvent]] = {}
    for event in deployment.events.all()[:EVENTS_READ]:
        said = _NUMBER.sub("#", _said(event, deployment.name))
        groups.setdefault((event.reason, event.object_kind, said), []).append(event)
    found = [
        EventGroup(
            reason=reason,
            message=_said(members[0], deployment.name),
            is_warning=any(item.type == "Warning" for item in members),
            times=sum(item.count for item in members),
            objects=len({item.object_name for item in members}),
            kind=kind,
            first_at=min(item.first_at for item in members),
            last_at=max(item.last_at for item in members),
        )
        for (reason, kind, _), members in groups.items()
    ]
    return sorted(found, key=lambda group: group.last_at, reverse=True)


def _said(event: ClusterEvent, name: str) -> str:
    """The message without the generated names of replica sets and pods, which say nothing to a person."""
    # What was scheduled where is in the pods' table.
    said = _NODE.sub("", event.message) if event.reason == "Scheduled" else event.message
    generated = rf":? ?\b(?:[\w.-]+/)?{re.escape(name)}-[a-z0-9]{{5,10}}(?:-[a-z0-9]{{5}})?\b"
    return " ".join(re.sub(generated, " ", said).split())


def rollout_of(deployment: Deployment, summary: Summary, *, at: datetime) -> RolloutView | None:
    """The newest revision's rollout; None before the first is saved."""
    rollouts = list(deployment.rollouts.all()[:20])
    if not rollouts:
        return None
    newest = rollouts[0]
    done = next((item for item in rollouts[1:] if item.completed_at), None)
    usual_s = (done.completed_at - done.saved_at).total_seconds() if done and done.completed_at else None
    ready = [item for item in rollouts[1:] if item.first_ready_at and item.first_pod_at]
    start_s = (ready[0].first_ready_at - ready[0].first_pod_at).total_seconds() if ready else None  # type: ignore[operator]
    steps = rollout_steps(
        RolloutFacts(
            saved_at=newest.saved_at,
            applied_at=newest.applied_at,
            first_pod_at=newest.first_pod_at,
            ready_at=newest.first_ready_at,
            complete_at=newest.completed_at,
            is_bad=summary.state.tone is Tone.BAD or summary.state is State.CONFLICT,
            problem=summary.state.label,
        ),
        at=at,
        usual_start_s=start_s,
        # What waits because somebody wants it to wait is not late.
        is_over=deployment.is_retired or deployment.is_paused,
    )
    return RolloutView(
        revision=newest.revision, steps=steps, usual_s=usual_s, usual_revision=done.revision if done else None
    )


def revision_to_return_to(deployment: Deployment) -> int | None:
    """The newest earlier revision that was seen complete in the cluster."""
    current = deployment.current.number if deployment.current else 0
    done = deployment.rollouts.filter(revision__lt=current, completed_at__isnull=False)
    return done.values_list("revision", flat=True).first()


def revisions_of(deployment: Deployment) -> QuerySet[Revision]:
    """Newest first."""
    return deployment.revisions.defer("proposal")


def rollouts_by_revision(deployment: Deployment, numbers: list[int]) -> dict[int, Rollout]:
    return {item.revision: item for item in deployment.rollouts.filter(revision__in=numbers)}
