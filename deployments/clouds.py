"""The shell around a question about clusters: list those of a Google project, or try a connection step by step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import structlog
from django.db import DatabaseError

from baristaweb.lib.clock import now
from deployments.domain.gke.cluster import EndpointKind, Found, NoAddress, address
from deployments.domain.gke.place import Place
from deployments.domain.gke.refusals import Problem
from deployments.domain.gke.remedies import Remedy, google_rights, remedy
from deployments.domain.gke.rights import READER, WRITER, Right, Rules, each, reader_yaml, summed_up, writer_yaml
from deployments.domain.gke.steps import Outcome, Step
from deployments.kube.api import ClusterError, Forbidden, Gateway, NotConfigured, NotFound, Unauthorized
from deployments.kube.client import at_address
from deployments.kube.connect import BY_NAME, connect, place_of
from deployments.kube.gke import container_api
from deployments.kube.gke.reach import reach_of
from deployments.kube.gke.tokens import IMPERSONATION, Tokens, tokens_of
from deployments.models import CloudRequest, Cluster
from deployments.models.requests import Answer

log = structlog.get_logger(__name__)

TOKEN_S: Final = 15.0
CHECK_S: Final = 30.0
NAMESPACES: Final = 10  # whose rights are tried; the rest is like them

IDENTITY, API, ENDPOINT = "Identity at Google", "Container API", "Endpoint"
PLANE, READING, WRITING = "Control plane", "Rights to read", "Rights to write"


def answer(request_id: str) -> None:
    """Answer a waiting CloudRequest; one that was answered meanwhile is left as it is."""
    rows = CloudRequest.objects.select_related("cluster").filter(pk=request_id, answer=Answer.WAITING)
    row = rows.first()
    if row is None:
        return
    result: dict[str, Any] = {}
    reason, outcome = "", Answer.DONE
    try:
        result = tried(row.cluster) if row.cluster is not None else listed(row)
    except ClusterError as error:
        found = _remedy_of(error, Place(row.project, row.location, ""), tokens_of(row.service_account))
        result = {"steps": [Step.missing(API, found, str(error)).to_json()]}
        reason, outcome = str(error)[:600], Answer.FAILED
    except DatabaseError:
        raise
    except Exception:
        # Whoever waits for the answer must not wait for ever; the trace goes to the log.
        log.exception("cloud_request_broke", request=str(row.pk))
        reason, outcome = "Barista could not answer because of an error of its own.", Answer.FAILED
    CloudRequest.objects.filter(pk=row.pk, answer=Answer.WAITING).update(
        answer=outcome, answered_at=now(), result=result, reason=reason
    )


def listed(row: CloudRequest) -> dict[str, Any]:
    """The clusters of the row's project. Raises a ClusterError."""
    found, missing = container_api.clusters(row.project, row.location, tokens_of(row.service_account))
    return {"clusters": [_told(item) for item in found], "missing": list(missing)}


def tried(cluster: Cluster) -> dict[str, Any]:
    """What was tried, in order; after one that something is missing for, the others cannot be tried."""
    found = _of_google(cluster) if cluster.access == BY_NAME else _of_file(cluster)
    return {"steps": [step.to_json() for step in found]}


def _of_file(cluster: Cluster) -> Iterator[Step]:
    try:
        gateway = connect(cluster)
    except ClusterError as error:
        yield Step("Credentials", Outcome.MISSING, str(error))
        return
    yield Step("Credentials", Outcome.WORKS, cluster.get_access_display())
    yield from _of_plane(cluster, gateway, Remedy("Workers cannot reach the control plane."))


def _of_google(cluster: Cluster) -> Iterator[Step]:
    place, tokens = place_of(cluster), tokens_of(cluster.service_account)
    try:
        tokens.token(TOKEN_S)
    except ClusterError as error:
        yield Step.missing(IDENTITY, _remedy_of(error, place, tokens), str(error))
        return
    yield Step(IDENTITY, Outcome.WORKS, tokens.identity or "a person's own credentials")
    try:
        found = container_api.cluster(place, tokens)
    except ClusterError as error:
        yield Step.missing(API, _remedy_of(error, place, tokens), str(error))
        return
    yield Step(API, Outcome.WORKS, _summary(found))
    try:
        chosen = address(found, EndpointKind(cluster.endpoint))
    except NoAddress as problem:
        yield Step.missing(ENDPOINT, remedy(Problem.ADDRESS, place, identity=tokens.identity), str(problem))
        return
    yield Step(ENDPOINT, Outcome.WORKS, f"{chosen.kind.label}, {chosen.host}")
    # Not the gateway that is kept: what was just mended may be unknown to it for some seconds.
    gateway = at_address(chosen.host, chosen.ca_pem, reach_of(place, cluster.service_account))
    yield from _of_plane(cluster, gateway, _no_answer(found, place, tokens))


