"""What quotas leave for one deployment."""

from __future__ import annotations

from typing import Any

import pytest

from deployments.domain.apiserver.quota import Quota, left_of

MIB = 2**20


def quota(hard: dict[str, str], used: dict[str, str], **spec: Any) -> dict[str, Any]:
    return {"spec": {"hard": hard} | spec, "status": {"hard": hard, "used": used}}


def live(pods: int) -> dict[str, Any]:
    resources = {"requests": {"cpu": "500m", "memory": "1Gi"}, "limits": {"memory": "2Gi", "nvidia.com/gpu": "1"}}
    template = {"spec": {"containers": [{"name": "model", "resources": resources}]}}
    return {"spec": {"template": template}, "status": {"replicas": pods}}


def test_nothing_limits() -> None:
    assert left_of([], live(3)) == Quota()


def test_what_is_left() -> None:
    hard = {"requests.cpu": "4", "memory": "10Gi", "requests.nvidia.com/gpu": "2", "pods": "10", "limits.cpu": "8"}
    used = {"requests.cpu": "1500m", "memory": "4Gi", "pods": "4"}
    expected = Quota(cpu=2500, cpu_limit=8000, memory=6 * 1024 * MIB, gpus=2, pods=6)
    assert left_of([quota(hard, used)], None) == expected


def test_own_pods_are_given_back() -> None:
    hard = {"requests.cpu": "4", "limits.memory": "8Gi", "requests.nvidia.com/gpu": "2", "count/pods": "3"}
    used = {"requests.cpu": "4", "limits.memory": "6Gi", "requests.nvidia.com/gpu": "2", "count/pods": "3"}
    found = left_of([quota(hard, used)], live(2))
    assert found == Quota(cpu=1000, memory_limit=6 * 1024 * MIB, gpus=2, pods=2)


def test_the_tightest_counts_and_none_goes_below_nothing() -> None:
    wide, tight = quota({"pods": "10"}, {"pods": "1"}), quota({"pods": "3"}, {"pods": "5"})
    assert left_of([wide, tight], None) == Quota(pods=0)


@pytest.mark.parametrize(
    ("spec", "counts"),
    [
        ({"scopes": ["NotTerminating"]}, True),
        ({"scopes": ["BestEffort"]}, False),
        ({"scopes": ["Terminating", "NotBestEffort"]}, False),
        ({"scopeSelector": {"matchExpressions": []}}, True),
        ({"scopeSelector": {"matchExpressions": [{"scopeName": "PriorityClass", "operator": "Exists"}]}}, False),
    ],
)
def test_quotas_for_other_pods(spec: dict[str, Any], counts: bool) -> None:
    found = left_of([quota({"pods": "3"}, {"pods": "1"}, **spec)], None)
    assert found.pods == (2 if counts else None)


@pytest.mark.parametrize("broken", [{}, {"spec": None, "status": "x"}, {"status": {"hard": {"pods": 3}}}])
def test_what_is_no_quota_is_survived(broken: dict[str, Any]) -> None:
    assert left_of([broken], {"status": {"replicas": "many"}}).cpu is None


def test_stored_and_read_back() -> None:
    found = Quota(cpu=1, pods=0)
    assert Quota.from_json(found.to_json()) == found
    assert Quota.from_json({"pods": "x", "more": 1}) == Quota(pods=0)
    assert Quota.from_json(None) == Quota()
