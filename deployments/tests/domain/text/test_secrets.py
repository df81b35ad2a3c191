import pytest

from deployments.domain.text.secrets import has_credentials, has_secret_name, has_secret_shape
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


@pytest.mark.parametrize(
    "address",
    [
        "https://user:hunter2@models.example.com/ranker/42",
        "https://sometoken@models.example.com/ranker/42",
        "https://:hunter2@models.example.com/ranker/42",
        "https:/sometoken@models.example.com/ranker/42",
        "https://a@b@models.example.com/ranker/42",
        "https://@models.example.com/ranker/42",
        "s3://key:secret@models/ranker/42",
        "hf://token@acme/ranker/42",
        "abfs://container:key@account.dfs.core.windows.net/ranker/42",
    ],
)
def test_an_artifact_with_who_asks_before_its_host_is_refused_and_not_repeated(address: str) -> None:
    assert has_credentials(address)
    message = problems(make_spec(artifact_uri=address))["artifact_uri"]
    assert "password or token" in message
    assert address not in message


@pytest.mark.parametrize(
    "address",
    [
        "gs://models/ranker/42",
        "https://models.example.com/ranker@v2/42",
        "oci://registry.example.com/ranker@sha256:abc",
        "abfs://models@account.dfs.core.windows.net/ranker/42",
    ],
)
def test_an_at_sign_elsewhere_is_no_credential(address: str) -> None:
    assert not has_credentials(address)
    assert problems(make_spec(artifact_uri=address)) == {}


@pytest.mark.parametrize("field", ["description", "contact"])
def test_a_key_in_what_people_read_is_refused(field: str) -> None:
    assert "password or token" in problems(make_spec(**{field: f"Use {SHAPES[1]}"}))[field]


def test_a_key_in_an_annotation_is_refused() -> None:
    assert "example.com/note" in str(problems(make_spec(annotations=(("example.com/note", SHAPES[2]),))))