def _no_answer(found: Found, place: Place, tokens: Tokens) -> Remedy:
    said = remedy(Problem.ADDRESS, place, identity=tokens.identity)
    if found.is_changing:
        return Remedy(f"Google is changing the control plane ({found.status}): it may be away for minutes.")
    if found.has_authorized_networks:
        return Remedy(f"{said.words} This cluster accepts authorized networks only.", said.commands)
    return said


def _of_plane(cluster: Cluster, gateway: Gateway, no_answer: Remedy) -> Iterator[Step]:
    bounded = gateway.within(CHECK_S)
    try:
        bounded.ready()
        version, user = bounded.version(), _username(bounded)
    except Forbidden as error:
        words = "The control plane is there, and lets this identity not in: container.clusters.connect is missing."
        rights = google_rights(cluster.project, cluster.service_account or tokens_of().identity)
        is_google = cluster.access == BY_NAME
        yield Step.missing(PLANE, Remedy(words, rights) if is_google else Remedy("It lets us not in."), str(error))
        return
    except Unauthorized as error:
        yield Step.missing(PLANE, Remedy("The control plane does not accept the credentials."), str(error))
        return
    except ClusterError as error:
        yield Step.missing(PLANE, no_answer, str(error))
        return
    yield Step(PLANE, Outcome.WORKS, f"Kubernetes {version}{f', which knows us as {user}' if user else ''}")
    yield from _of_rights(cluster, bounded, user)


def _of_rights(cluster: Cluster, gateway: Gateway, user: str) -> Iterator[Step]:
    who = user or cluster.service_account or "ACCOUNT@PROJECT.iam.gserviceaccount.com"
    try:
        lacking = _lacking(gateway, READER, None)
        if lacking:
            words = f"RBAC does not let {who} {summed_up(lacking)}. An administrator of the cluster applies this."
            yield Step(READING, Outcome.MISSING, words, yaml=reader_yaml(who))
        else:
            yield Step(READING, Outcome.WORKS, "What Barista watches, in the whole cluster.")
        names = list(cluster.namespaces.order_by("name").values_list("name", flat=True)[:NAMESPACES])
        if not names:
            yield Step(WRITING, Outcome.NOT_TRIED, "No namespace of this cluster is given to a team yet.")
        short = {name: rights for name in names if (rights := _lacking(gateway, WRITER, name))}
        if short:
            some = next(iter(short.values()))
            words = f"In {', '.join(short)} RBAC does not let {who} {summed_up(some)}."
            yield Step(WRITING, Outcome.MISSING, words, yaml=writer_yaml(who, short))
        elif names:
            yield Step(WRITING, Outcome.WORKS, f"Barista's objects in {', '.join(names)}.")
    except ClusterError as error:
        yield Step("Rights", Outcome.NOT_TRIED, f"The cluster did not say which rights there are: {error}")


def _lacking(gateway: Gateway, rules: Rules, namespace: str | None) -> list[Right]:
    return [right for right in each(rules) if not gateway.may(right, namespace)]


def _username(gateway: Gateway) -> str:
    try:
        return gateway.username()
    except (Forbidden, NotFound):
        return ""


def _remedy_of(error: ClusterError, place: Place, tokens: Tokens) -> Remedy:
    problem = Problem(error.reason) if error.reason in set(Problem) else Problem.AWAY
    if error.reason == IMPERSONATION:
        problem = Problem.IMPERSONATION
    elif not error.reason and isinstance(error, NotConfigured | Unauthorized):
        problem = Problem.IDENTITY
    # Of an impersonation the member is who acts, not as whom.
    who = tokens_of().identity if problem is Problem.IMPERSONATION else tokens.identity
    return remedy(problem, place, identity=who, account=tokens.account)


def _summary(found: Found) -> str:
    kind = "Autopilot" if found.is_autopilot else "Standard"
    return f"{kind}, version {found.version or 'unknown'}, {found.status or 'no status'}"


def _told(found: Found) -> dict[str, Any]:
    return {
        "name": found.place.name,
        "location": found.place.location,
        "version": found.version,
        "status": found.status,
        "is_autopilot": found.is_autopilot,
        "has_dns": bool(found.dns and found.is_dns_open),
    }
