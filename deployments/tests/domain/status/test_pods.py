from typing import Any

import pytest

from baristaweb.lib.looks import Tone
from deployments.domain.apiserver.objects import instant, message
from deployments.domain.status.containers import containers_to_read
from deployments.domain.status.pods import explain_pod, group_events, last_words, pod_rows, without_name
from deployments.domain.status.states import PodState
from deployments.tests.domain.cluster import (
    condition,
    deployment,
    event,
    pod,
    replica_set,
    stamp,
    unschedulable,
    view,
    waiting,
)


@pytest.mark.parametrize(
    ("seen", "state", "words"),
    [
        (pod(ready=True), PodState.READY, "is ready"),
        (pod(), PodState.STARTING, "not ready yet"),
        (pod(deleted=True, ready=True), PodState.TERMINATING, "is ending"),
        (pod(phase="Succeeded"), PodState.COMPLETED, "has ended"),
        (pod(phase="Failed", reason="Evicted"), PodState.EVICTED, "ran short"),
        (pod(phase="Failed"), PodState.FAILED, "failed"),
        (pod(phase="Unknown"), PodState.UNKNOWN, "node may be gone"),
        (pod(node="", phase="Pending", statuses=[]), PodState.PENDING, "waits for a node"),
        (pod(phase="Pending", statuses=[]), PodState.PENDING, "pulling its image"),
        (unschedulable("3 Insufficient cpu"), PodState.UNSCHEDULABLE, "3 Insufficient cpu"),
        (
            pod(state=waiting("ErrImagePull", "unauthorized"), phase="Pending"),
            PodState.IMAGE_ERROR,
            "unauthorized",
        ),
        (
            pod(state=waiting("CreateContainerConfigError", 'secret "a" not found'), phase="Pending"),
            PodState.CONFIG_ERROR,
            'secret "a" not found',
        ),
        (
            pod(state=waiting("CrashLoopBackOff"), restarts=3, last={"exitCode": 139}),
            PodState.CRASH_LOOPING,
            "native code (SIGSEGV)); it restarted 3 times",
        ),
        (
            pod(state=waiting("CrashLoopBackOff"), restarts=1, last={"exitCode": 0}),
            PodState.CRASH_LOOPING,
            "should keep running); it restarted once",
        ),
        (
            pod(state=waiting("CrashLoopBackOff"), restarts=2, last={"exitCode": 137, "reason": "OOMKilled"}),
            PodState.OOM_KILLED,
            "more memory than its limit",
        ),
        (pod(state={"terminated": {"exitCode": 2}}), PodState.CRASH_LOOPING, "exit code 2"),
        (pod(restarts=4, last={"exitCode": 1}), PodState.CRASH_LOOPING, "exit code 1"),
    ],
)
def test_explained(seen: dict[str, Any], state: PodState, words: str) -> None:
    found, sentence = explain_pod(seen, [])
    assert found is state
    assert words in sentence


def test_failing_readiness_after_it_was_ready() -> None:
    seen = pod(state={"running": {"startedAt": stamp(110)}})
    said = event("Unhealthy", "Readiness probe failed: HTTP 503")
    state, sentence = explain_pod(seen, [said])
    assert state is PodState.NOT_READY
    assert "any more" in sentence
    assert "HTTP 503" in sentence
    assert explain_pod(pod(state={"running": {"startedAt": stamp(60)}}), [said])[0] is PodState.STARTING


def test_a_lost_node_is_named() -> None:
    seen = pod(ready=True)
    seen["status"]["conditions"] = [condition("Ready", "False")]
    state, sentence = explain_pod(seen, [])
    assert state is PodState.NOT_READY
    assert "node-1 has stopped reporting" in sentence


@pytest.mark.parametrize(
    ("said", "code", "words"),
    [
        ("Container model failed startup probe, will be restarted", 137, "longer to start than its startup probe"),
        ("Container model failed liveness probe, will be restarted", 143, "does not answer its liveness probe"),
        ("Container model failed liveness probe, will be restarted", 1, "exit code 1"),
        ("Stopping container model", 137, "too little memory"),
    ],
)
def test_a_kill_by_a_probe_is_told_from_others(said: str, code: int, words: str) -> None:
    seen = pod(state=waiting("CrashLoopBackOff"), restarts=4, last={"exitCode": code, "reason": "Error"})
    checked = event("Unhealthy", "Startup probe failed: HTTP 503")
    state, sentence = explain_pod(seen, [event("Killing", said, kind="Normal"), checked])
    assert state is PodState.CRASH_LOOPING
    assert words in sentence
    assert ("HTTP 503" in sentence) is ("probe" in words)


