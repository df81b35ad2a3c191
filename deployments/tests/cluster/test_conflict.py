"""Others write too: fields they hold, intents that overtake each other, objects that change under our hands."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connections

from deployments import dryrun, reconcile
from deployments.actions import deployments
from deployments.audit import Actor
from deployments.domain.changes.diff import flatten
from deployments.domain.changes.dry_run import DryRun
from deployments.domain.spec.parts import EnvRef, Fixed, Recreate
from deployments.domain.status.states import Phase
from deployments.kube.api import Conflict
from deployments.kube.connect import connect
from deployments.models import DeploymentState
from deployments.reconcile import Outcome, loop
from deployments.reconcile import apply as steps
from deployments.reconcile.job import Superseded, load
from deployments.tests import factories
from deployments.tests.cluster.conftest import Bench

pytestmark = [pytest.mark.cluster, pytest.mark.django_db(databases=["default", "locks"])]

BY = Actor.system("tests")


def grab_memory(bench: Bench, memory: str = "3Gi") -> None:
    """Somebody edits the memory request and limit with kubectl."""
    container = {"name": "model", **bench.live()["spec"]["template"]["spec"]["containers"][0]}
    container["resources"]["limits"]["memory"] = memory
    bench.eyes.patch("Deployment", "ranker", {"spec": {"template": {"spec": {"containers": [container]}}}})


def test_a_field_that_others_hold_is_shown_and_not_taken(bench: Bench) -> None:
    deployment = bench.create()
    grab_memory(bench)
    bench.edit(deployment, run=False, model_version="2")

    assert bench.run(deployment) is Outcome.CONFLICT

    state = bench.state(deployment)
    (row,) = state.conflict
    assert state.phase == Phase.CONFLICT
    assert row["path"] == "spec.template.spec.containers[model].resources.limits.memory"
    assert (row["manager"], row["live"], row["desired"]) == ("kubectl-edit", "3Gi", "1Gi")
    assert bench.live()["metadata"]["annotations"]["barista.io/revision"] == "1"


def test_taking_over_applies_once_by_force(bench: Bench) -> None:
    deployment = bench.create()
    grab_memory(bench)
    bench.edit(deployment, run=False, model_version="2")
    assert bench.run(deployment) is Outcome.CONFLICT

    deployments.take_over(deployment=deployment, by=BY, note="the limit is ours")
    assert bench.run(deployment) is Outcome.APPLIED

    limits = bench.live()["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]
    assert limits["memory"] == "1Gi"
    assert bench.state(deployment).conflict == []
    grab_memory(bench, "5Gi")
    bench.edit(deployment, run=False, model_version="3")
    assert bench.run(deployment) is Outcome.CONFLICT


def set_level(bench: Bench) -> None:
    """Somebody runs `kubectl set env`."""
    container = {"name": "model", **bench.live()["spec"]["template"]["spec"]["containers"][0]}
    for entry in container["env"]:
        entry |= {"value": "debug"} if entry["name"] == "LOG_LEVEL" else {}
    bench.eyes.patch("Deployment", "ranker", {"spec": {"template": {"spec": {"containers": [container]}}}})


def set_surge(bench: Bench) -> None:
    bench.eyes.patch("Deployment", "ranker", {"spec": {"strategy": {"rollingUpdate": {"maxSurge": 3}}}})


LEFT: dict[str, tuple[Callable[[Bench], None], dict[str, Any], str]] = {
    "a value beside a reference": (
        set_level,
        {"env": (), "env_refs": (EnvRef("LOG_LEVEL", "config_map", "site", "level"),)},
        "spec.template.spec.containers[model].env[LOG_LEVEL].value",
    ),
    "steps beside Recreate": (set_surge, {"strategy": Recreate()}, "spec.strategy.rollingUpdate.maxSurge"),
}


@pytest.mark.parametrize("case", LEFT)
def test_what_others_keep_of_what_is_given_up_is_named_and_taken_over(bench: Bench, case: str) -> None:
    by_hand, fields, path = LEFT[case]
    deployment = bench.create(env=(("LOG_LEVEL", "info"),))
    by_hand(bench)
    spec = factories.make_spec(**({"env": (("LOG_LEVEL", "info"),)} | fields))
    proposal = factories.edit(deployment, author=bench.author, spec=spec)
    dryrun.answer(str(proposal.pk))
    proposal.refresh_from_db()
    (row,) = DryRun.from_json(proposal.verdict).left
    assert (row.path, row.manager) == (path, "kubectl-edit")

    bench.edit(deployment, run=False, **({"env": (("LOG_LEVEL", "info"),)} | fields))
    assert bench.run(deployment) is Outcome.CONFLICT
    assert [item.path for item in bench.state(deployment).conflicts] == [path]

    deployments.take_over(deployment=deployment, by=BY, note="ours")
    assert bench.run(deployment) is Outcome.APPLIED
    live = bench.live()
    assert not live["spec"].get("paused")
    assert path not in flatten(live)
    assert bench.run(deployment) is Outcome.COMPARED
    assert bench.state(deployment).drift == []


def test_drift_is_reported_and_left(bench: Bench) -> None:
    deployment = bench.create()
    grab_memory(bench)
    bench.eyes.scale("ranker", 3)

    assert bench.run(deployment) is Outcome.COMPARED

    drift = {row["path"]: row for row in bench.state(deployment).drift}
    memory = drift["Deployment.spec.template.spec.containers[model].resources.limits.memory"]
    assert (memory["live"], memory["desired"], memory["manager"]) == ("3Gi", "1Gi", "kubectl-edit")
    assert (drift["Deployment.spec.replicas"]["live"], drift["Deployment.spec.replicas"]["desired"]) == (3, 1)
    assert bench.live()["spec"]["replicas"] == 3


def test_no_drift_on_what_we_applied(bench: Bench) -> None:
    deployment = bench.create(replicas=Fixed(2), env=(("A", "1"),), ingress_host="ranker.example.org")

    assert bench.run(deployment) is Outcome.COMPARED

    assert bench.state(deployment).drift == []


def test_a_writer_with_an_old_version_is_refused(bench: Bench) -> None:
    deployment = bench.create()
    job = load(deployment.pk)
    assert job is not None
    stale = bench.live()
    bench.edit(deployment, model_version="2")

    gateway = connect(bench.place.cluster)
    body: dict[str, Any] = job.rendered().deployment
    body["metadata"]["resourceVersion"] = stale["metadata"]["resourceVersion"]
    with pytest.raises(Conflict):
        gateway.apply(job.sealed(body), manager="barista-config", force=True)
    assert bench.live()["metadata"]["annotations"]["barista.io/revision"] == "2"


def test_a_writer_that_stalled_finds_that_it_is_late(bench: Bench) -> None:
    deployment = bench.create()
    stalled = load(deployment.pk)
    assert stalled is not None
    bench.edit(deployment, model_version="2")

    with pytest.raises(Superseded):
        steps.apply(connect(bench.place.cluster), stalled)

    assert bench.live()["metadata"]["annotations"]["barista.io/revision"] == "2"


def test_a_worker_that_dies_again_and_again_is_parked(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    deployment = bench.create()
    bench.edit(deployment, run=False, model_version="2")

    class Killed(BaseException):
        """Stands for SIGKILL: nothing after it runs, nothing is recorded."""

    def die(*args: object, **kwargs: object) -> None:
        raise Killed

    monkeypatch.setattr(loop, "apply", die)
    runs = 0
    for _ in range(8):
        try:
            outcome = bench.run(deployment)
        except Killed:
            runs += 1
            continue
        assert outcome is Outcome.PARKED
    assert runs == 4
    assert bench.state(deployment).phase == Phase.PARKED
    monkeypatch.undo()
    monkeypatch.setattr("baristaweb.lib.queue.nudge", lambda *args: True)

    assert bench.run(deployment) is Outcome.PARKED
    deployments.try_now(deployment=deployment, by=BY)
    assert bench.run(deployment) is Outcome.APPLIED


def test_a_mistake_of_ours_backs_off_and_is_shown(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    deployment = bench.create()
    bench.edit(deployment, run=False, model_version="2")
    monkeypatch.setattr(loop, "apply", lambda *args: 1 / 0)

    assert bench.run(deployment) is Outcome.DEFERRED

    state = bench.state(deployment)
    assert (state.last_error_class, state.failures, state.starts) == ("internal", 1, 0)


@pytest.mark.django_db(transaction=True, databases=["default", "locks"])
def test_without_the_lock_the_order_still_holds(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lock saves work; what keeps an old intent from winning is the fence."""

    @contextmanager
    def no_lock(deployment_id: int) -> Iterator[bool]:
        yield True

    monkeypatch.setattr(loop, "deployment_lock", no_lock)
    deployment = bench.create()
    applied: list[int] = []
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            reconcile.one(deployment.pk)
        connections.close_all()

    def look() -> None:
        while not stop.is_set():
            applied.append(int(bench.live()["metadata"]["annotations"]["barista.io/generation"]))

    threads = [threading.Thread(target=work) for _ in range(3)] + [threading.Thread(target=look)]
    for thread in threads:
        thread.start()
    for number in range(2, 14):
        bench.edit(deployment, run=False, model_version=str(number))
    stop.wait(1.0)
    stop.set()
    for thread in threads:
        thread.join(30)
    DeploymentState.objects.filter(pk=deployment.pk).update(starts=0)
    bench.run(deployment)

    assert applied == sorted(applied)
    assert bench.live()["metadata"]["annotations"]["barista.io/generation"] == "13"
    env = bench.live()["spec"]["template"]["spec"]["containers"][0]
    assert bench.state(deployment).observed_generation == 13, env
