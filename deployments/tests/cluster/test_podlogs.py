"""Log lines on request: whose pods, in which order, and how much."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import ClassVar

import pytest

from baristaweb.lib.clock import now
from deployments import podlogs
from deployments.kube.api import ClusterError, Invalid, Unreachable
from deployments.models import Deployment, LogRequest
from deployments.models.requests import Answer
from deployments.podlogs import Source
from deployments.tests.cluster.conftest import Bench, wait_until

cluster = [pytest.mark.cluster, pytest.mark.django_db(databases=["default", "locks"])]


def with_marks(test: object) -> object:
    for mark in cluster:
        test = mark(test)
    return test


def request(bench: Bench, deployment: Deployment, **fields: object) -> LogRequest:
    row = LogRequest.objects.create(deployment=deployment, author=bench.author, **fields)
    podlogs.answer(str(row.pk))
    row.refresh_from_db()
    return row


@with_marks
def test_a_pod_of_somebody_else_opens_nothing(bench: Bench) -> None:
    deployment = bench.create()
    row = request(bench, deployment, pod="kube-apiserver")

    assert row.answer == Answer.FAILED
    assert row.problems == [["kube-apiserver", "The pod kube-apiserver does not exist in the cluster."]]


@with_marks
def test_what_the_cluster_refuses_is_said_per_pod(bench: Bench) -> None:
    deployment = bench.create()
    wait_until(lambda: bench.eyes.list("Pod"), what="a pod")
    row = request(bench, deployment, previous=True)

    # The simulated kubelets of the test plane hold no logs: what matters is that each pod's refusal is told.
    (pod,) = bench.eyes.list("Pod")
    assert row.answer in (Answer.FAILED, Answer.DONE)
    assert row.lines or row.problems[0][0] == pod["metadata"]["name"]


class Fake:
    """Answers of pods' logs, by pod."""

    def __init__(self, answers: dict[str, bytes | ClusterError]) -> None:
        self.answers = answers

    def pod_log(self, namespace: str, pod: str, **options: object) -> bytes:
        found = self.answers[pod]
        if isinstance(found, ClusterError):
            raise found
        return found


class Row:
    """What `fetch` reads of a request."""

    class deployment:
        name = "ranker"

        class namespace:
            name = "search-dev"

    pod = container = ""
    previous = False
    since_s, tail = 60, 100
    lines: ClassVar[list[object]] = []
    answered_at = None


class Kubelet:
    """Reads as a kubelet does: from where the tail begins forward, until the limit."""

    def __init__(self, written: dict[str, list[bytes]]) -> None:
        self.written = written
        self.asked = 0

    def pod_log(self, namespace: str, pod: str, *, tail: int, limit_bytes: int, **options: object) -> bytes:
        self.asked += 1
        return b"".join(line + b"\n" for line in self.written[pod][-tail:])[:limit_bytes]


START = datetime(2026, 1, 1, tzinfo=UTC)


def written(count: int, size: int, *, every_s: float = 1) -> list[bytes]:
    return [
        f"{(START + timedelta(seconds=number * every_s)).isoformat()} {number} ".encode() + b"x" * size
        for number in range(count)
    ]


def numbers(lines: list[podlogs.Line], pod: str) -> list[int]:
    return [int(line[3].split()[0]) for line in lines if line[1] == pod]


class Many(Row):
    tail = 5000


def test_lines_of_pods_are_merged_by_time() -> None:
    fake = Fake(
        {
            "a": b"2026-01-01T00:00:01.5Z one\n2026-01-01T00:00:03.000000001Z three\n",
            "b": b"2026-01-01T02:00:02+02:00 two \x1b[31mred\x00\nbare\n",
            "c": Invalid("container is waiting to start: no"),
        }
    )
    found = podlogs.fetch(fake, Row, [Source(name, "model") for name in "abc"])  # type: ignore[arg-type]

    assert [line[3] for line in found.lines] == ["one", "two red\ufffd", "bare", "three"]
    assert [line[1] for line in found.lines] == ["a", "b", "b", "a"]
    assert [datetime.fromisoformat(line[0]).second for line in found.lines] == [1, 2, 2, 3]
    assert found.problems == [["c", "Its container has not started yet: container is waiting to start: no"]]
    assert not found.is_cut


@pytest.mark.parametrize("pods", [1, 2, 50])
def test_the_newest_line_of_every_pod_is_kept_however_much_it_writes(pods: int) -> None:
    kubelet = Kubelet({f"p{number}": written(5000, 1000) for number in range(pods)})
    found = podlogs.fetch(kubelet, Many, [Source(name, "model") for name in kubelet.written])  # type: ignore[arg-type]

    for pod in kubelet.written:
        shown = numbers(found.lines, pod)
        assert shown[-1] == 4999
        assert shown == list(range(shown[0], 5000)), "no gap within a pod"
    assert found.is_cut
    assert sum(len(line[3]) for line in found.lines) <= podlogs.TOTAL_BYTES
    assert kubelet.asked <= 4 * pods