def test_why_a_pod_has_to_go() -> None:
    seen = pod(deleted=True)
    seen["status"]["conditions"] = [condition("DisruptionTarget", "True", "DeletionByTaintManager")]
    assert explain_pod(seen, [])[1].endswith("is ending: its node does not answer or is closed to it.")
    assert explain_pod(pod(deleted=True), [])[1].endswith("is ending.")


def test_an_init_container_that_runs_is_named() -> None:
    seen = pod(state=waiting("PodInitializing"), phase="Pending")
    seen["status"]["initContainerStatuses"] = [{"name": "mesh-init", "ready": False}]
    seen["status"]["initContainerStatuses"][0]["state"] = {"running": {"startedAt": stamp(5)}}
    assert "waits for its init container mesh-init" in explain_pod(seen, [])[1]


def test_the_schedulers_second_sentence_is_left_out() -> None:
    said = "0/3 nodes are available: 3 Insufficient cpu. no new claims to deallocate, preemption: 0/3 nodes: x."
    sentence = explain_pod(unschedulable(said), [])[1]
    assert sentence == "No node fits ranker-new-1: 0/3 nodes are available: 3 Insufficient cpu."


def test_the_same_event_on_several_pods_is_one_row() -> None:
    rows = group_events([event("Started", "Container started", name=f"a-{index}") for index in range(3)])
    assert [(row.object, row.count) for row in rows] == [("3 Pods", 3)]


def test_rows_are_worst_first_and_know_their_revision() -> None:
    crashed = pod("b", state=waiting("CrashLoopBackOff"), restarts=5, last={"exitCode": 1})
    seen = view(
        deployment(2),
        pod("a", ready=True, hash_="old"),
        crashed,
        sets=[replica_set("new", 2), replica_set("old", 1)],
    )
    rows = pod_rows(seen)
    assert [row.name for row in rows] == ["b", "a"]
    worst = rows[0]
    assert (worst.revision, worst.revision_hash, worst.restarts, worst.last_exit_code) == ("2", "new", 5, 1)
    assert (worst.has_previous, worst.ready, worst.reason) == (True, False, "CrashLoopBackOff")
    assert (worst.cpu_request, worst.memory_request, worst.node) == ("500m", "1Gi", "node-1")
    assert worst.container_names == ("model",)
    assert rows[1].ready
    assert rows[1].revision == "1"


def test_events_of_one_kind_are_one_row() -> None:
    rows = group_events(
        [
            event("BackOff", "restarting", count=3, ago=100),
            event("BackOff", "restarting", count=4, ago=5),
            event("Pulled", "image present", kind="Normal", ago=50),
        ]
    )
    assert [(row.reason, row.count, row.tone) for row in rows] == [("BackOff", 7, Tone.WARN), ("Pulled", 1, Tone.QUIET)]
    assert rows[0].last == instant({"a": stamp(5)}, "a")
    assert rows[0].first == instant({"a": stamp(130)}, "a")
    assert rows[0].object == "Pod/ranker-new-1"


def test_hostile_events() -> None:
    rows = group_events(
        [{}, {"reason": 1, "count": -5, "lastTimestamp": "x"}, event("<b>", "a\nb\x1b[31m" + "x" * 5000)]
    )
    assert all(row.count >= 1 for row in rows)
    assert all("\n" not in row.message and "\x1b" not in row.message and len(row.message) <= 600 for row in rows)


def test_messages_are_one_bounded_line() -> None:
    assert message("a\n\tb\u202e c") == "a b c"
    assert len(message("x" * 10_000)) == 600


@pytest.mark.parametrize(
    "text", ["2026-01-05T12:00:00Z", "2026-01-05T12:00:00.123456789Z", "2026-01-05T13:00:00+01:00"]
)
def test_instants(text: str) -> None:
    found = instant({"a": text}, "a")
    assert found is not None
    assert found.replace(microsecond=0).isoformat() == "2026-01-05T12:00:00+00:00"


