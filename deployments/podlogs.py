"""The shell around one question for log lines: fetch from each pod, merge by time, answer the row once."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import structlog
from django.db import DatabaseError

from baristaweb.lib.clock import now
from deployments import breaker
from deployments.domain.apiserver.objects import objects, text
from deployments.domain.manifests.metadata import LABEL_ID, LABEL_MANAGED_BY, MANAGED_BY
from deployments.kube.api import ClusterError, Gateway, Object, ObjectKind
from deployments.models import LogRequest
from deployments.models.requests import Answer

log = structlog.get_logger(__name__)

TOTAL_BYTES: Final = 2_000_000
LINE_LIMIT: Final = 8_000
LINES_KEPT: Final = 5_000  # of a request that is asked again and again
OVERLAP_S: Final = 15
PODS_LIMIT: Final = 50
ANSWER_S: Final = 30.0

Line = tuple[str, str, str, str]

_FRACTION: Final = re.compile(r"\.(\d{1,9})")
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Source:
    pod: str
    container: str


def answer(request_id: str) -> None:
    """Answer a waiting LogRequest; one that was answered meanwhile is left as it is."""
    request = (
        LogRequest.objects.select_related("deployment__namespace__cluster")
        .filter(pk=request_id, answer=Answer.WAITING)
        .first()
    )
    if request is None:
        return
    cluster = request.deployment.namespace.cluster
    try:
        gateway = breaker.reach(cluster).within(ANSWER_S)
        sources = _sources(gateway, request)
        known = [(at, pod, container, said) for at, pod, container, said in request.lines]
        lines, problems, is_cut = fetch(gateway, request, sources)
        lines, is_cut = joined(known, lines), is_cut or request.is_truncated
        breaker.succeeded(cluster)
        outcome = Answer.FAILED if problems and not lines and len(problems) >= len(sources) else Answer.DONE
    except ClusterError as error:
        breaker.failed(cluster, error)
        lines, problems, is_cut, outcome = request.lines, [[cluster.name, str(error)]], False, Answer.FAILED
    except DatabaseError:
        raise
    except Exception:
        # Whoever waits for the answer must not wait for ever; the trace goes to the log.
        log.exception("podlogs_broke", request=str(request.pk))
        said = "Barista could not read the lines because of an error of its own."
        lines, problems, is_cut, outcome = request.lines, [[cluster.name, said]], False, Answer.FAILED
    LogRequest.objects.filter(pk=request.pk, answer=Answer.WAITING).update(
        answer=outcome, answered_at=now(), lines=lines, problems=problems, is_truncated=is_cut
    )


def fetch(gateway: Gateway, request: LogRequest, sources: list[Source]) -> tuple[list[Line], list[list[str]], bool]:
    """Lines in order of time, what went wrong by pod, and whether older lines were left out."""
    if not sources:
        what = f"The pod {request.pod}" if request.pod else "A pod of this deployment"
        return [], [[request.pod or request.deployment.name, f"{what} does not exist in the cluster."]], False
    share = max(20_000, TOTAL_BYTES // len(sources))
    namespace, since_s = request.deployment.namespace.name, _since_s(request)
    tail = LINES_KEPT if request.lines else request.tail

    def read(source: Source) -> bytes | ClusterError:
        try:
            return gateway.pod_log(
                namespace,
                source.pod,
                container=source.container,
                previous=request.previous,
                since_s=since_s,
                tail=tail,
                limit_bytes=share,
            )
        except ClusterError as error:
            return error

    with ThreadPoolExecutor(min(8, len(sources))) as pool:
        answers = list(pool.map(read, sources))
    problems = [
        [source.pod, _explain(found, previous=request.previous)]
        for source, found in zip(sources, answers, strict=True)
        if isinstance(found, ClusterError)
    ]
    lines: list[Line] = []
    is_cut = False
    for source, found in zip(sources, answers, strict=True):
        if isinstance(found, bytes):
            lines += parse(found, source)
            is_cut = is_cut or len(found) >= share
    lines.sort(key=lambda line: line[0])
    kept = newest(lines, TOTAL_BYTES)
    return kept, problems, is_cut or len(kept) < len(lines)


def joined(known: list[Line], fetched: list[Line]) -> list[Line]:
    """Both in order of time, each line once, the newest ones that are kept."""
    if not known:
        return fetched
    # A pod may write the same words twice in one microsecond: of equal lines as many stay as were seen at once.
    extra = Counter(fetched) - Counter(known)
    found = sorted([*known, *extra.elements()], key=lambda line: line[0])
    return newest(found[-LINES_KEPT:], TOTAL_BYTES)


def _since_s(request: LogRequest) -> int:
    """How far back to ask: all of it, or since the last answer and a little more for clocks and slow writers."""
    if not request.lines or request.answered_at is None:
        return request.since_s
    return min(request.since_s, int((now() - request.answered_at).total_seconds()) + OVERLAP_S)


def parse(data: bytes, source: Source) -> list[Line]:
    """Lines with their instant; one without an instant belongs to the moment of the line before."""
    found: list[Line] = []
    last = ""
    for raw in data.decode("utf-8", "replace").split("\n"):
        if not raw:
            continue
        stamp, _, rest = raw.partition(" ")
        at = _instant(stamp)
        last, said = (at, rest) if at else (last, raw)
        found.append((last, source.pod, source.container, _CONTROLS.sub("\ufffd", said.rstrip("\r"))[:LINE_LIMIT]))
    return found


def newest(lines: list[Line], limit: int) -> list[Line]:
    """The last lines whose texts fit."""
    size = 0
    for index in range(len(lines) - 1, -1, -1):
        size += len(lines[index][3].encode()) + len(lines[index][1]) + 60
        if size > limit:
            return lines[index + 1 :]
    return lines


def _sources(gateway: Gateway, request: LogRequest) -> list[Source]:
    """Containers of the deployment's own pods, as they are now: a name in the row alone opens nothing."""
    labels = f"{LABEL_MANAGED_BY}={MANAGED_BY},{LABEL_ID}={request.deployment_id}"
    pods = gateway.list_objects(ObjectKind.POD, namespace=request.deployment.namespace.name, labels=labels).items
    wanted = [pod for pod in pods if request.pod in ("", pod["metadata"]["name"])]
    found = [source for pod in wanted[:PODS_LIMIT] for source in _containers(pod)]
    return [source for source in found if request.container in ("", source.container)]


def _containers(pod: Object) -> Iterable[Source]:
    for container in objects(pod, "spec", "containers"):
        yield Source(text(pod, "metadata", "name"), text(container, "name"))


def _explain(error: ClusterError, *, previous: bool) -> str:
    said = str(error)
    if previous and "previous terminated container" in said:
        return "It has not restarted, so there is no previous container."
    if "is waiting to start" in said:
        return f"Its container has not started yet: {said}"
    return said


def _instant(stamp: str) -> str:
    """RFC 3339 in UTC with six digits, so that texts sort as times; empty when it is no instant."""
    if len(stamp) < 20 or stamp[4:5] != "-":
        return ""
    short = _FRACTION.sub(lambda match: "." + match.group(1)[:6].ljust(6, "0"), stamp)
    try:
        return datetime.fromisoformat(short).astimezone(UTC).isoformat(timespec="microseconds")
    except ValueError:
        return ""
