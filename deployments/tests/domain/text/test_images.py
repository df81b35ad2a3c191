import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.domain.text.images import ImageReference, InvalidImage, allowed, check_prefix

DIGEST = "sha256:" + "0123456789abcdef" * 4

# reference, registry, repository, tag, pinned
GOOD = [
    ("nginx", "docker.io", "library/nginx", None, False),
    ("nginx:1.27", "docker.io", "library/nginx", "1.27", False),
    ("bitnami/redis:7", "docker.io", "bitnami/redis", "7", False),
    ("index.docker.io/bitnami/redis", "docker.io", "bitnami/redis", None, False),
    ("docker.io/library/nginx", "docker.io", "library/nginx", None, False),
    ("localhost/x", "localhost", "x", None, False),
    ("localhost:5000/x:1", "localhost:5000", "x", "1", False),
    ("registry.example.com/ml/tf:2.19", "registry.example.com", "ml/tf", "2.19", False),
    ("registry.example.com:5000/ml/tf", "registry.example.com:5000", "ml/tf", None, False),
    (f"registry.example.com/ml/tf@{DIGEST}", "registry.example.com", "ml/tf", None, True),
    (f"registry.example.com/ml/tf:1@{DIGEST}", "registry.example.com", "ml/tf", "1", True),
    ("a.io/b/c/d/e:V_1.0-x", "a.io", "b/c/d/e", "V_1.0-x", False),
    ("a.io/b__c/d-e.f--g", "a.io", "b__c/d-e.f--g", None, False),
]
BAD = [
    "",
    " x",
    "x ",
    "x\n",
    "x y",
    "http://x",
    "https://a.io/x",
    "UPPER/x",
    "a.io/UPPER",
    "x:y:z",
    "x:",
    "x:-1",
    "x@sha256:short",
    "x@",
    f"x@{DIGEST}@{DIGEST}",
    f"x@md5:{'a' * 32}",
    f"x@{DIGEST.upper()}",
    "a.io/",
    "/x",
    "a.io//x",
    "a..io/x",
    "-a.io/x",
    "a.io:0/x",
    "a.io:99999/x",
    "a.io:port/x",
    "registry.io@evil/x",
    "user:pass@a.io/x",
    "a.io/x_-y",
    "a.io/.x",
    "a.io/../x",
    "ä.io/x",
    "x:" + "1" * 129,
    "a.io/" + "x" * 300,
    "а.io/x",  # noqa: RUF001 - a Cyrillic letter that looks Latin
]


@pytest.mark.parametrize(("text", "registry", "repository", "tag", "pinned"), GOOD)
def test_good_references(text: str, registry: str, repository: str, tag: str | None, pinned: bool) -> None:
    image = ImageReference.parse(text)
    assert (image.registry, image.repository, image.tag, image.is_pinned) == (registry, repository, tag, pinned)
    assert ImageReference.parse(str(image)) == image


@pytest.mark.parametrize("text", BAD)
def test_bad_references_are_refused_and_never_allowed(text: str) -> None:
    with pytest.raises(InvalidImage):
        ImageReference.parse(text)
    assert not allowed(text, ["docker.io", "a.io", "registry.io"])


@pytest.mark.parametrize(
    ("reference", "allowlist", "expected"),
    [
        ("allowed.io/x", ["allowed.io"], True),
        ("allowed.io/team/x", ["allowed.io/team"], True),
        ("allowed.io/team", ["allowed.io/team"], True),
        ("allowed.io/team-evil/x", ["allowed.io/team"], False),
        ("allowed.io.evil.com/x", ["allowed.io"], False),
        ("evil.com/allowed.io/x", ["allowed.io"], False),
        ("allowed.io:5000/x", ["allowed.io"], False),
        ("allowed.io:5000/x", ["allowed.io:5000"], True),
        ("nginx", ["allowed.io"], False),
        ("nginx", ["docker.io"], True),
        ("nginx", ["docker.io/library"], True),
        ("evil/nginx", ["docker.io/library"], False),
        ("bitnami/redis", ["bitnami"], True),
        ("allowed.io/x", [], False),
        ("allowed.io/x", ["allowed.io/"], True),
        ("a.io/x", [""], False),
        ("nginx", [""], False),
    ],
)
def test_allowlist(reference: str, allowlist: list[str], expected: bool) -> None:
    assert allowed(reference, allowlist) is expected


@given(st.text(max_size=40))
def test_parsing_never_fails_otherwise(text: str) -> None:
    try:
        image = ImageReference.parse(text)
    except InvalidImage:
        return
    assert ImageReference.parse(str(image)) == image


@pytest.mark.parametrize("prefix", ["ghcr.io", "ghcr.io/example", "localhost:5000", "bitnami"])
def test_prefixes_of_an_allowlist(prefix: str) -> None:
    check_prefix(prefix)


@pytest.mark.parametrize("prefix", ["", "https://a.io", "A.io", "a.io/X", "a.io//x", "*"])
def test_bad_prefixes(prefix: str) -> None:
    with pytest.raises(InvalidImage):
        check_prefix(prefix)
