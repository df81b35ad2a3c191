"""What one attempt works on: the row as it was read, and how to tell that it is out of date."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from baristaweb.lib.clock import now
from deployments import rendering
from deployments.domain.changes.held import HeldField
from deployments.domain.manifests.metadata import ANNOTATION_GENERATION
from deployments.domain.manifests.render import Rendered
from deployments.domain.permits import Permits
from deployments.domain.replicas import EffectiveReplicas, effective_replicas
from deployments.kube import sealing
from deployments.kube.api import ClusterError, Conflict, Invalid, Object
from deployments.models import Deployment, DeploymentState, Revision
from deployments.queries import rules


class Superseded(Exception):
    """A newer intent exists: read the row again. `seen` is its generation when it was met in the cluster."""

    def __init__(self, seen: int = 0) -> None:
        super().__init__(seen)
        self.seen = seen


class NotOurs(Invalid):
    """An object of that name exists and does not carry our marks; it is never touched."""


class FieldsHeld(Exception):
    """Others hold fields of ours in an object, or keep there what the revision gives up."""

    def __init__(self, error: ClusterError, rows: Sequence[HeldField]) -> None:
        super().__init__(str(error))
        self.rows = rows


@dataclass(frozen=True, slots=True)
class Job:
    deployment: Deployment
    state: DeploymentState
    revision: Revision
    mark: str
    allowlist: Sequence[str]
    prefixes: Sequence[str]
    permits: Permits

    @property
    def generation(self) -> int:
        return self.deployment.generation

    @property
    def namespace(self) -> str:
        return self.deployment.namespace.name

    @property
    def name(self) -> str:
        return self.deployment.name

    @property
    def is_settled(self) -> bool:
        return self.state.observed_generation >= self.generation

    @property
    def is_forced(self) -> bool:
        return self.deployment.force_generation == self.generation

    def applied_before(self) -> Job | None:
        """The same for the revision that the cluster accepted last; None when it is this one, or none was."""
        number = self.state.applied_revision
        if number is None or number == self.revision.number:
            return None
        row = Revision.objects.filter(deployment=self.deployment, number=number).first()
        return replace(self, revision=row) if row is not None else None

    def rendered(self, *, paused: bool = False) -> Rendered:
        return rendering.of_revision(
            self.deployment,
            self.revision,
            mark=self.mark,
            generation=self.generation,
            paused=paused,
            sleep=self.deployment.sleep_for_plan,
        )

    def replicas(self) -> EffectiveReplicas:
        """What is wanted now."""
        return effective_replicas(self.revision.to_spec(), at=now(), sleep=self.deployment.sleep_for_plan)

    def sealed(self, obj: Object) -> bytes:
        return sealing.sealed(
            obj,
            namespace=self.namespace,
            mark=self.mark,
            allowlist=self.allowlist,
            prefixes=self.prefixes,
            service_account=str(self.revision.runtime.get("service_account") or ""),
            runtime_env=[name for name, _ in self.revision.runtime.get("env") or ()],
            pull_secret=str(self.revision.runtime.get("pull_secret") or ""),
            permits=self.permits,
        )

    def require_current(self) -> None:
        """Just before a write: whoever saved after our read of the live object also made our resourceVersion old."""
        if not Deployment.objects.filter(pk=self.deployment.pk, generation=self.generation).exists():
            raise Superseded

    def require_ours(self, live: Object | None) -> None:
        if live is None:
            return
        lost = sealing.lost_marks(live, mark=self.mark, deployment_id=self.deployment.pk)
        if lost:
            what = f"{live.get('kind', 'An object')} {self.name} in namespace {self.namespace}"
            if len(lost) == 1:
                # One of the two is right: it was ours. Deleting it would end what serves.
                raise NotOurs(
                    f"{what} is not touched: {lost[0]}. Somebody changed that outside of Barista, and its pods go on. "
                    "Put the mark back in the cluster, and Barista looks after it again."
                )
            raise NotOurs(
                f"{what} was not created by this Barista and is not touched. Delete it there, or create this one "
                "under another name."
            )
        if live["metadata"].get("deletionTimestamp"):
            raise Conflict(f"{live.get('kind', 'The object')} {self.name} is still being deleted.")
        # Forced: a person has looked at it; whoever only comes late still finds that the row has moved on.
        if generation_of(live) > self.generation and not self.is_forced:
            raise Superseded(generation_of(live))


def generation_of(live: Object) -> int:
    """The intent that the object was applied from; 0 when it does not say."""
    text = str((live["metadata"].get("annotations") or {}).get(ANNOTATION_GENERATION, ""))
    return int(text) if text.isascii() and text.isdigit() else 0


def load(deployment_id: int) -> Job | None:
    """The row, fresh; None when there is no such deployment or it has no revision yet."""
    row = (
        Deployment.objects.select_related(
            "model__team", "namespace__team", "namespace__cluster__health", "current", "state", "sleep"
        )
        .filter(pk=deployment_id)
        .first()
    )
    if row is None or row.current is None:
        return None
    return Job(
        deployment=row,
        state=row.state,
        revision=row.current,
        mark=rendering.install_id(),
        allowlist=rules.allowlist(row.namespace),
        prefixes=rules.metadata_prefixes(),
        # As of its saving: what ends later bars the next edit, and not what runs.
        permits=rules.sealing_permits(
            row.namespace,
            row.current.to_spec(),
            profile=row.current.profile,
            deployment_id=row.pk,
            at=row.current.saved_at,
        ),
    )
