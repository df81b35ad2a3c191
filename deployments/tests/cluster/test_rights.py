"""The Role is what the product uses: everything it does is allowed, and everything it may do it does."""

from __future__ import annotations

from typing import Any

import pytest

from deployments import breaker, dryrun, podlogs
from deployments.actions import deployments, logs
from deployments.audit import Actor
from deployments.domain.spec.parts import Autoscale, Budget, Fixed
from deployments.kube.api import RESOURCES
from deployments.kube.client import KubernetesGateway
from deployments.observe import ClusterWatcher
from deployments.reconcile import Outcome, loop
from deployments.reconcile.job import load
from deployments.tests import factories
from deployments.tests.cluster.conftest import Bench, wait_until
from embedded.kubernetes.api import read_manifests

pytestmark = [pytest.mark.cluster, pytest.mark.django_db(transaction=True, databases=["default", "locks"])]

Right = tuple[str, str, str]
VERBS = {"PATCH": "patch", "PUT": "update", "POST": "create", "DELETE": "delete"}


def granted() -> set[Right]:
    """API group, resource and verb of every rule."""
    roles = [entry for entry in read_manifests("rbac.yaml") if entry["kind"] == "ClusterRole"]
    rules = [rule for role in roles for rule in role["rules"]]
    return {
        (group, resource, verb)
        for rule in rules
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def right_of(method: str, path: str, query: list[tuple[str, str]]) -> Right | None:
    """What a request needs, as the apiserver reads it; None for addresses that are no resources."""
    for resource in RESOURCES.values():
        if not path.startswith(f"{resource.prefix}/"):
            continue
        parts = path.removeprefix(f"{resource.prefix}/").split("/")
        rest = parts[2:] if parts[0] == "namespaces" and len(parts) > 2 else parts
        group = resource.prefix.split("/")[2] if resource.prefix.startswith("/apis/") else ""
        name = "/".join([rest[0], *rest[2:]])
        if method == "GET":
            many = "watch" if ("watch", "true") in query else "list"
            return group, name, many if len(rest) == 1 else "get"
        return group, name, VERBS[method]
    return None


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> tuple[set[Right], set[Right]]:
    """What was asked for and given, and what was refused."""
    found: set[Right] = set()
    refused: set[Right] = set()
    send = KubernetesGateway._send

    def spy(self: KubernetesGateway, verb: str, path: str, query: list[tuple[str, str]], *rest: Any) -> Any:
        response = send(self, verb, path, query, *rest)
        right = right_of(verb, path, query)
        if right is not None:
            (refused if response.status in (401, 403) else found).add(right)
            # An apply of what is not there yet needs both.
            if right[2] == "patch" and response.status == 201:
                found.add((*right[:2], "create"))
        return response

    monkeypatch.setattr(KubernetesGateway, "_send", spy)
    return found, refused


def test_everything_is_used_and_nothing_else_is_granted(bench: Bench, asked: tuple[set[Right], set[Right]]) -> None:
    used, refused = asked
    by = Actor.system("tests")
    proposal = factories.make_proposal(author=bench.author, namespace=bench.place)
    dryrun.answer(str(proposal.pk))
    watcher = ClusterWatcher(bench.place.cluster)
    watcher.start()
    try:
        deployment = bench.create(
            replicas=Autoscale(min=2, max=3), ingress_host="ranker.example.org", budget=Budget(max_unavailable=1)
        )
        wait_until(lambda: bench.live()["status"].get("readyReplicas") == 2, what="readiness")
        request = logs.request(deployment=deployment, by=bench.author)
        podlogs.answer(str(request.pk))
        bench.edit(deployment, replicas=Fixed(1), service=None)
        assert bench.run(deployment) is Outcome.COMPARED
        breaker.probe(bench.place.cluster)
        job = load(deployment.pk)
        assert job is not None
        assert loop._said_of_namespace(job) is None
        wait_until(lambda: ("metrics.k8s.io", "pods", "list") in used, what="a look at the figures")
        wait_until(lambda: ("", "events", "watch") in used, what="the watch of events")
        deployments.retire(deployment=deployment, by=by, note="old")
        wait_until(lambda: bench.run(deployment) is Outcome.RETIRED, what="retirement")
    finally:
        watcher.stop()

    assert refused == set()
    assert used - granted() == set()
    assert granted() - used == set()
