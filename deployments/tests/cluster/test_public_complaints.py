"""What people complained of in tools of this kind, acted out on the plane: the page has to say how it is.

Each names the public report that it follows.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest
from bs4 import BeautifulSoup
from django.test import Client
from django.urls import reverse

from deployments.domain.spec.parts import Autoscale, Budget, Fixed, Resources
from deployments.domain.status.states import State
from deployments.models import Cluster, Deployment, Observation
from deployments.observe import ClusterWatcher
from deployments.tests import factories
from deployments.tests.cluster.conftest import MERGE, Bench, wait_until
from embedded.kubernetes.api import Api

pytestmark = [pytest.mark.cluster, pytest.mark.django_db(transaction=True, databases=["default", "locks"])]


@pytest.fixture(autouse=True)
def watcher(live_cluster: Cluster) -> Iterator[ClusterWatcher]:
    factories.make_registry_rules("ghcr.io/acme", "registry.invalid/acme")
    watcher = ClusterWatcher(live_cluster)
    watcher.start()
    yield watcher
    watcher.stop()


def started(bench: Bench, **fields: Any) -> Deployment:
    """A deployment that is seen with all its pods ready."""
    deployment = bench.create(**fields)
    seen_as(deployment, State.RUNNING)
    return deployment


def seen_as(deployment: Deployment, state: State) -> None:
    wait_until(lambda: Observation.objects.get(pk=deployment.pk).state == state, what=state.label)


def page(bench: Bench, deployment: Deployment) -> str:
    client = Client(headers={"host": "localhost"})
    client.force_login(bench.author)
    answer = client.get(reverse("deployment-detail", args=[Deployment.objects.get(pk=deployment.pk).slug]))
    return " ".join(BeautifulSoup(answer.content, "html.parser").text.split())


def says(bench: Bench, deployment: Deployment, *words: str) -> str:
    """Wait until the page says all of it."""
    said = [""]

    def is_said() -> bool:
        said[0] = page(bench, deployment)
        return all(word in said[0] for word in words)

    with contextlib.suppress(AssertionError):
        wait_until(is_said)
    seen = Observation.objects.get(pk=deployment.pk)
    assert is_said(), (words, seen.sentence, seen.why, said[0][:3000])
    return said[0]


def pod_of(bench: Bench) -> dict[str, Any]:
    return next(pod for pod in bench.eyes.list("Pod") if "deletionTimestamp" not in pod["metadata"])


def set_status(bench: Bench, name: str, change: Callable[[dict[str, Any]], None]) -> None:
    """As a kubelet or the node controller writes it."""
    found = bench.eyes.get("Pod", name)
    assert found is not None
    change(found["status"])
    path = f"{bench.eyes.path('Pod', name)}/status"
    body = orjson.dumps({"status": found["status"]})
    bench.eyes.gateway._object("PATCH", path, [("fieldManager", "kubelet")], body, MERGE)


def set_ready(status: dict[str, Any], word: str) -> None:
    for item in status["conditions"]:
        if item["type"] in ("Ready", "ContainersReady"):
            item["status"] = word


def test_an_image_that_is_not_pulled_beside_pods_that_serve(bench: Bench) -> None:
    """argoproj/argo-cd#11473, confighub/cub-scout#250: healthy, with pods in ImagePullBackOff."""
    deployment = started(bench, replicas=Fixed(2))
    bench.edit(deployment, replicas=Fixed(2), image_override="registry.invalid/acme/ranker:2")
    said = says(bench, deployment, "Revision 2 does not start. The pods before it keep serving: 2 of 2")
    assert "Image not pulled" in said
    assert "the registry does not know it" in said


def test_an_init_container_that_crashes_after_the_model_was_ready(bench: Bench) -> None:
    """kserve/kserve#1859, #2037: ready for weeks, while the pod is in Init:CrashLoopBackOff."""
    deployment = started(bench)

    def break_it(status: dict[str, Any]) -> None:
        set_ready(status, "False")
        last = {"exitCode": 1, "reason": "Error", "message": "no such bucket"}
        crash = {"waiting": {"reason": "CrashLoopBackOff"}}
        failing = {"name": "storage-initializer", "image": "a", "imageID": "", "ready": False, "restartCount": 94}
        status["initContainerStatuses"] = [failing | {"state": crash, "lastState": {"terminated": last}}]

    set_status(bench, pod_of(bench)["metadata"]["name"], break_it)
    said = says(bench, deployment, "Nothing serves: 0 of 1 ready.", "storage-initializer")
    assert "no such bucket" in said


def test_more_than_any_node_has(bench: Bench) -> None:
    """argoproj/argo-cd#1652: not enough hardware, and no error."""
    huge = Resources(cpu_request=900_000, cpu_limit=None, memory_request=1 << 30, memory_limit=1 << 30, gpu_count=0)
    deployment = bench.create(profile=None, resources=huge)
    said = says(bench, deployment, "Nothing serves: 0 of 1 ready.", "No node fits")
    assert "Insufficient cpu" in said


