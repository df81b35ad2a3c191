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


def test_lines_of_pods_are_merged_by_time() -> None:
    fake = Fake(
        {
            "a": b"2026-01-01T00:00:01.5Z one\n2026-01-01T00:00:03.000000001Z three\n",
            "b": b"2026-01-01T02:00:02+02:00 two \x1b[31mred\x00\nbare\n",
            "c": Invalid("container is waiting to start: no"),
        }
    )
    lines, problems, is_cut = podlogs.fetch(fake, Row, [Source(name, "model") for name in "abc"])  # type: ignore[arg-type]

    assert [line[3] for line in lines] == ["one", "two \x1b[31mred\ufffd", "bare", "three"]
    assert [line[1] for line in lines] == ["a", "b", "b", "a"]
    assert [datetime.fromisoformat(line[0]).second for line in lines] == [1, 2, 2, 3]
    assert problems == [["c", "Its container has not started yet: container is waiting to start: no"]]
    assert not is_cut


def test_at_most_two_megabytes_the_newest_ones() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    stamps = [(start + timedelta(seconds=number)).isoformat() for number in range(600)]
    data = "".join(f"{stamp} {'x' * 7000}\n" for stamp in stamps).encode()

    lines, _, is_cut = podlogs.fetch(Fake({"a": data}), Row, [Source("a", "model")])  # type: ignore[arg-type]

    assert is_cut
    assert sum(len(line[3]) for line in lines) <= podlogs.TOTAL_BYTES
    assert datetime.fromisoformat(lines[-1][0]) == start + timedelta(seconds=599)


def test_newer_lines_are_added_once() -> None:
    first, twice = ("2026-01-01T00:00:01", "a", "model", "one"), ("2026-01-01T00:00:02", "a", "model", "tick")
    known = [first, twice, twice]
    fetched = [twice, twice, twice, ("2026-01-01T00:00:01.5", "b", "model", "late")]
    assert [line[3] for line in podlogs.joined(known, fetched)] == ["one", "late", "tick", "tick", "tick"]
    assert podlogs.joined([], fetched) == fetched
    many = [(f"2026-01-01T00:00:{number:05}", "a", "model", "x") for number in range(podlogs.LINES_KEPT + 10)]
    assert podlogs.joined(many, []) == many[10:]


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
