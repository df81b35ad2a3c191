"""From views to rows: observations and rollouts, in bulk, never over something newer."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

import orjson
from django.db import connection
from django.db.models.functions import Coalesce

from baristaweb.lib.clock import now
from deployments.domain.apiserver.objects import condition, number, obj
from deployments.domain.status.states import ClusterView, Intent, Phase, Summary
from deployments.domain.status.summary import summarise
from deployments.models import ClusterHealth, Deployment, DeploymentState, Observation, Rollout
from deployments.observe.store import created_at, pods_of_current

# Clocks of the cluster and of ours differ by a little.
SKEW: Final = timedelta(seconds=5)

UPDATE: Final = """
    UPDATE deployments_observation AS row
    SET observed_at = new.observed_at, state = new.state, severity = new.severity, sentence = new.sentence,
        why = new.why, next_action = new.next_action, worst_pod = new.worst_pod, since = new.since,
        ready = new.ready, desired = new.desired, updated = new.updated, figures = new.figures,
        view = COALESCE(new.view, row.view)
    FROM jsonb_to_recordset(%s::jsonb) AS new(
        deployment_id bigint, observed_at timestamptz, state text, severity int, sentence text, why text,
        next_action text, worst_pod text, since timestamptz, ready int, desired int, updated int,
        figures jsonb, view jsonb)
    WHERE row.deployment_id = new.deployment_id
      AND (row.observed_at IS NULL OR row.observed_at < new.observed_at)
    RETURNING row.deployment_id
"""


# Of a view, what the cluster rewrites without a difference that any page shows.
_NOISE: Final = frozenset(
    {"resourceVersion", "managedFields", "lastProbeTime", "lastHeartbeatTime", "lastUpdateTime", "lastTimestamp"}
)
FIGURES: Final = ("usage", "hpa")


class Written:
    """What one process wrote of each deployment: a view that would look the same is not sent again, and a row whose
    figures are the same too is not touched. Empty after a start, when everything is written once."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[bytes, bytes]] = {}

    def news(self, owner: int, view: dict[str, Any], rest: dict[str, Any]) -> tuple[bool, bool]:
        """Whether the view, and whether anything at all, differs from what was written."""
        known = self._known.get(owner)
        now_ = self._digests(view, rest)
        return known is None or known[0] != now_[0], known != now_

    def remember(self, owner: int, view: dict[str, Any], rest: dict[str, Any]) -> None:
        self._known[owner] = self._digests(view, rest)

    @staticmethod
    def _digests(view: dict[str, Any], rest: dict[str, Any]) -> tuple[bytes, bytes]:
        return _digest(_without_noise(view)), _digest(rest)


def _digest(value: Any) -> bytes:
    return hashlib.blake2b(orjson.dumps(value, option=orjson.OPT_SORT_KEYS), digest_size=16).digest()


def _without_noise(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_noise(item) for key, item in value.items() if key not in _NOISE}
    return [_without_noise(item) for item in value] if isinstance(value, list) else value


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen of one deployment, and when we heard it (our clock)."""

    deployment_id: int
    view: ClusterView
    at: datetime


def write(seen: Iterable[Seen], before: Written | None = None) -> set[int]:
    """Store what was seen; the ids of those that were newer than what is stored and differ from `before`."""
    before = before or Written()
    batch = {item.deployment_id: item for item in seen}
    stored = Deployment.objects.select_related("state", "current", "observation", "sleep")
    rows = stored.defer("observation__view", "observation__figures").filter(pk__in=list(batch))
    answers = []
    shown: list[tuple[Deployment, Seen]] = []
    parts: dict[int, tuple[dict[str, Any], dict[str, Any]]] = {}
    changed: set[int] = set()
    for row in rows:
        item = batch[row.pk]
        if item.view.deployment is None and row.state.applied_at is None:
            # Not applied yet: its absence says nothing.
            continue
        summary = summarise(replace(item.view, observed_at=item.at), intent=_as_applied(row), at=now())
        view = item.view.to_json()
        figures, columns = {name: view.pop(name) for name in FIGURES}, _columns(summary)
        is_view_new, is_new = before.news(row.pk, view, figures | columns)
        # Workers say anew what a view means when our own rows change.
        if not is_new and all(getattr(row.observation, name) == value for name, value in columns.items()):
            continue
        if is_view_new:
            changed.add(row.pk)
        answers.append(
            {
                "deployment_id": row.pk,
                "observed_at": item.at,
                "figures": figures,
                "view": view if is_view_new else None,
                **columns,
            }
        )
        parts[row.pk] = (view, figures | columns)
        shown.append((row, item))
    if not answers:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(UPDATE, [_json(answers)])
        written = {pk for (pk,) in cursor.fetchall()}
    for pk in written:
        before.remember(pk, *parts[pk])
    _rollouts([(row, item) for row, item in shown if row.pk in written & changed])
    return written


def refresh(deployment_id: int) -> None:
    """Say again what the stored view means after our own rows changed; its age stays what it was."""
    row = Deployment.objects.select_related("state", "current", "observation", "sleep").filter(pk=deployment_id).first()
    if row is None or row.observation.observed_at is None:
        return
    seen = row.observation
    view = ClusterView.from_json(seen.shown, seen.observed_at)
    summary = summarise(view, intent=_as_applied(row), at=now())
    Observation.objects.filter(pk=seen.pk, observed_at=seen.observed_at).update(**_columns(summary))
    # The watch may have seen the end of a rollout before its apply was recorded.
    _rollouts([(row, Seen(row.pk, view, now()))])


def recheck(deployment_ids: Collection[int]) -> None:
    """Have a worker compare these with the cluster now: somebody else changed them."""
    DeploymentState.objects.filter(
        pk__in=list(deployment_ids), phase=Phase.APPLIED, next_reconcile_at__gt=now() + timedelta(seconds=2)
    ).update(next_reconcile_at=now())


def heard(cluster_id: int, **facts: Any) -> None:
    """The watch is in touch with the cluster."""
    ClusterHealth.objects.filter(cluster_id=cluster_id).update(**facts)


def _as_applied(row: Deployment) -> Intent:
    """What the cluster's answer means on its own. Pages let our rows (saved, blocked, paused ...) decide before it."""
    is_applied = row.state.phase == Phase.APPLIED
    return Intent(
        generation=row.generation,
        observed_generation=row.generation,
        phase=Phase.APPLIED if is_applied else Phase.APPLYING,
        revision=row.state.applied_revision or 0,
        applied_at=row.state.applied_at,
        drifted=is_applied and bool(row.state.drift) and not row.is_left,
        missing=row.state.missing_kinds if is_applied else frozenset(),
        is_awake=is_applied and row.open_sleep is None,
        scaled_by=row.state.scaled_away_by if is_applied else "",
    )


