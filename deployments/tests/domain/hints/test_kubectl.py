import shlex

import pytest

from deployments.domain.hints import kubectl


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (kubectl.restart("ranker", "search-dev"), "kubectl -n search-dev rollout restart deployment/ranker"),
        (
            kubectl.describe("ranker", "search-dev", context="gke_one"),
            "kubectl --context gke_one -n search-dev describe deployment/ranker",
        ),
        (
            kubectl.show("ranker", "search-dev"),
            "kubectl -n search-dev get deployment/ranker -o yaml --show-managed-fields",
        ),
    ],
)
def test_lines(line: str, expected: str) -> None:
    assert line == expected


def test_hostile_names_stay_one_word() -> None:
    line = kubectl.show("a; rm -rf /", "b $(id)", context="c'd")
    assert shlex.split(line)[:6] == ["kubectl", "--context", "c'd", "-n", "b $(id)", "get"]
    assert shlex.split(line)[6] == "deployment/a; rm -rf /"
