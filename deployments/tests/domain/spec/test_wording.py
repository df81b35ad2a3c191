import pytest
from hypothesis import given

from deployments.domain.spec.fields.field import SECTIONS
from deployments.domain.spec.fields.table import FIELDS, field_for
from deployments.domain.spec.spec import Spec
from deployments.domain.spec.wording import values
from deployments.tests.domain.examples import make_spec, specs
from deployments.tests.domain.spec.test_schema import FULL

SHOWN = values(FULL)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("env_refs.PASSWORD", "password of Secret db"),
        ("env_refs.FLAGS", "a.json of ConfigMap flags"),
        ("readiness", "GET /ready on http every 10 s within 1 s, 3 failures"),
        ("liveness", "None"),
        ("startup", "a connection on http every 10 s within 1 s, 3 failures"),
        ("replicas.memory_percent", "60 %"),
        ("replicas.scale_up", "at most 2 pods in 60 s"),
        ("replicas.scale_down", "at most 10 % in 60 s, after 600 s"),
        ("progress_deadline_s", "1200 s"),
        ("tolerations", "spot"),
        ("spread", "Over zones, if possible at most 1 apart"),
        ("budget", "At most 1 unavailable"),
        ("labels.example.com/cost", "7"),
        ("node_selector.disk", "ssd"),
        ("resources.gpu_type", "nvidia-l4"),
    ],
)
def test_words(path: str, text: str) -> None:
    assert SHOWN[path] == text


def test_defaults_are_not_shown() -> None:
    assert set(values(make_spec())) == {
        "artifact_uri",
        "model_version",
        "runtime",
        "profile",
        "service",
        "env.LOG_LEVEL",
        "replicas.mode",
        "replicas.count",
        "strategy.type",
        "strategy.max_surge",
        "strategy.max_unavailable",
    }


@given(specs())
def test_every_shown_field_is_a_registered_one(spec: Spec) -> None:
    for path in values(spec):
        assert field_for(path).section in SECTIONS


def test_every_registered_field_can_be_shown() -> None:
    paths = {field_for(path).path for path in SHOWN} | {field_for(path).path for path in values(make_spec())}
    assert {field.path for field in FIELDS} - paths == {
        "image_override",
        "resources.cpu_limit",
        "replicas.cpu_percent",
    }