@pytest.mark.parametrize("text", ["", "x", "2026-13-01T00:00:00Z", None, 5])
def test_unreadable_instants(text: Any) -> None:
    assert instant({"a": text}, "a") is None


def test_last_words() -> None:
    said = "\n".join(f"line {number}" for number in range(40)) + "\x1b[31m\x00\nSchemaMismatch: v6\n\n"
    crashed = pod(state=waiting("CrashLoopBackOff"), restarts=3, last={"exitCode": 1, "message": said})
    words = last_words(crashed).splitlines()
    assert (len(words), words[-1]) == (12, "SchemaMismatch: v6")
    assert "\x1b" not in words[-2]
    assert pod_rows(view(deployment(), crashed))[0].last_words == "\n".join(words)
    assert last_words(pod(state={"terminated": {"exitCode": 2, "message": "now"}})) == "now"
    assert last_words(pod(ready=True, restarts=1, last={"exitCode": 1, "message": "long ago"})) == ""
    assert last_words(pod(restarts=1, last={"exitCode": 0, "message": "bye"})) == ""
    assert last_words({}) == ""


def with_init(name: str = "istio-init", **status: Any) -> dict[str, Any]:
    """A pod whose own container waits for one that a webhook added."""
    found = pod(phase="Pending", state=waiting("PodInitializing"))
    found["spec"]["initContainers"] = [{"name": name}]
    found["status"]["initContainerStatuses"] = [{"name": name, "ready": False, "restartCount": 4, **status}]
    return found


def test_a_failing_init_container_is_named_with_its_last_words() -> None:
    ended = {"terminated": {"exitCode": 1, "message": "iptables: Permission denied"}}
    seen = with_init(state=waiting("CrashLoopBackOff"), lastState=ended)
    state, sentence = explain_pod(seen, ())
    assert state is PodState.CRASH_LOOPING
    assert sentence.startswith("The init container istio-init of ranker-new-1 keeps crashing: exit code 1")
    assert without_name(sentence, "ranker-new-1").startswith("The init container istio-init keeps crashing")
    (row,) = pod_rows(view(deployment(), seen))
    assert (row.failing_container, row.restarts, row.last_exit_code) == ("istio-init", 4, 1)
    assert row.container_names == ("istio-init", "model")
    assert (row.last_words, row.has_previous) == ("iptables: Permission denied", True)


def test_a_failing_sidecar_is_named_wherever_it_was_put() -> None:
    seen = pod(ready=False)
    seen["spec"]["containers"].insert(0, {"name": "istio-proxy", "resources": {"requests": {"cpu": "10m"}}})
    ended = {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}
    seen["status"]["containerStatuses"].append(
        {
            "name": "istio-proxy",
            "ready": False,
            "restartCount": 5,
            "state": waiting("CrashLoopBackOff"),
            "lastState": ended,
        }
    )
    _, sentence = explain_pod(seen, ())
    assert sentence.startswith("The sidecar istio-proxy of ranker-new-1 needed more memory")
    (row,) = pod_rows(view(deployment(), seen))
    assert row.failing_container == "istio-proxy"
    assert row.cpu_request == "500m", "of the model's own container"


def test_log_lines_are_read_of_what_runs_and_of_init_containers_that_fail() -> None:
    done = with_init(state={"terminated": {"exitCode": 0}})
    assert containers_to_read(done) == ["model"]
    assert containers_to_read(done, "istio-init") == ["istio-init"]
    assert containers_to_read(done, "nothing") == []
    failing = with_init(state=waiting("CrashLoopBackOff"), lastState={"terminated": {"exitCode": 1}})
    assert containers_to_read(failing) == ["istio-init", "model"]


@pytest.mark.parametrize(
    ("sentence", "name", "said"),
    [
        ("ranker-1 crashes at start.", "ranker-1", "Crashes at start."),
        ("building etcd, 1 of 7", "", "Building etcd, 1 of 7"),
        ("nightly-1 gets its requests too.", "", "nightly-1 gets its requests too."),
        ("", "", ""),
    ],
)
def test_a_sentence_begins_with_a_capital_unless_with_the_name_of_a_pod(sentence: str, name: str, said: str) -> None:
    assert without_name(sentence, name) == said
