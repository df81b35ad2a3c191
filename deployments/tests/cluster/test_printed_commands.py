"""Every kubectl line that a page prints does what the page does, or only looks."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from deployments.actions import deployments as actions
from deployments.audit import Actor
from deployments.domain.gke.remedies import workload_identity
from deployments.domain.gke.rights import READER, WRITER, Right, Rules, each, reader_yaml, writer_yaml
from deployments.domain.hints import kubectl
from deployments.models import Deployment
from deployments.tests.cluster.conftest import Bench, wait_until
from deployments.views.verbs import VERBS
from embedded.kubernetes.api import Api

pytestmark = [pytest.mark.cluster, pytest.mark.django_db(databases=["default", "locks"])]


def run(line: str) -> str:
    """What the line prints, run as an administrator of the test's plane."""
    words = shlex.split(line)
    assert words[0] == "kubectl"
    assets = os.environ.get("KUBEBUILDER_ASSETS", "")
    found = shutil.which("kubectl", path=os.pathsep.join(filter(None, (assets, os.environ.get("PATH")))))
    if found is None:
        pytest.skip("there is no kubectl on the path")
    admin = os.environ["BARISTA_TEST_ADMIN_KUBECONFIG"]
    done = subprocess.run(
        [found, "--kubeconfig", admin, *words[1:]], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def where(bench: Bench) -> dict[str, str]:
    return {"name": "ranker", "namespace": bench.eyes.namespace}


def settings(bench: Bench) -> tuple[Any, Any]:
    """The pod template without annotations, and the number of pods."""
    spec = bench.live()["spec"]
    template = {**spec["template"], "metadata": {"labels": spec["template"]["metadata"]["labels"]}}
    return template, spec["replicas"]


def pods(bench: Bench) -> set[str]:
    return {pod["metadata"]["uid"] for pod in bench.eyes.list("Pod") if "deletionTimestamp" not in pod["metadata"]}


@pytest.mark.parametrize("by_hand", [True, False])
def test_restarting_by_hand_and_on_the_page_replaces_the_pods_and_nothing_else(bench: Bench, by_hand: bool) -> None:
    deployment = bench.create()
    wait_until(lambda: pods(bench), what="a pod")
    before, started = settings(bench), pods(bench)
    if by_hand:
        run(kubectl.restart(**where(bench)))
    else:
        fresh = Deployment.objects.related().get(pk=deployment.pk)
        actions.restart(deployment=fresh, by=Actor.as_user(bench.author), note="")
        bench.run(deployment)

    wait_until(lambda: (now := pods(bench)) and not now & started, what="other pods")
    assert settings(bench) == before
    bench.edit(deployment, model_version="7")
    assert settings(bench)[1] == before[1]
    assert bench.state(deployment).phase == "applied"


@pytest.mark.parametrize("line", [kubectl.describe, kubectl.show])
def test_lines_that_look_print_the_deployment_and_change_nothing(bench: Bench, line: Any) -> None:
    bench.create()
    before = bench.live()["metadata"]["generation"]
    assert "ranker" in run(line(**where(bench)))
    assert bench.live()["metadata"]["generation"] == before


def may(api: Api, user: str, namespace: str, right: Right) -> bool:
    """Whether the user has the right, by the plane's own answer: can-i asks only for kinds that it knows."""
    asked = {"group": right.group, "resource": right.resource, "subresource": right.subresource, "verb": right.verb}
    spec = {"user": user, "resourceAttributes": asked | {"namespace": namespace}}
    answer = api.call("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", {"spec": spec})
    return answer["status"].get("allowed") is True


@pytest.mark.parametrize(("rules", "text"), [(READER, reader_yaml), (WRITER, writer_yaml)])
def test_printed_yaml_gives_the_rights_that_are_asked_for(
    bench: Bench, admin_api: Api, tmp_path: Path, rules: Rules, text: Any
) -> None:
    namespace = bench.eyes.namespace
    user = f"{namespace}@acme-models.iam.gserviceaccount.com"
    assert not any(may(admin_api, user, namespace, right) for right in list(each(rules))[:2])
    file = tmp_path / "rights.yaml"
    file.write_text(text(user) if rules is READER else text(user, [namespace]))
    # By the server, so that no annotation of kubectl stays on roles that other tests apply too.
    run(f"kubectl apply --server-side --force-conflicts -f {file}")

    lacking = [str(right) for right in each(rules) if not may(admin_api, user, namespace, right)]

    assert lacking == []
    if rules is WRITER:
        assert not may(admin_api, user, "default", next(each(rules))), "and nowhere else"


def test_the_account_of_workers_is_annotated_as_printed(bench: Bench) -> None:
    namespace = bench.eyes.namespace
    run(f"kubectl create serviceaccount barista -n {namespace}")
    account = "barista@acme-models.iam.gserviceaccount.com"
    lines = workload_identity("acme-models", account=account, namespace=namespace)
    (line,) = [line for line in lines if line.startswith("kubectl")]
    run(line)
    path = "{.metadata.annotations.iam\\.gke\\.io/gcp-service-account}"
    assert run(f"kubectl get serviceaccount barista -n {namespace} -o 'jsonpath={path}'") == account


def test_no_other_line_is_printed(bench: Bench) -> None:
    deployment = Deployment.objects.related().get(pk=bench.create().pk)
    printed = {verb.name: said for verb in VERBS if (said := verb.words(deployment).kubectl)}
    assert printed.keys() == {"restart"}
    templates = [path for path in Path("templates").rglob("*.html") if "kubectl -" in path.read_text()]
    assert not templates
    sources = [path for app in ("deployments", "observability") for path in Path(app).rglob("*.py")]
    begins = re.compile(r"""["'](?:kubectl|gcloud) [a-z]""")
    writes = {str(path) for path in sources if "tests" not in path.parts and begins.search(path.read_text())}
    assert writes == {"deployments/domain/gke/remedies.py", "deployments/domain/hints/kubectl.py"}
