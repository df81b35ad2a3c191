"""The fleet page with 5,000 deployments, beside kubectl listing as many in the same run. A stack of its own, 2 minutes.

BARISTA_BENCH_FLEET makes it smaller for trying it out. Time is the server's, without the network (see fleet_site.py).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.apply import kubectl_at, ratio, row, timed
from benchmarks.measure import ROOT
from embedded.kubernetes.api import Api
from embedded.testing import TestStack, new_namespace, remove_namespace, start_test_stack

COUNT = int(os.environ.get("BARISTA_BENCH_FLEET", "5000"))
TIMES = 20


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="barista-bench-") as folder:
        stack = start_test_stack(Path(folder), metrics=False, say=lambda who, what: None)
        try:
            _measure(stack)
        finally:
            stack.stop()


def _measure(stack: TestStack) -> None:
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "baristaweb.tests.settings",
        "BARISTA_TEST_APP_URL": stack.app_url,
        "BARISTA_TEST_OWNER_URL": stack.owner_url,
        "BARISTA_TEST_REDIS_URL": stack.redis_url,
    }
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "--database=owner", "--verbosity=0"], cwd=ROOT, check=True, timeout=120
    )
    namespace = new_namespace(stack.admin_kubeconfig, "bench")
    view = _in_the_cluster(Api(stack.admin_kubeconfig), namespace)
    job = [sys.executable, "-m", "benchmarks.fleet_site", str(COUNT), str(TIMES)]
    done = subprocess.run(job, cwd=ROOT, check=True, input=json.dumps(view), stdout=subprocess.PIPE, text=True)
    times: dict[str, list[float]] = json.loads(done.stdout)
    print(f"\nThe list of {COUNT:,} deployments")
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