def test_lines_that_grow_towards_the_end_lose_none_of_the_newest() -> None:
    small, huge = written(4000, 20), written(5000, 9_000)[4000:]
    found = podlogs.fetch(Kubelet({"a": small + huge}), Many, [Source("a", "model")])  # type: ignore[arg-type]
    assert numbers(found.lines, "a")[-1] == 4999


def test_fifty_pods_of_usual_lines_lose_nothing() -> None:
    class Usual(Row):
        tail = 250

    kubelet = Kubelet({f"p{number}": written(250, 60) for number in range(50)})
    found = podlogs.fetch(kubelet, Usual, [Source(name, "model") for name in kubelet.written])  # type: ignore[arg-type]
    assert len(found.lines) == 50 * 250
    assert kubelet.asked == 50


def test_a_quiet_pod_is_whole_beside_a_loud_one_and_what_was_cut_is_said() -> None:
    kubelet = Kubelet({"loud": written(5000, 1000), "quiet": written(10, 10)})
    sources = [Source("loud", "model"), Source("quiet", "model")]
    found = podlogs.fetch(kubelet, Many, sources)  # type: ignore[arg-type]
    assert list(found.begins) == [Source("loud", "model")]
    (said,) = podlogs._said_of_cuts(found, 0)
    assert said[0] == "loud"
    assert f"before {found.begins[sources[0]][11:19]} UTC" in said[1]


def test_more_lines_than_asked_for_are_said_to_be_left_out() -> None:
    found = podlogs.fetch(Kubelet({"a": written(101, 5)}), Row, [Source("a", "model")])  # type: ignore[arg-type]
    assert found.is_cut
    found = podlogs.fetch(Kubelet({"a": written(99, 5)}), Row, [Source("a", "model")])  # type: ignore[arg-type]
    assert not found.is_cut


def test_a_line_longer_than_all_that_fits_keeps_its_beginning_and_says_so() -> None:
    kubelet = Kubelet({"a": [*written(3, 10), written(4, podlogs.TOTAL_BYTES * 2)[3]]})
    (line,) = podlogs.fetch(kubelet, Row, [Source("a", "model")]).lines  # type: ignore[arg-type]
    assert line[3].startswith("3 xxx")
    assert line[3].endswith("[the line is longer: its end was not fetched]")


def fetched(lines: list[podlogs.Line], begins: dict[Source, str] | None = None) -> podlogs.Fetched:
    return podlogs.Fetched(lines, [], begins or {}, bool(begins))


def test_newer_lines_are_added_once() -> None:
    first, twice = ("2026-01-01T00:00:01", "a", "model", "one"), ("2026-01-01T00:00:02", "a", "model", "tick")
    known = [first, twice, twice]
    newer = [twice, twice, twice, ("2026-01-01T00:00:01.5", "b", "model", "late")]
    lines, is_trimmed = podlogs.joined(known, fetched(newer))
    assert [line[3] for line in lines] == ["one", "late", "tick", "tick", "tick"]
    assert not is_trimmed
    assert podlogs.joined([], fetched(newer)) == (newer, False)
    many = [(f"2026-01-01T00:00:{number:05}", "a", "model", "x") for number in range(podlogs.LINES_KEPT + 10)]
    assert podlogs.joined(many, fetched([])) == (many[10:], True)


def test_older_lines_go_rather_than_that_a_gap_stays_unseen() -> None:
    known = [("2026-01-01T00:00:01", "a", "model", "old"), ("2026-01-01T00:00:01", "b", "model", "other")]
    newer = [("2026-01-01T00:00:09", "a", "model", "new")]
    lines, is_trimmed = podlogs.joined(known, fetched(newer, {Source("a", "model"): "2026-01-01T00:00:09"}))
    assert [line[3] for line in lines] == ["other", "new"]
    assert is_trimmed


@with_marks
def test_a_second_question_asks_only_for_what_is_new(bench: Bench) -> None:
    row = request(bench, bench.create(), since_s=3600)
    asked: list[dict[str, object]] = []

    class Pods(Fake):
        def pod_log(self, namespace: str, pod: str, **options: object) -> bytes:
            asked.append(options)
            return super().pod_log(namespace, pod, **options)

    sources = [Source("a", "model")]
    podlogs.fetch(Pods({"a": b""}), row, sources)  # type: ignore[arg-type]
    row.lines, row.answered_at = [["2026-01-01T00:00:01", "a", "model", "one"]], now() - timedelta(seconds=5)
    podlogs.fetch(Pods({"a": b""}), row, sources)  # type: ignore[arg-type]

    assert [item["since_s"] for item in asked] == [3600, 5 + podlogs.OVERLAP_S]
    assert asked[1]["tail"] == podlogs.LINES_KEPT


@with_marks
def test_a_failed_second_question_keeps_the_lines(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    row = request(bench, bench.create())
    kept = [["2026-01-01T00:00:01", "a", "model", "one"]]
    LogRequest.objects.filter(pk=row.pk).update(answer=Answer.WAITING, lines=kept, answered_at=now())

    def away(cluster: object) -> object:
        raise Unreachable("connection refused")

    monkeypatch.setattr(podlogs.breaker, "reach", away)
    podlogs.answer(str(row.pk))

    row.refresh_from_db()
    assert (row.answer, row.lines) == ("failed", kept)
    assert "connection refused" in row.problems[0][1]
