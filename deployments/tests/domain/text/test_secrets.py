import pytest

from deployments.domain.text.secrets import has_secret_name, has_secret_shape
from deployments.tests.domain.examples import make_spec
from deployments.tests.domain.spec.test_spec import problems

# Put together here, so that no scanner of the repository takes them for real ones.
SHAPES = [
    "-----BEGIN RSA " + "PRIVATE KEY-----\nMII",
    "AKIA" + "ABCDEFGHIJKLMNOP",
    "ghp_" + "a" * 36,
    "glpat-" + "a" * 20,
    "xoxb-" + "1" * 24,
    "AIza" + "a" * 35,
    "hf_" + "a" * 34,
    "eyJ" + "a" * 12 + ".eyJ" + "b" * 12 + "." + "c" * 12,
    '{"type": "service_account", "private_key": "x"}',
    "postgres://user:hunter2@db/x",
]
PLAIN = ["info", "gs://models/a", "https://example.com/a?b=c", "eyJ", "10.0.0.1:80", "a:b@c", "http://host:8080/path"]


@pytest.mark.parametrize("value", SHAPES)
def test_shapes_are_refused_and_not_repeated(value: str) -> None:
    message = problems(make_spec(env=(("A", value),)))["env.A"]
    assert "Secret" in message
    assert value not in message


@pytest.mark.parametrize("value", PLAIN)
def test_plain_values_pass(value: str) -> None:
    assert not has_secret_shape(value)
    assert problems(make_spec(env=(("A", value),))) == {}


@pytest.mark.parametrize("name", ["DB_PASSWORD", "api_key", "APIKEY", "AUTH_TOKEN", "CLIENT_SECRET"])
def test_names_that_sound_like_secrets(name: str) -> None:
    assert has_secret_name(name)


@pytest.mark.parametrize("name", ["MAX_TOKENS", "TOKENIZER", "SECRETARY", "KEY", "TOKEN_LIMIT"])
def test_names_that_do_not(name: str) -> None:
    assert not has_secret_name(name)