def test_a_pod_that_ends_is_said_to_end(bench: Bench) -> None:
    """lensapp/lens#254, #1893: a pod that terminates is shown as running, or as being created."""
    deployment = started(bench)
    name = pod_of(bench)["metadata"]["name"]
    bench.eyes.patch("Pod", name, {"metadata": {"finalizers": ["acme.com/backup"]}})
    bench.eyes.delete("Pod", name)
    said = says(bench, deployment, "Its pod is ready.", "Is ending.", name)
    bench.eyes.patch("Pod", name, {"metadata": {"finalizers": None}})
    assert "1 of 2 ready" in said


def test_a_node_that_stops_reporting(bench: Bench) -> None:
    """lensapp/lens#8225: running, while nobody knows how the pod is."""
    deployment = started(bench)
    set_status(bench, pod_of(bench)["metadata"]["name"], lambda status: set_ready(status, "Unknown"))
    says(bench, deployment, "No pod is ready any more: nothing serves.", "has stopped reporting")


def test_a_service_that_somebody_pointed_elsewhere(bench: Bench) -> None:
    """argoproj/argo-cd#146: healthy without an endpoint."""
    deployment = started(bench)
    bench.eyes.patch("Service", "ranker", {"spec": {"selector": {"app": "other"}}})
    said = says(bench, deployment, "Nothing reaches it: its Service sends requests to none of its pods.")
    assert "app=other" in said


def test_a_pause_of_somebody_else_over_a_broken_image(bench: Bench) -> None:
    """argoproj/argo-cd#10419: suspended, while what is active does not serve."""
    deployment = bench.create(image_override="ghcr.io/acme/ranker:1-crash")
    seen_as(deployment, State.CRASH_LOOPING)
    bench.eyes.patch("Deployment", "ranker", {"spec": {"paused": True}})
    says(bench, deployment, "Nothing serves: 0 of 1", "The rollout is paused in the cluster, not by Barista")


def test_a_job_of_somebody_else_that_gets_requests(bench: Bench) -> None:
    """kubernetes-sigs/headlamp#4905 and others: pods of Jobs counted with those of a workload."""
    deployment = started(bench)
    own = pod_of(bench)
    maps = f"/api/v1/namespaces/{bench.eyes.namespace}/configmaps"
    owner = bench.eyes.api.call("POST", maps, {"metadata": {"name": "job"}})["metadata"]
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "job", "uid": owner["uid"], "controller": True}
    labels = {key: value for key, value in own["metadata"]["labels"].items() if key != "pod-template-hash"}
    spec = {key: own["spec"][key] for key in ("containers", "securityContext", "nodeName") if key in own["spec"]}
    spec["containers"] = [{**spec["containers"][0], "volumeMounts": []}]
    metadata = {"name": "nightly-1", "labels": labels, "ownerReferences": [reference]}
    bench.eyes.create("Pod", {"metadata": metadata, "spec": spec})
    said = says(bench, deployment, "Its Service sends requests to a pod that is not its own too.")
    assert "nightly-1 carries its label" in said


def test_an_autoscaler_that_has_had_no_figures_for_a_moment(bench: Bench) -> None:
    """argoproj/argo-cd#6287, #28522: degraded in each rollout, because new pods have no figures yet."""
    deployment = bench.create(replicas=Autoscale(min=1, max=3))
    wait_until(lambda: bench.live("HorizontalPodAutoscaler").get("status", {}).get("conditions"), what="a condition")
    seen_as(deployment, State.RUNNING)
    assert "Its pod is ready." in page(bench, deployment)


def test_a_disruption_budget_that_lets_nobody_leave(bench: Bench) -> None:
    """argoproj/argo-cd#24563: a budget that cannot be kept is green. It serves, and its review says what it costs."""
    deployment = started(bench)
    spec = factories.make_spec(budget=Budget(min_available=1))
    proposal = factories.edit(deployment, author=bench.author, spec=spec)
    client = Client(headers={"host": "localhost"})
    client.force_login(bench.author)
    said = client.get(reverse("deployment-review", args=[proposal.pk])).content.decode()
    assert "the disruption budget lets none leave: nodes cannot be drained" in said


def test_a_quota_that_is_reached_in_the_middle_of_a_rollout(bench: Bench, admin_api: Api) -> None:
    """SeldonIO/seldon-core#916: available, while the pods of the new version are forbidden by a quota."""
    deployment = started(bench, replicas=Fixed(2))
    quotas = f"/api/v1/namespaces/{bench.eyes.namespace}/resourcequotas"
    admin_api.call("POST", quotas, {"metadata": {"name": "few"}, "spec": {"hard": {"pods": "2"}}})
    # Until it has counted what runs it refuses nothing.
    wait_until(lambda: admin_api.call("GET", f"{quotas}/few")["status"].get("used") == {"pods": "2"}, what="counted")

    bench.edit(deployment, replicas=Fixed(2), image_override="ghcr.io/acme/ranker:2")
    said = says(bench, deployment, "It serves, 2 of 2 ready: the cluster refuses to create more")
    assert "exceeded quota: few" in said
