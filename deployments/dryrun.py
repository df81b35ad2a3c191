"""The shell around one proposal: ask the cluster what it would say, store the verdict, change nothing.

Proposal.verdict, once answered:

    objects      [{kind, name, outcome, message, warnings}], where outcome is created, changed, unchanged, deleted,
                 refused, conflict (others hold fields of ours) or cannot-check (a webhook allows no dry run, or the
                 cluster stopped answering in the middle). Kind "Pod" is a dry-run create of a pod made from the
                 Deployment's own answer: quota, priority class and admission refuse pods, not Deployments.
    restarts     whether a new ReplicaSet will appear: the pod template of the live object against that of the dry run;
                 null when unknown; false for a new deployment, where nothing restarts
    refused      whether anything was refused; refusals: why, one sentence each
    warnings     texts of the apiserver's Warning headers
    conflicts    [{kind, path, spec_path, manager, live, desired, at}]
    quota        what the namespace's quotas leave, this deployment's own use given back (domain/apiserver/quota.py);
                 null when it was not read
    manifest_diff  lines as `diff -u` prints them, live against dry run, each object under a line "# Kind name"
    problem      why the cluster could not be asked (answer "failed")
    checked_at   when, ISO 8601
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Final

import structlog
from django.db import DatabaseError

from baristaweb.lib.clock import now
from deployments import breaker, rendering
from deployments.actions import proposals
from deployments.domain.apiserver import quota
from deployments.domain.apiserver.objects import obj
from deployments.domain.changes.diff import manifest_diff, needs_restart, unified_lines
from deployments.domain.changes.drift import conflicts_from_causes
from deployments.domain.manifests.managers import FIELD_MANAGER_CONFIG, FIELD_MANAGER_HPA
from deployments.domain.manifests.metadata import ANNOTATION_GENERATION, ANNOTATION_REVISION
from deployments.domain.manifests.render import canonical_json
from deployments.domain.status.refusals import with_advice
from deployments.kube import sealing
from deployments.kube.api import ClusterError, ErrorClass, FieldConflict, Forbidden, Gateway, Kind, Object
from deployments.models import Proposal
from deployments.models.requests import Answer

log = structlog.get_logger(__name__)

ANSWER_S: Final = 20.0
LINES_LIMIT: Final = 2_000
OPTIONAL: Final = (Kind.SERVICE, Kind.HPA, Kind.INGRESS, Kind.PDB)
UNKNOWABLE: Final = frozenset({ErrorClass.TRANSIENT, ErrorClass.PRESSURE, ErrorClass.RACE})


def answer(proposal_id: str) -> None:
    """Answer a waiting proposal; one that was answered or closed meanwhile is left as it is."""
    proposal = (
        Proposal.objects.select_related("deployment__current", "model", "namespace__team", "namespace__cluster__health")
        .filter(pk=proposal_id, answer=Answer.WAITING)
        .first()
    )
    if proposal is None:
        return
    cluster = proposal.namespace.cluster
    verdict, outcome = Verdict(), Answer.DONE
    try:
        gateway = breaker.reach(cluster).within(ANSWER_S)
        Inquiry(gateway, proposal, verdict).run()
        breaker.succeeded(cluster)
    except ClusterError as error:
        breaker.failed(cluster, error)
        verdict.problem, outcome = str(error), Answer.FAILED
    except DatabaseError:
        raise
    except Exception:
        # Whoever waits for the answer must not wait for ever; the trace goes to the log.
        log.exception("dryrun_broke", proposal=str(proposal.pk))
        verdict.problem, outcome = "Barista could not ask because of an error of its own.", Answer.FAILED
    Proposal.objects.filter(pk=proposal.pk, answer=Answer.WAITING).update(
        answer=outcome, verdict=verdict.to_json(), answered_at=now()
    )


@dataclass(slots=True)
class Verdict:
    objects: list[dict[str, Any]] = field(default_factory=list)
    restarts: bool | None = None
    warnings: list[str] = field(default_factory=list)
    conflicts: list[dict[str, Any]] = field(default_factory=list)
    quota: dict[str, int] | None = None
    manifest_diff: list[str] = field(default_factory=list)
    problem: str = ""

    def say(self, kind: str, name: str, outcome: str, message: str = "", warnings: tuple[str, ...] = ()) -> None:
        self.objects.append(
            {"kind": kind, "name": name, "outcome": outcome, "message": message, "warnings": list(warnings)}
        )
        self.warnings += [text for text in warnings if text not in self.warnings]

    def to_json(self) -> dict[str, Any]:
        refusals = [f"{item['kind']}: {item['message']}" for item in self.objects if item["outcome"] == "refused"]
        return {
            "objects": self.objects,
            "restarts": self.restarts,
            "refused": bool(refusals),
            "refusals": refusals,
            "warnings": self.warnings,
            "conflicts": self.conflicts,
            "quota": self.quota,
            "manifest_diff": self.manifest_diff[:LINES_LIMIT],
            "problem": self.problem,
            "checked_at": now().isoformat(),
        }


class Inquiry:
    """The questions about one proposal, in the order of an apply."""

    def __init__(self, gateway: Gateway, proposal: Proposal, verdict: Verdict) -> None:
        self.gateway = gateway
        self.proposal = proposal
        self.verdict = verdict
        self.mark = rendering.install_id()
        self.namespace = proposal.namespace.name
        self.name = proposal.name
        self.allowlist = proposals.allowlist(proposal.namespace)
        self.prefixes = proposals.metadata_prefixes()

    def run(self) -> None:
        rendered = rendering.of_proposal(
            self.proposal, mark=self.mark, generation=rendering.next_generation(self.proposal)
        )
        wanted = {Kind(item["kind"]): item for item in rendered.objects()}
        live = self.gateway.get(Kind.DEPLOYMENT, self.namespace, self.name)
        if live is None and (problem := sealing.other_installation(self.gateway, self.namespace, mark=self.mark)):
            self.verdict.say(Kind.DEPLOYMENT.value, self.name, "refused", problem)
            return
        dry = self._object(Kind.DEPLOYMENT, wanted[Kind.DEPLOYMENT], live)
        if dry is not None:
            self._pods(live, dry)
        self._quota(live)
        for kind in OPTIONAL:
            existing = self.gateway.get(kind, self.namespace, self.name)
            if kind in wanted:
                self._object(kind, wanted[kind], existing)
            elif existing is not None and self._is_ours(existing):
                self.verdict.say(kind.value, self.name, "deleted")
                self._lines(kind, existing, {})

    def _quota(self, live: Object | None) -> None:
        """The pod was tried alone; whether all of them fit, only the quota's numbers say."""
        try:
            found = self.gateway.list_objects(Kind.RESOURCE_QUOTA, namespace=self.namespace)
        except Forbidden:
            return
        self.verdict.quota = quota.left_of(found.items, live).to_json()

    def _object(self, kind: Kind, wanted: Object, live: Object | None) -> Object | None:
        """What the object would be; None when the cluster does not say."""
        if live is not None and not self._is_ours(live):
            self.verdict.say(
                kind.value,
                self.name,
                "refused",
                f"{self.name} exists in {self.namespace} and was not made by this Barista. Choose another name.",
            )
            return None
        manager = FIELD_MANAGER_HPA if kind is Kind.HPA else FIELD_MANAGER_CONFIG
        outcome = "created" if live is None else "changed"
        message = ""
        try:
            body = self._sealed(wanted)
            try:
                said = self.gateway.apply(body, manager=manager, dry_run=True)
            except FieldConflict as conflict:
                outcome, message = "conflict", str(conflict)
                self._held(kind, conflict, live, wanted)
                said = self.gateway.apply(body, manager=manager, dry_run=True, force=True)
        except ClusterError as error:
            self._refused(kind.value, error)
            return None
        if outcome == "changed" and live is not None and not manifest_diff(_plain(live), _plain(said.object)):
            outcome = "unchanged"
        self.verdict.say(kind.value, self.name, outcome, message, said.warnings)
        self._lines(kind, live, said.object)
        return said.object

    def _pods(self, live: Object | None, dry: Object) -> None:
        """Whether pods restart, and whether the cluster would take such a pod at all."""
        template = obj(dry, "spec", "template")
        self.verdict.restarts = live is not None and needs_restart(obj(live, "spec", "template"), template)
        if live is not None and not self.verdict.restarts and not self._grows(live):
            return
        metadata = obj(template, "metadata") | {"generateName": f"{self.name}-", "namespace": self.namespace}
        metadata.pop("creationTimestamp", None)
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": obj(template, "spec")}
        try:
            said = self.gateway.create_pod(self.namespace, canonical_json(pod))
        except ClusterError as error:
            self._refused("Pod", error)
            return
        self.verdict.say("Pod", self.name, "created", "", said.warnings)

    def _grows(self, live: Object) -> bool:
        return self._wanted_replicas() > int(obj(live, "spec").get("replicas", 1))

    def _wanted_replicas(self) -> int:
        replicas = self.proposal.spec.get("replicas") or {}
        return int(replicas.get("count") or replicas.get("min") or 1)

    def _refused(self, kind: str, error: ClusterError) -> None:
        if error.error_class is ErrorClass.CREDENTIALS:
            raise error
        cannot = error.error_class in UNKNOWABLE or "does not support dry run" in str(error)
        self.verdict.say(kind, self.name, "cannot-check" if cannot else "refused", with_advice(str(error)))

    def _held(self, kind: Kind, conflict: FieldConflict, live: Object | None, wanted: Object) -> None:
        causes = [
            {"field": item.path, "message": f'conflict with "{item.manager}"', "reason": "FieldManagerConflict"}
            for item in conflict.fields
        ]
        for row in conflicts_from_causes(causes, live, wanted):
            at = row.at.isoformat() if row.at else None
            self.verdict.conflicts.append(asdict(row) | {"kind": kind.value, "at": at})

    def _lines(self, kind: Kind, live: Object | None, dry: Object) -> None:
        lines = unified_lines(_plain(live) if live is not None else None, _plain(dry) if dry else {})
        if lines:
            self.verdict.manifest_diff += [f"# {kind.value} {self.name}", *lines]

    def _sealed(self, wanted: Object) -> bytes:
        return sealing.sealed(
            wanted,
            namespace=self.namespace,
            mark=self.mark,
            allowlist=self.allowlist,
            prefixes=self.prefixes,
            service_account=str(self.proposal.runtime.get("service_account") or ""),
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
