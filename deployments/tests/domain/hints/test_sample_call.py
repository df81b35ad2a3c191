"""The line to paste."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import Any

import pytest

from deployments.domain.catalogue import Probe, Runtime
from deployments.domain.hints.sample_call import sample_call
from deployments.tests.domain.examples import RUNTIME, make_spec

BODY = '{"instances": [["it\'s", 0.1]]}'
PREDICT = replace(RUNTIME, sample_path="/v1/models/{model_name}/versions/{model_version}:predict", sample_body=BODY)
PLAIN: dict[str, Any] = {"service": 80, "ingress_host": None, "ingress_path": "/", "ingress_tls_secret": None}


def call(runtime: Runtime, **fields: Any) -> list[str]:
    spec = make_spec(**(PLAIN | {"model_version": "7", "readiness": None} | fields))
    return shlex.split(sample_call(spec, runtime, name="ranker", namespace="search-dev", model_name="m"))


def test_a_prediction_by_the_runtimes_template() -> None:
    words = call(PREDICT)
    assert words[:3] == ["curl", "-s", "http://ranker.search-dev:80/v1/models/m/versions/7:predict"]
    assert words[-2:] == ["-d", BODY]


def test_from_outside_when_there_is_a_host() -> None:
    found = call(PREDICT, ingress_host="m.example.org", ingress_path="/rank/", ingress_tls_secret="tls")
    assert found[2] == "https://m.example.org/rank/v1/models/m/versions/7:predict"
    assert call(PREDICT, ingress_host="m.example.org")[2].startswith("http://m.example.org/v1")


def test_a_value_that_holds_braces_or_a_shells_words_stays_text() -> None:
    runtime = replace(RUNTIME, sample_path="/{artifact_uri}")
    assert call(runtime, artifact_uri="gs://a/{model_name}")[2].endswith("/gs://a/{model_name}")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"readiness": Probe(kind="http", path="/ready")}, ["curl", "-i", "http://ranker.search-dev:80/ready"]),
        ({"readiness": Probe(kind="tcp")}, []),
        ({"readiness": Probe(kind="off")}, []),
        ({"service": None}, []),
    ],
)
def test_without_a_template_the_readiness_check(fields: dict[str, Any], expected: list[str]) -> None:
    assert call(RUNTIME, **fields) == expected


def test_older_copies_of_a_runtime_compare_equal() -> None:
    assert "sample_path" not in RUNTIME.to_json()
    assert Runtime.from_json(PREDICT.to_json()) == PREDICT
