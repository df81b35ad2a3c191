"""Ephemeral storage beside a profile and beside numbers of one's own."""

from dataclasses import replace
from typing import Any

import pytest

from deployments.domain.catalogue import Environment
from deployments.domain.checker.check import check
from deployments.domain.spec.checks.validate import validate
from deployments.domain.spec.parts import Resources
from deployments.domain.spec.spec import Spec
from deployments.domain.spec.wording import values
from deployments.tests.domain.examples import (
    ALLOWLIST,
    GIB,
    PREFIXES,
    PROFILE,
    RUNTIME,
    make_spec,
    permits_for,
    rendered,
)

OWN = {"profile": None, "resources": Resources(cpu_request=500, memory_request=GIB, memory_limit=GIB)}


def resources(spec: Spec) -> Any:
    return rendered(spec).deployment["spec"]["template"]["spec"]["containers"][0]["resources"]


def problems(spec: Spec) -> dict[str, str]:
    return validate(
        spec,
        environment=Environment.DEV,
        runtime=RUNTIME,
        profile=PROFILE if spec.profile else None,
        allowlist=ALLOWLIST,
        max_replicas=50,
        metadata_prefixes=PREFIXES,
        permitted=permits_for(spec),
    )


@pytest.mark.parametrize("size", [{}, OWN])
def test_it_is_asked_for_and_limited_beside_any_size(size: Any) -> None:
    spec = make_spec(ephemeral_request=20 * GIB, ephemeral_limit=30 * GIB, **size)
    assert resources(spec)["requests"]["ephemeral-storage"] == "20Gi"
    assert resources(spec)["limits"]["ephemeral-storage"] == "30Gi"
    assert problems(spec) == {}


@pytest.mark.parametrize("size", [{}, OWN])
def test_what_says_nothing_of_it_renders_nothing_of_it(size: Any) -> None:
    assert "ephemeral-storage" not in str(resources(make_spec(**size)))


def test_the_second_look_lets_it_pass() -> None:
    spec = make_spec(ephemeral_request=20 * GIB, ephemeral_limit=30 * GIB)
    sent = rendered(spec).objects()
    assert (
        check(sent, namespace="search-dev", install_id="install-1", allowlist=ALLOWLIST, permits=permits_for(spec))
        == []
    )


def test_it_is_stored_as_text_and_read_back() -> None:
    spec = make_spec(ephemeral_limit=30 * GIB)
    assert spec.to_json()["ephemeral_limit"] == "30Gi"
    assert "ephemeral_request" not in spec.to_json()
    assert Spec.from_json(spec.to_json()) == spec


def test_a_limit_below_the_request_does_not_fit() -> None:
    found = problems(make_spec(ephemeral_request=2 * GIB, ephemeral_limit=GIB))
    assert found == {"ephemeral_limit": "Must be at least the request (2 GiB)."}
    assert problems(replace(make_spec(), ephemeral_limit=GIB)) == {}, "a limit alone is the request too"


def test_a_forgotten_unit_does_not_fit() -> None:
    assert "ephemeral_request" in problems(make_spec(ephemeral_request=20))


def test_it_is_said_in_words() -> None:
    assert values(make_spec(ephemeral_request=20 * GIB))["ephemeral_request"] == "20 GiB"
    assert "ephemeral_request" not in values(make_spec())
