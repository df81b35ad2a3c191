"""The fleet page with 5,000 deployments, beside kubectl listing as many in the same run. A stack of its own, 2 minutes.

BARISTA_BENCH_FLEET makes it smaller for trying it out. One deployment is made by the product's own actions and copied
as the owner of the database, with the figures of real pods; time is the server's, without the network.
"""

from __future__ import annotations

import copy
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from embedded.kubernetes.api import Api
from embedded.testing import TestStack, new_namespace, remove_namespace, start_test_stack

from .apply import kubectl_at, ratio, row, timed
from .measure import ROOT

COUNT = int(os.environ.get("BARISTA_BENCH_FLEET", "5000"))
TIMES = 20
PATHS = {
    "first page, worst first": "/fleet/",
    "page 50": "/fleet/?page=50",
    "search for a name": "/fleet/?q=ranker-77",
    "production, by last change": "/fleet/?view=prod&sort=changed",
    "by use of CPU": "/fleet/?sort=cpu",
}
GUARDED = ("deployment", "revision")  # tables that refuse what no audit event tells of


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="barista-bench-") as folder:
        stack = start_test_stack(Path(folder), metrics=False, say=lambda who, what: None)
        try:
            _measure(stack, folder)
        finally:
            stack.stop()


def _measure(stack: TestStack, folder: str) -> None:
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "baristaweb.tests.settings",
        "BARISTA_HOME": folder,
        "BARISTA_TEST_APP_URL": stack.app_url,
        "BARISTA_TEST_OWNER_URL": stack.owner_url,
        "BARISTA_TEST_REDIS_URL": stack.redis_url,
    }
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "--database=owner", "--verbosity=0"], cwd=ROOT, check=True, timeout=120
    )
    namespace = new_namespace(stack.admin_kubeconfig, "bench")
    view = _in_the_cluster(Api(stack.admin_kubeconfig), namespace)
    get = _site(view)
    print(f"\nThe list of {COUNT:,} deployments")
    times = {name: timed(partial(get, path), TIMES) for name, path in PATHS.items()}
    listed = timed(lambda: kubectl_at(stack.admin_kubeconfig, "get", "deployments", "-n", namespace, "-o", "wide"), 10)
    for name, taken in times.items():
        row(f"Barista: {name}", taken)
    row("kubectl get deployments --output=wide, of one namespace", listed)
    ratio("first page", times["first page, worst first"], listed)
    remove_namespace(stack.admin_kubeconfig, namespace)


def _in_the_cluster(api: Api, namespace: str) -> dict[str, Any]:
    """As many Deployments there, one of them with pods; returns what is stored of that one."""
    root = f"/apis/apps/v1/namespaces/{namespace}/deployments"

    def make(number: int) -> None:
        labels = {"app": f"ranker-{number}"}
        # As the namespace demands of every pod.
        safe = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
        container = {"name": "model", "image": "docker.io/tensorflow/serving:2.16.1", "securityContext": safe}
        pod = {"securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}}
        body = {
            "metadata": {"name": f"ranker-{number}", "labels": labels},
            "spec": {
                "replicas": 2 if number == 0 else 0,
                "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": {**pod, "containers": [container]}},
            },
        }
        api.call("POST", root, {"apiVersion": "apps/v1", "kind": "Deployment", **body})

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(make, range(COUNT)))
    deadline = time.monotonic() + 120
    while api.call("GET", f"{root}/ranker-0")["status"].get("readyReplicas") != 2:
        if time.monotonic() > deadline:
            sys.exit("The pods of ranker-0 did not become ready.")
        time.sleep(0.5)
    pods = api.call("GET", f"/api/v1/namespaces/{namespace}/pods?labelSelector=app%3Dranker-0")["items"]
    sets = api.call("GET", f"/apis/apps/v1/namespaces/{namespace}/replicasets?labelSelector=app%3Dranker-0")["items"]
    usage = {pod["metadata"]["name"]: {"cpu_m": 300, "memory_b": 700 << 20} for pod in pods}
    found = {"deployment": api.call("GET", f"{root}/ranker-0"), "pods": pods, "replicasets": sets, "usage": usage}
    for item in (found["deployment"], *pods, *sets):
        item["metadata"].pop("managedFields", None)
    return found


def _site(view: dict[str, Any]) -> Callable[[str], None]:
    """The site with as many rows; returns what asks it for a page, as somebody who sees all of them."""
    import django

    django.setup()
    from django.test import Client

    from deployments.models import Deployment, DeploymentState, Observation, Revision
    from deployments.tests import factories

    admin = factories.make_user("platform", is_platform_admin=True)
    team, cluster = factories.make_team(), factories.make_cluster()
    places = [factories.make_namespace(team=team, cluster=cluster, environment=name) for name in ("dev", "prod")]
    first = factories.make_deployment(author=admin, namespace=places[0], name="ranker-first")
    revision = Revision.objects.get(deployment=first)
    states = ("running", "running", "running", "asleep", "rolling-out", "crash-looping")
    rows, revisions, machine, seen = [], [], [], []
    for number in range(1, COUNT):
        row, one = copy.copy(first), copy.copy(revision)
        row.pk, one.pk = first.pk + number, revision.pk + number
        row.namespace, row.name = places[number % 2], f"ranker-{number}"
        row.slug, row.current_id = f"{row.namespace.name}.{row.name}", None
        one.deployment_id, one.proposal_id = row.pk, None
        state = states[number % len(states)]
        rows.append(row)
        revisions.append(one)
        machine.append(DeploymentState(deployment_id=row.pk, phase="applied", observed_generation=row.generation))
        seen.append(Observation(deployment_id=row.pk, observed_at=row.changed_at, state=state, view=view, desired=2))
    _copy({Deployment: rows, Revision: revisions, DeploymentState: machine, Observation: seen}, revision.pk - first.pk)
    client = Client(headers={"host": "localhost"})
    client.force_login(admin)

    def get(path: str) -> None:
        answer = client.get(path)
        if answer.status_code != 200:
            raise RuntimeError(f"{path}: {answer.status_code}")

    return get


def _copy(tables: dict[Any, list[Any]], ahead: int) -> None:
    """Insert as the owner, past the audit. The keys of revisions are `ahead` of those of their deployments."""
    from django.db import connections

    with connections["owner"].cursor() as cursor:
        for name in GUARDED:
            cursor.execute(f"ALTER TABLE deployments_{name} DISABLE TRIGGER USER")
        for table, rows in tables.items():
            table._default_manager.using("owner").bulk_create(rows, batch_size=500)
        cursor.execute("UPDATE deployments_deployment SET current_id = id + %s WHERE current_id IS NULL", [ahead])
        cursor.execute("ANALYZE")
