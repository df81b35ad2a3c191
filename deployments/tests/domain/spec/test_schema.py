"""Stored revisions are immutable: what an older Barista wrote must read the same for ever."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deployments.domain.catalogue import Probe, Toleration
from deployments.domain.spec.parts import Autoscale, Budget, EnvRef, Resources, ScalePolicy, Spread
from deployments.domain.spec.reader import SpecInvalid
from deployments.domain.spec.spec import SCHEMA, Spec
from deployments.tests.domain.examples import GIB, make_spec

STORED = sorted((Path(__file__).parent / "stored").glob("spec-*.json"))

FULL = make_spec(
    profile=None,
    resources=Resources(cpu_request=500, memory_request=GIB, memory_limit=GIB, gpu_count=1, gpu_type="nvidia-l4"),
    env_refs=(EnvRef("PASSWORD", "secret", "db", "password"), EnvRef("FLAGS", "config_map", "flags", "a.json")),
    grpc_port=9000,
    readiness=Probe(path="/ready"),
    liveness=Probe(kind="off"),
    startup=Probe(kind="tcp"),
    replicas=Autoscale(1, 4, None, 60, ScalePolicy(pods=2), ScalePolicy(stabilization_s=600, percent=10)),
    progress_deadline_s=1200,
    min_ready_s=10,
    termination_grace_s=60,
    pre_stop_sleep_s=5,
    ephemeral_request=20 * GIB,
    ephemeral_limit=30 * GIB,
    node_selector=(("disk", "ssd"),),
    tolerations=(Toleration(key="spot", operator="Exists"),),
    priority_class="models-high",
    spread=Spread(over="zones"),
    budget=Budget(max_unavailable=1),
    ingress_host="a.example.com",
    ingress_path="/v1",
    ingress_tls_secret="a-tls",
    ingress_class="nginx",
    labels=(("example.com/cost", "7"),),
    annotations=(("example.com/note", "hello"),),
    contact="#search-ml",
    runbook="https://example.com/r",
    description="Ranks.\nTwo lines.",
)


@pytest.mark.parametrize("path", STORED, ids=[path.stem for path in STORED])
def test_stored_examples_read_the_same_and_keep_their_digest(path: Path) -> None:
    stored = json.loads(path.read_text(encoding="utf-8"))
    spec = Spec.from_json(stored["spec"])
    assert spec.digest() == stored["digest"]
    assert spec.to_json() == stored["spec"] | {"schema": SCHEMA}


def test_there_are_stored_examples_of_every_older_schema() -> None:
    versions = {json.loads(path.read_text(encoding="utf-8"))["spec"]["schema"] for path in STORED}
    assert versions >= set(range(1, SCHEMA))


@pytest.mark.parametrize("key", ["contact", "env_refs", "budget", "labels"])
def test_an_old_document_with_new_fields_is_refused(key: str) -> None:
    with pytest.raises(SpecInvalid) as caught:
        Spec.from_json(make_spec().to_json() | {"schema": 1, key: {}})
    assert set(caught.value.errors) == {key}


def test_everything_set_survives_and_everything_default_is_left_out() -> None:
    document = json.loads(json.dumps(FULL.to_json()))
    assert Spec.from_json(document) == FULL
    assert set(make_spec().to_json()) == set(json.loads(STORED[0].read_text(encoding="utf-8"))["spec"])


@pytest.mark.parametrize(
    "changes",
    [
        {"contact": "x"},
        {"min_ready_s": 1},
        {"liveness": None},
        {"env_refs": ()},
        {"replicas": Autoscale(1, 4, None, 61)},
        {"budget": Budget(max_unavailable=2)},
        {"tolerations": ()},
        {"ephemeral_request": None},
        {"ephemeral_limit": 31 * GIB},
    ],
)
def test_every_new_field_counts_in_the_digest(changes: dict[str, Any]) -> None:
    assert replace(FULL, **changes).digest() != FULL.digest()


def test_a_form_that_knows_fewer_fields_can_keep_the_others() -> None:
    edited = make_spec(model_version="43", replicas=FULL.replicas, ingress_host="a.example.com").to_json()
    kept = Spec.from_json(FULL.to_json() | edited)
    assert kept.contact == FULL.contact
    assert kept.env_refs == FULL.env_refs
    assert kept.model_version == "43"
