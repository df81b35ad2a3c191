from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given

from deployments.domain.apiserver.quota import Quota
from deployments.domain.catalogue import Environment, Probe
from deployments.domain.changes.warnings import blocks_drains, review_warnings
from deployments.domain.spec.parts import Autoscale, Budget, Fixed, Recreate, Resources
from deployments.domain.spec.spec import Spec
from deployments.tests.domain.examples import ALLOWLIST, GIB, PROFILE, RUNTIME, make_spec, specs

PINNED = "registry.example.com/ml/tf@sha256:" + "a" * 64
CALM = make_spec(image_override=PINNED, replicas=Fixed(2))


def codes(spec: Spec, **changes: Any) -> set[str]:
    known: dict[str, Any] = {
        "environment": Environment.DEV,
        "runtime": RUNTIME,
        "profile": PROFILE,
        "allowlist": ALLOWLIST,
    }
    found = review_warnings(spec, **(known | changes))
    assert all(item.message.endswith(".") for item in found)
    return {item.code for item in found}


def test_nothing_to_say() -> None:
    assert codes(CALM, memory_used=4 * GIB, quota=Quota(cpu=100_000, memory=100 * GIB, gpus=8, pods=10)) == set()


@pytest.mark.parametrize(
    ("spec", "changes", "code"),
    [
        (CALM, {"environment": Environment.PROD}, "prod"),
        (replace(CALM, image_override=None), {}, "tag"),
        (replace(CALM, image_override="evil.com/x"), {}, "image-outside"),
        (replace(CALM, readiness=Probe(kind="off")), {}, "no-readiness"),
        (CALM, {"runtime": replace(RUNTIME, readiness=None)}, "no-readiness"),
        (replace(CALM, replicas=Fixed(1)), {"environment": Environment.PROD}, "single-replica"),
        (replace(CALM, replicas=Autoscale(1, 5)), {"environment": Environment.PROD}, "single-replica"),
        (replace(CALM, env=(("DB_PASSWORD", "x"),)), {}, "secret-name"),
        (replace(CALM, env=(("LEVEL", "info\u00a0"),)), {}, "unseen"),
        (replace(CALM, artifact_uri="gs://models/ranker/7", model_version="9"), {}, "version-mismatch"),
        (replace(CALM, artifact_uri="gs://models/ranker/v7/", model_version="1.7"), {}, "version-mismatch"),
        (replace(CALM, strategy=Recreate()), {"environment": Environment.PROD}, "outage"),
        (replace(CALM, budget=Budget(min_available=2)), {}, "budget-blocks"),
        (replace(CALM, progress_deadline_s=1), {}, "short-deadline"),
        (replace(CALM, env=(("DSN", "https://token@example.com/1"),)), {}, "credentials"),
        (CALM, {"memory_used": 9 * GIB}, "memory-below-use"),
        (CALM, {"memory_used": 15 * GIB // 2}, "memory-tight"),
        (CALM, {"quota": Quota(gpus=1)}, "quota"),
        (CALM, {"quota": Quota(cpu=3999)}, "quota"),
        (CALM, {"quota": Quota(memory=8 * GIB - 1)}, "quota"),
        (CALM, {"quota": Quota(memory_limit=8 * GIB - 1)}, "quota"),
        (replace(CALM, replicas=Autoscale(1, 5)), {"quota": Quota(pods=4)}, "quota"),
    ],
)
def test_said(spec: Spec, changes: dict[str, Any], code: str) -> None:
    assert code in codes(spec, **changes)


def test_one_replica_is_fine_in_development() -> None:
    assert "single-replica" not in codes(replace(CALM, replicas=Fixed(1)))


def test_own_numbers_are_named_as_the_field() -> None:
    own = Resources(cpu_request=100, memory_request=GIB, memory_limit=GIB)
    found = review_warnings(
        replace(CALM, profile=None, resources=own),
        environment=Environment.DEV,
        runtime=RUNTIME,
        profile=None,
        allowlist=ALLOWLIST,
        memory_used=2 * GIB,
    )
    assert [(item.code, item.path) for item in found] == [("memory-below-use", "resources.memory_limit")]


@pytest.mark.parametrize(
    ("budget", "replicas", "blocks"),
    [
        (Budget(min_available=1), 1, True),
        (Budget(min_available=1), 2, False),
        (Budget(min_available="100%"), 5, True),
        (Budget(min_available="50%"), 1, True),
        (Budget(min_available="50%"), 2, False),
        (Budget(min_available="51%"), 2, True),
        (Budget(max_unavailable=0), 5, True),
        (Budget(max_unavailable="0%"), 5, True),
        (Budget(max_unavailable="1%"), 5, False),
        (Budget(max_unavailable=1), 1, False),
    ],
)
def test_budgets_that_block_drains(budget: Budget, replicas: int, blocks: bool) -> None:
    assert blocks_drains(budget, replicas) is blocks


@given(specs())
def test_any_valid_spec_can_be_reviewed(spec: Spec) -> None:
    codes(spec, memory_used=GIB, quota=Quota(cpu=1, memory=1, gpus=0, pods=1))


@pytest.mark.parametrize(
    ("uri", "version"),
    [
        ("gs://models/ranker/7", "7"),
        ("gs://models/ranker/v7", "7"),
        ("gs://models/ranker/0007", "7"),
        ("gs://models/ranker", "9"),
        ("gs://models/ranker/7", "blue"),
        ("gs://models/ranker/2026-11-01", "9"),
    ],
)
def test_versions_that_do_not_contradict(uri: str, version: str) -> None:
    assert "version-mismatch" not in codes(replace(CALM, artifact_uri=uri, model_version=version))
