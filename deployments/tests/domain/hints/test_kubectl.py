import shlex

import pytest

from deployments.domain.hints import kubectl
from deployments.domain.spec.parts import Autoscale, Fixed
from deployments.tests.domain.examples import make_spec


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            kubectl.scale("ranker", "search-dev", make_spec(replicas=Fixed(3))),
            "kubectl -n search-dev scale deployment/ranker --replicas=3",
        ),
        (
            kubectl.scale("ranker", "search-dev", make_spec(replicas=Autoscale(2, 6, 70))),
            "kubectl -n search-dev autoscale deployment/ranker --min=2 --max=6 --cpu=70%",
        ),
        (kubectl.restart("ranker", "search-dev"), "kubectl -n search-dev rollout restart deployment/ranker"),
        (
            kubectl.logs("42", "search-dev", is_previous=True, since_s=300),
            "kubectl -n search-dev logs -l barista.io/deployment-id=42 --prefix --tail=500 --previous --since=300s",
        ),
        (kubectl.logs("42", "search-dev", pod="ranker-1"), "kubectl -n search-dev logs pod/ranker-1"),
        (
            kubectl.apply("ranker", "search-dev", context="gke_one"),
            "kubectl --context gke_one -n search-dev apply --server-side --field-manager=barista-config -f ranker.json",
        ),
        (
            kubectl.pods("42", "search-dev"),
            "kubectl -n search-dev get pods -l barista.io/deployment-id=42 -o wide",
        ),
    ],
)
def test_lines(line: str, expected: str) -> None:
    assert line == expected


def test_hostile_names_stay_one_word() -> None:
    line = kubectl.show("a; rm -rf /", "b $(id)", context="c'd")
    assert shlex.split(line)[:6] == ["kubectl", "--context", "c'd", "-n", "b $(id)", "get"]
    assert shlex.split(line)[6] == "deployment/a; rm -rf /"
