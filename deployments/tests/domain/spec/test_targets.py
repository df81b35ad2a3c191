"""Targets of an autoscaler against what a pod may use."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deployments.domain.catalogue import Environment
from deployments.domain.spec.checks.validate import validate
from deployments.domain.spec.parts import Autoscale, Resources
from deployments.tests.domain.examples import ALLOWLIST, GIB, RUNTIME, make_spec

SIZE = Resources(cpu_request=500, cpu_limit=1000, memory_request=GIB, memory_limit=GIB, gpu_count=0, gpu_type=None)


def said(size: Resources, **targets: int) -> dict[str, str]:
    spec = make_spec(profile=None, resources=size, replicas=Autoscale(1, 3, **targets))  # type: ignore[arg-type]
    found = validate(
        spec, environment=Environment.DEV, runtime=RUNTIME, profile=None, allowlist=ALLOWLIST, max_replicas=10
    )
    return {path: text for path, text in found.items() if path.startswith("replicas.")}


@pytest.mark.parametrize(
    ("size", "targets"),
    [
        (SIZE, {"cpu_percent": 150}),
        (SIZE, {"cpu_percent": 200}),
        (SIZE, {"memory_percent": 100}),
        (replace(SIZE, cpu_limit=None), {"cpu_percent": 400}),
    ],
)
def test_what_a_limit_above_the_request_lets_them_reach(size: Resources, targets: dict[str, int]) -> None:
    assert said(size, **targets) == {}


@pytest.mark.parametrize(
    ("targets", "path", "most"),
    [({"cpu_percent": 201}, "replicas.cpu_percent", 200), ({"memory_percent": 101}, "replicas.memory_percent", 100)],
)
def test_what_is_never_reached(targets: dict[str, int], path: str, most: int) -> None:
    assert f"At most {most} %." in said(SIZE, **targets)[path]


def test_there_is_an_end() -> None:
    assert "between 1 and 1000" in said(replace(SIZE, cpu_limit=None), cpu_percent=1001)["replicas.cpu_percent"]
