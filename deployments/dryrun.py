"""The shell around one proposal: ask the cluster what it would say, store the verdict, change nothing."""

from __future__ import annotations

from typing import Final

import structlog
from django.db import DatabaseError

from baristaweb.lib.clock import now
from deployments import breaker, rendering
from deployments.domain.apiserver import quota
from deployments.domain.apiserver.objects import number, obj
from deployments.domain.changes.adjusted import adjustments
from deployments.domain.changes.diff import manifest_diff, needs_restart, unified_lines
from deployments.domain.changes.drift import conflicts_from_causes, left_by_others
from deployments.domain.changes.dry_run import DryRun, Outcome, TriedObject
from deployments.domain.changes.held import HeldField
from deployments.domain.manifests.managers import FIELD_MANAGER_CONFIG, FIELD_MANAGER_HPA
from deployments.domain.manifests.metadata import ANNOTATION_GENERATION, ANNOTATION_REVISION
from deployments.domain.manifests.render import canonical_json
from deployments.domain.replicas import effective_replicas
from deployments.domain.spec.spec import Spec
from deployments.domain.status.refusals import with_advice
from deployments.kube import sealing
from deployments.kube.api import ClusterError, ErrorClass, FieldConflict, Forbidden, Gateway, Object, ObjectKind
from deployments.models import Proposal
from deployments.models.requests import Answer
from deployments.queries import rules

log = structlog.get_logger(__name__)

ANSWER_S: Final = 20.0
OPTIONAL: Final = (ObjectKind.SERVICE, ObjectKind.HPA, ObjectKind.INGRESS, ObjectKind.PDB)
UNKNOWABLE: Final = frozenset({ErrorClass.TRANSIENT, ErrorClass.PRESSURE, ErrorClass.RACE})


def answer(proposal_id: str) -> None:
    """Answer a waiting proposal; one that was answered or closed meanwhile is left as it is."""
    proposal = (
        Proposal.objects.select_related("deployment__current", "model", "namespace__team", "namespace__cluster__health")
        .filter(pk=proposal_id, answer=Answer.WAITING, dropped_at=None, applied_at=None)
        .first()
    )
    if proposal is None:
        return
    cluster = proposal.namespace.cluster
    inquiry, problem, outcome = Inquiry(proposal), "", Answer.DONE
    try:
        inquiry.run(breaker.reach(cluster).within(ANSWER_S))
        breaker.succeeded(cluster)
    except ClusterError as error:
        breaker.failed(cluster, error)
        problem, outcome = with_advice(str(error)), Answer.FAILED
    except DatabaseError:
        raise
    except Exception:
        # Whoever waits for the answer must not wait for ever; the trace goes to the log.
        log.exception("dryrun_broke", proposal=str(proposal.pk))
        problem, outcome = "Barista could not ask because of an error of its own.", Answer.FAILED
    Proposal.objects.filter(pk=proposal.pk, answer=Answer.WAITING).update(
        answer=outcome, verdict=inquiry.said(problem).to_json(), answered_at=now()
    )


