"""From save to applied, and the fleet page, beside kubectl doing the same on the same cluster in the same run.

Needs a running demo (`make demo`; PORT and BARISTA_HOME as for it). Makes one deployment, edits it, and retires it.
"""

from __future__ import annotations

import http.cookiejar
import json
import os
import re
import statistics
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from embedded.demo_environ import environ
from embedded.kubernetes.build import Builder
from embedded.paths import LOOPBACK, Home, home_folder

EDITS = 40
PAGES = 40


def main() -> None:
    home = Home.open(home_folder())
    ours = _edits(home)
    theirs = _kubectl_edits(home)
    print(f"\nSave to applied, {EDITS} edits of one deployment, one after the other")
    row("Barista: save returns (revision, audit event, nudge)", [save for save, _ in ours])
    row("Barista: save until the cluster accepted it", [applied for _, applied in ours])
    row("kubectl apply --server-side, one process an edit", theirs)
    ratio("save to applied", [applied for _, applied in ours], theirs)
    pages = _fleet(home)
    listed = timed(lambda: _kubectl(home, "get", "deployments", "--all-namespaces", "--output=wide"), 15)
    print("\nThe list of all deployments")
    row("Barista: fleet page over HTTP", pages)
    row("kubectl get deployments --all-namespaces", listed)
    ratio("list", pages, listed)


def _edits(home: Home) -> list[tuple[float, float]]:
    """Seconds until the save returned, and until the cluster had accepted it; in a process of the product's own."""
    job = [sys.executable, "-m", "benchmarks.edits", str(EDITS)]
    done = subprocess.run(job, env=os.environ | environ(home), check=True, stdout=subprocess.PIPE, text=True)
    return [(saved, applied) for saved, applied in json.loads(done.stdout)]


def _kubectl(home: Home, *arguments: str, body: Any = None) -> None:
    kubectl_at(home.path / "kubernetes" / "admin.kubeconfig", *arguments, body=body)


def kubectl_at(config: Path, *arguments: str, body: Any = None) -> None:
    kubectl = Builder(report=lambda progress: None).ready()["kubectl"]
    text = json.dumps(body) if body is not None else None
    subprocess.run(
        [str(kubectl), "--kubeconfig", str(config), *arguments], input=text, text=True, check=True, capture_output=True
    )


def _kubectl_edits(home: Home) -> list[float]:
    times = []
    for number in range(EDITS):
        body = {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "bench-kubectl", "namespace": "default"},
            "spec": {
                "replicas": 1,
                "selector": {"matchLabels": {"app": "bench"}},
                "template": {
                    "metadata": {"labels": {"app": "bench"}},
                    "spec": {
                        "containers": [
                            {
                                "name": "model",
                                "image": "example.org/bench:1",
                                "env": [{"name": "N", "value": str(number)}],
                            }
                        ]
                    },
                },
            },
        }
        times += timed(partial(_kubectl, home, "apply", "--server-side", "-f", "-", body=body), 1)
    _kubectl(home, "delete", "deployment", "bench-kubectl", "--namespace=default", "--wait=false")
    return times


def _fleet(home: Home) -> list[float]:
    base = f"http://{LOOPBACK}:{os.environ.get('PORT', '8000')}"
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
    page = opener.open(base + "/login/").read().decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    if token is None:
        sys.exit("The login page has no form.")
    form = {"username": "editor", "password": home.secret("demo-password"), "csrfmiddlewaretoken": token[1]}
    answer = urllib.parse.urlencode(form).encode()
    opener.open(base + "/login/", answer)
    return timed(lambda: opener.open(base + "/fleet/").read(), PAGES)


def timed(work: Callable[[], Any], times: int) -> list[float]:
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return taken


def row(what: str, seconds: list[float]) -> None:
    ordered = sorted(seconds)
    p99 = ordered[min(len(ordered) - 1, round(0.99 * (len(ordered) - 1)))]
    name = f"{what:<56}"
    print(f"  {name} p50 {statistics.median(ordered) * 1000:7.0f} ms   p99 {p99 * 1000:7.0f} ms   n={len(ordered)}")


def ratio(what: str, ours: list[float], theirs: list[float]) -> None:
    print(f"  {what}: ours / kubectl, medians = {statistics.median(ours) / statistics.median(theirs):.2f}")
