import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.domain.documents import InvalidDocument, read_json
from deployments.domain.spec import Spec
from deployments.tests.domain.examples import make_spec, specs


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"", "line 1"),
        (b"{", "line 1"),
        (b'{"a":1} x', "Extra data"),
        (b"[]", "must be an object"),
        (b"null", "must be an object"),
        (b'\xef\xbb\xbf{"a":1}', "byte order mark"),
        ('{"a":1}'.encode("utf-16"), "not UTF-8"),
        (b'{"a":"\xff"}', "not UTF-8"),
        (b'{"a":1,"a":2}', '"a" appears twice'),
        (b'{"a":{"b":1,"b":2}}', '"b" appears twice'),
        (b'{"a":NaN}', "NaN"),
        (b'{"a":-Infinity}', "Infinity"),
        (b'{"a":' + b"9" * 5000 + b"}", "too many digits"),
        (b'{"a":"\\u0000"}', "cannot be stored"),
        (b'{"\\u0000":1}', "cannot be stored"),
        (b'{"a":"\\ud800"}', "cannot be stored"),
        (b'{"a":' + b"[" * 200_000 + b"]" * 200_000 + b"}", "levels deep"),
        (b'{"a":' * 100_000, "levels deep"),
        (b" " * 1_000_001, "larger than 1 MB"),
        (b'{"a":\t"x\ny"}', "Invalid control character"),
    ],
)
def test_refused_with_the_reason(raw: bytes, says: str) -> None:
    with pytest.raises(InvalidDocument) as caught:
        read_json(raw)
    assert says in str(caught.value)
    assert len(str(caught.value)) < 200


@given(specs())
def test_specs_are_read(spec: Spec) -> None:
    assert Spec.from_json(read_json(json.dumps(spec.to_json()))) == spec


def test_brackets_inside_texts_do_not_count_as_depth() -> None:
    document = make_spec(env=(("A", '[{"\\' * 50),)).to_json()
    assert read_json(json.dumps(document).encode()) == document


@given(st.binary(max_size=60) | st.text('{}[]":,\\01aeN', max_size=40).map(str.encode))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    try:
        assert isinstance(read_json(raw), dict)
    except InvalidDocument:
        return