class Inquiry:
    """The questions about one proposal, in the order of an apply, and what was said to them."""

    def __init__(self, proposal: Proposal) -> None:
        self.proposal = proposal
        self.mark = rendering.install_id()
        self.namespace = proposal.namespace.name
        self.name = proposal.name
        self.allowlist = rules.allowlist(proposal.namespace)
        self.prefixes = rules.metadata_prefixes()
        self.permits = rules.sealing_permits(
            proposal.namespace,
            Spec.from_json(proposal.spec),
            profile=proposal.profile,
            deployment_id=proposal.deployment_id,
            at=now(),
        )
        self.gateway: Gateway
        self._objects: list[TriedObject] = []
        self._warnings: dict[str, None] = {}
        self._held: list[HeldField] = []
        self._lines: list[str] = []
        self._restarts: bool | None = None
        self._quota_left: quota.Quota | None = None

    def said(self, problem: str) -> DryRun:
        """Everything so far."""
        return DryRun(
            objects=tuple(self._objects),
            restarts=self._restarts,
            warnings=tuple(self._warnings),
            held=tuple(self._held),
            quota=self._quota_left,
            manifest_lines=tuple(self._lines),
            problem=problem,
            checked_at=now(),
        )

    def _note(self, kind: str, outcome: Outcome, message: str = "", warnings: tuple[str, ...] = ()) -> None:
        tried = TriedObject(kind=kind, name=self.name, outcome=outcome, message=message, warnings=warnings)
        self._objects.append(tried)
        self._warnings |= dict.fromkeys(warnings)

    def run(self, gateway: Gateway) -> None:
        self.gateway = gateway
        rendered = rendering.of_proposal(
            self.proposal, mark=self.mark, generation=rendering.next_generation(self.proposal)
        )
        wanted = {ObjectKind(item["kind"]): item for item in rendered.objects()}
        live = self.gateway.get(ObjectKind.DEPLOYMENT, self.namespace, self.name)
        if live is None and (problem := sealing.other_installation(self.gateway, self.namespace, mark=self.mark)):
            self._note(ObjectKind.DEPLOYMENT.value, Outcome.REFUSED, problem)
            return
        dry = self._object(ObjectKind.DEPLOYMENT, wanted[ObjectKind.DEPLOYMENT], live)
        if dry is not None:
            self._warnings |= dict.fromkeys(adjustments(wanted[ObjectKind.DEPLOYMENT], dry))
            self._pods(live, dry)
        self._quota(live)
        for kind in OPTIONAL:
            existing = self.gateway.get(kind, self.namespace, self.name)
            if kind in wanted:
                self._object(kind, wanted[kind], existing)
            elif existing is not None and self._is_ours(existing):
                self._note(kind.value, Outcome.DELETED)
                self._diff(kind, existing, {})

    def _quota(self, live: Object | None) -> None:
        """The pod was tried alone; whether all of them fit, only the quota's numbers say."""
        try:
            found = self.gateway.list_objects(ObjectKind.RESOURCE_QUOTA, namespace=self.namespace)
        except Forbidden:
            return
        self._quota_left = quota.left_of(found.items, live)

    def _object(self, kind: ObjectKind, wanted: Object, live: Object | None) -> Object | None:
        """What the object would be; None when the cluster does not say."""
        if live is not None and not self._is_ours(live):
            self._note(
                kind.value,
                Outcome.REFUSED,
                f"{self.name} exists in {self.namespace} and was not created by this Barista. Choose another name.",
            )
            return None
        manager = FIELD_MANAGER_HPA if kind is ObjectKind.HPA else FIELD_MANAGER_CONFIG
        outcome = Outcome.CREATED if live is None else Outcome.CHANGED
        message = ""
        try:
            body = self._sealed(wanted)
            try:
                said = self.gateway.apply(body, manager=manager, dry_run=True)
            except FieldConflict as conflict:
                outcome, message = Outcome.CONFLICT, str(conflict)
                self._note_held(conflict, live, wanted)
                said = self.gateway.apply(body, manager=manager, dry_run=True, force=True)
        except ClusterError as error:
            self._held += left_by_others(str(error), live, wanted)
            self._refused(kind.value, error)
            return None
        if outcome is Outcome.CHANGED and live is not None and not manifest_diff(_plain(live), _plain(said.object)):
            outcome = Outcome.UNCHANGED
        self._note(kind.value, outcome, message, said.warnings)
        self._diff(kind, live, said.object)
        return said.object

    def _pods(self, live: Object | None, dry: Object) -> None:
        """Whether pods restart, and whether the cluster would take such a pod at all."""
        template = obj(dry, "spec", "template")
        self._restarts = live is not None and needs_restart(obj(live, "spec", "template"), template)
        if live is not None and not self._restarts and not self._grows(live):
            return
        metadata = obj(template, "metadata") | {"generateName": f"{self.name}-", "namespace": self.namespace}
        metadata.pop("creationTimestamp", None)
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": obj(template, "spec")}
        try:
            said = self.gateway.create_pod(self.namespace, canonical_json(pod))
        except ClusterError as error:
            self._refused("Pod", error)
            return
        self._note("Pod", Outcome.CREATED, "", said.warnings)

    def _grows(self, live: Object) -> bool:
        wanted = effective_replicas(Spec.from_json(self.proposal.spec), at=now())
        return wanted.count > number(live, "spec", "replicas", default=1)

    def _refused(self, kind: str, error: ClusterError) -> None:
        error = breaker.blame(self.proposal.namespace.cluster, error, namespace=self.namespace)
        if error.error_class in (ErrorClass.CREDENTIALS, ErrorClass.SLOW):
            # What hangs for one object hangs for the next.
            raise error
        cannot = error.error_class in UNKNOWABLE or "does not support dry run" in str(error)
        self._note(kind, Outcome.CANNOT_CHECK if cannot else Outcome.REFUSED, with_advice(str(error)))

    def _note_held(self, conflict: FieldConflict, live: Object | None, wanted: Object) -> None:
        causes = [
            {"field": item.path, "message": f'conflict with "{item.manager}"', "reason": "FieldManagerConflict"}
            for item in conflict.fields
        ]
        self._held += conflicts_from_causes(causes, live, wanted)

    def _diff(self, kind: ObjectKind, live: Object | None, dry: Object) -> None:
        lines = unified_lines(_plain(live) if live is not None else None, _plain(dry) if dry else {})
        if lines:
            self._lines += [f"# {kind.value} {self.name}", *lines]

    def _sealed(self, wanted: Object) -> bytes:
        return sealing.sealed(
            wanted,
            namespace=self.namespace,
            mark=self.mark,
            allowlist=self.allowlist,
            prefixes=self.prefixes,
            service_account=str(self.proposal.runtime.get("service_account") or ""),
            runtime_env=[name for name, _ in self.proposal.runtime.get("env") or ()],
            pull_secret=str(self.proposal.runtime.get("pull_secret") or ""),
            permits=self.permits,
        )

    def _is_ours(self, live: Object) -> bool:
        deployment = self.proposal.deployment
        return deployment is not None and sealing.is_ours(live, mark=self.mark, deployment_id=deployment.pk)


def _plain(item: Object) -> Object:
    """Without our own bookkeeping, which changes with every apply."""
    metadata = obj(item, "metadata")
    annotations = {
        key: value
        for key, value in obj(metadata, "annotations").items()
        if key not in (ANNOTATION_REVISION, ANNOTATION_GENERATION)
    }
    return {**item, "metadata": {**metadata, "annotations": annotations}}