def _columns(summary: Summary) -> dict[str, Any]:
    return {
        "state": summary.state.value,
        "severity": summary.state.severity,
        "sentence": summary.sentence[:500],
        "why": summary.why[:1000],
        "next_action": summary.next_action.value,
        "worst_pod": summary.worst_pod[:253],
        "since": summary.since,
        "ready": max(0, summary.ready),
        "desired": max(0, summary.desired or 0),
        "updated": max(0, summary.updated),
    }


def _json(answers: list[dict[str, Any]]) -> str:
    encoded = orjson.dumps(answers)
    if rb"\u0000" in encoded:
        # PostgreSQL cannot store it; a container's last words may hold it.
        encoded = orjson.dumps(_without_nul(answers))
    return encoded.decode()


def _without_nul(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\x00", "")
    if isinstance(value, dict):
        return {_without_nul(key): _without_nul(item) for key, item in value.items()}
    return [_without_nul(item) for item in value] if isinstance(value, list) else value


def _rollouts(shown: Sequence[tuple[Deployment, Seen]]) -> None:
    """Note the first time each step of a current revision's rollout was seen; all that go on are read at once."""
    going = [(row, item) for row, item in shown if _is_of_current(row, item)]
    if not going:
        return
    open_ = Rollout.objects.filter(
        deployment__in=[row.pk for row, _ in going], completed_at=None, applied_at__isnull=False
    )
    found = {(rollout.deployment_id, rollout.revision): rollout for rollout in open_}
    for row, item in going:
        rollout = found.get((row.pk, row.state.applied_revision or 0))
        if rollout is not None:
            _note_steps(rollout, item)


def _is_of_current(row: Deployment, item: Seen) -> bool:
    """Whether the cluster shows the revision that was applied last, and its controller has looked at it."""
    live = item.view.deployment
    revision = row.state.applied_revision
    if (
        live is None
        or revision is None
        or number(live, "metadata", "generation") > number(live, "status", "observedGeneration")
    ):
        return False
    return str(obj(live, "metadata", "annotations").get("barista.io/revision")) == str(revision)


def _note_steps(rollout: Rollout, item: Seen) -> None:
    if rollout.applied_at is None:
        return
    seen = _steps(item, rollout.saved_at)
    # A pod may be seen before the worker has noted that the cluster accepted: no step comes before that.
    fresh = {name: max(at, rollout.applied_at) for name, at in seen.items() if getattr(rollout, name) is None}
    if fresh:
        Rollout.objects.filter(pk=rollout.pk).update(**{name: Coalesce(name, at) for name, at in fresh.items()})


def _steps(item: Seen, saved_at: datetime) -> dict[str, datetime]:
    live, at = item.view.deployment, item.at
    pods = pods_of_current(item.view)
    new = [pod for pod in pods if (made := created_at(pod)) is not None and made >= saved_at - SKEW]
    seen: dict[str, datetime] = {}
    if new:
        seen["first_pod_at"] = at
    if any(condition(pod, "Ready").get("status") == "True" for pod in new):
        seen["first_ready_at"] = at
    progressing = condition(live, "Progressing")
    if progressing.get("status") == "False" and progressing.get("reason") == "ProgressDeadlineExceeded":
        seen["stalled_at"] = at
    wanted = number(live, "spec", "replicas", default=1)
    counts = [number(live, "status", key) for key in ("replicas", "updatedReplicas", "availableReplicas")]
    if wanted > 0 and all(count == wanted for count in counts):
        # A revision that replaces no pod is complete at once, and its pods are those that were there.
        seen = {"first_pod_at": at, "first_ready_at": at} | seen | {"completed_at": at}
    return seen
