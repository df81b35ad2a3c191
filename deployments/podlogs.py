"""The shell around one question for log lines: fetch from each pod, merge by time, answer the row once."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Final

import structlog
from django.db import DatabaseError

from baristaweb.lib.clock import now
from deployments import breaker
from deployments.domain.apiserver.objects import text
from deployments.domain.logs.text import readable
from deployments.domain.manifests.metadata import LABEL_ID, LABEL_MANAGED_BY, MANAGED_BY
from deployments.domain.status.containers import containers_to_read
from deployments.kube.api import ClusterError, Gateway, ObjectKind
from deployments.models import LogRequest
from deployments.models.requests import Answer

log = structlog.get_logger(__name__)

TOTAL_BYTES: Final = 2_000_000
# Of one container, however many there are: 50 pods of 500 usual lines fit, and a worker's memory holds 8 at once.
SHARE_BYTES: Final = 250_000
LINES_KEPT: Final = 5_000  # of a request that is asked again and again
OVERLAP_S: Final = 15
PODS_LIMIT: Final = 50
PODS_NAMED: Final = 3
ANSWER_S: Final = 30.0

Line = tuple[str, str, str, str]

_FRACTION: Final = re.compile(r"\.(\d{1,9})")


@dataclass(frozen=True, slots=True)
class Source:
    pod: str
    container: str


@dataclass(frozen=True, slots=True)
class Fetched:
    """`lines` in order of time; `problems`: [pod, what went wrong]; `begins`: the first instant of sources that wrote
    more before it; `is_cut`: whether older lines were left out anywhere."""

    lines: list[Line]
    problems: list[list[str]]
    begins: dict[Source, str]
    is_cut: bool


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
        sources, left_out = _sources(gateway, request)
        known = [(at, pod, container, said) for at, pod, container, said in request.lines]
        found = fetch(gateway, request, sources)
        lines, is_trimmed = joined(known, found)
        problems, is_cut = found.problems, found.is_cut or is_trimmed or request.is_truncated
        breaker.succeeded(cluster)
        outcome = Answer.FAILED if problems and not lines and len(problems) >= len(sources) else Answer.DONE
        problems = [*_said_of_cuts(found, left_out), *problems]
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


def fetch(gateway: Gateway, request: LogRequest, sources: list[Source]) -> Fetched:
    """The newest lines of every source, at most 2 MB of all: what does not fit is always the oldest."""
    if not sources:
        what = f"The pod {request.pod}" if request.pod else "A pod of this deployment"
        problem = [request.pod or request.deployment.name, f"{what} does not exist in the cluster."]
        return Fetched([], [problem], {}, False)
    share = max(SHARE_BYTES, TOTAL_BYTES // len(sources))
    tail = LINES_KEPT if request.lines else request.tail
    # Threads have no connection to the database: all of the row is read before they start.
    ask = partial(
        gateway.pod_log,
        request.deployment.namespace.name,
        previous=request.previous,
        since_s=_since_s(request),
        limit_bytes=share,
    )

    def read(source: Source) -> tuple[bytes, bool] | ClusterError:
        try:
            return _newest_bytes(ask, source, tail=tail, limit=share)
        except ClusterError as error:
            return error

    with ThreadPoolExecutor(min(8, len(sources))) as pool:
        answers = list(pool.map(read, sources))
    lines: list[Line] = []
    problems, begins = [], {}
    is_cut = False
    for source, found in zip(sources, answers, strict=True):
        if isinstance(found, ClusterError):
            problems.append([source.pod, _explain(found, previous=request.previous)])
            continue
        data, is_shortened = found
        parsed = parse(data, source, limit=share)
        lines += parsed
        if is_shortened and parsed:
            begins[source] = parsed[0][0]
        is_cut = is_cut or is_shortened or data.count(b"\n") >= tail
    lines.sort(key=lambda line: line[0])
    kept = newest(lines, TOTAL_BYTES)
    return Fetched(kept, problems, begins, is_cut or len(kept) < len(lines))


def _newest_bytes(ask: Callable[..., bytes], source: Source, *, tail: int, limit: int) -> tuple[bytes, bool]:
    """The newest lines that fit, and whether fewer than `tail` had to be asked for.

    The kubelet reads forward from where the tail begins and stops at the limit, so that a full answer lacks the newest
    lines: a shorter tail is asked for until it fits. A single line that does not fit keeps its beginning.
    """
    wanted = tail
    while True:
        data = ask(source.pod, container=source.container, tail=wanted)
        if len(data) < limit or wanted == 1:
            return data, wanted < tail
        # As many lines as came fit, if the newer ones are no longer; a little fewer, for those that are.
        wanted = max(1, min(wanted // 2, data.count(b"\n") * 3 // 4))


def joined(known: list[Line], found: Fetched) -> tuple[list[Line], bool]:
    """Known and fetched lines in order of time, each once, the newest ones that are kept; and whether some are not.

    Of a source whose newer lines did not all fit, the known ones go: a gap in the middle would not be seen.
    """
    if not known:
        return found.lines, False
    begins = {(source.pod, source.container): at for source, at in found.begins.items()}
    usable = [line for line in known if line[0] >= begins.get((line[1], line[2]), "")]
    # A pod may write the same words twice in one microsecond: of equal lines as many stay as were seen at once.
    extra = Counter(found.lines) - Counter(usable)
    merged = sorted([*usable, *extra.elements()], key=lambda line: line[0])
    kept = newest(merged[-LINES_KEPT:], TOTAL_BYTES)
    return kept, len(kept) < len(merged) or len(usable) < len(known)


def _said_of_cuts(found: Fetched, left_out: int) -> list[list[str]]:
    """[whose, what of it is missing], beside what went wrong."""
    said = []
    if left_out:
        said.append(["", f"The newest {PODS_LIMIT} pods were read, {left_out} more were not: choose one of those."])
    if found.begins and found.lines:
        names = sorted({source.pod for source in found.begins})
        shown = ", ".join(names[:PODS_NAMED])
        whose = shown if len(names) <= PODS_NAMED else f"{shown} and {len(names) - PODS_NAMED} more"
        latest = max(found.begins.values())[11:19]
        what = "They write" if len(names) > 1 else "It writes"
        said.append([whose, f"{what} more than fits: before {latest} UTC some of its older lines are left out."])
    return said


def _since_s(request: LogRequest) -> int:
    """How far back to ask: all of it, or since the last answer and a little more for clocks and slow writers."""
    if not request.lines or request.answered_at is None:
        return request.since_s
    return min(request.since_s, int((now() - request.answered_at).total_seconds()) + OVERLAP_S)


def parse(data: bytes, source: Source, *, limit: int = TOTAL_BYTES) -> list[Line]:
    """Lines with their instant; one without an instant belongs to the moment of the line before.

    `limit`: how many bytes were asked for. The kubelet ends every line; an answer as long as that whose last line has
    no end holds only that line's beginning.
    """
    found: list[Line] = []
    last = ""
    raws = data.decode("utf-8", "replace").split("\n")
    is_open = len(data) >= limit and bool(raws[-1])
    for index, raw in enumerate(raws):
        if not raw:
            continue
        stamp, _, rest = raw.partition(" ")
        at = _instant(stamp)
        last, said = (at, rest) if at else (last, raw)
        is_cut = is_open and index == len(raws) - 1
        found.append((last, source.pod, source.container, readable(said, is_cut=is_cut)))
    return found


def newest(lines: list[Line], limit: int) -> list[Line]:
    """The last lines whose texts fit."""
    size = 0
    for index in range(len(lines) - 1, -1, -1):
        size += len(lines[index][3].encode()) + len(lines[index][1]) + 60
        if size > limit:
            return lines[index + 1 :]
    return lines


def _sources(gateway: Gateway, request: LogRequest) -> tuple[list[Source], int]:
    """Containers of the deployment's own pods, as they are now, and how many pods are left out.

    A name in the row alone opens nothing.
    """
    labels = f"{LABEL_MANAGED_BY}={MANAGED_BY},{LABEL_ID}={request.deployment_id}"
    pods = gateway.list_objects(ObjectKind.POD, namespace=request.deployment.namespace.name, labels=labels).items
    wanted = [pod for pod in pods if request.pod in ("", text(pod, "metadata", "name"))]
    wanted.sort(key=lambda pod: text(pod, "metadata", "creationTimestamp"), reverse=True)
    found = [
        Source(text(pod, "metadata", "name"), name)
        for pod in wanted[:PODS_LIMIT]
        for name in containers_to_read(pod, request.container)
    ]
    return found, max(0, len(wanted) - PODS_LIMIT)


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
