from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.domain.text.quantities import (
    CPU_MAX,
    MEMORY_MAX,
    MEMORY_MIN,
    QuantityError,
    format_cpu,
    format_memory,
    human_cpu,
    human_memory,
    parse_cpu,
    parse_memory,
    rounding,
)
from deployments.tests.domain import bad_inputs

BAD = bad_inputs.load("quantities")


@pytest.mark.parametrize(
    ("text", "millicores"),
    [
        ("2", 2000),
        ("0.5", 500),
        ("500m", 500),
        ("1.5", 1500),
        (" 1 ", 1000),
        ("0.0001", 1),
        ("1.0000000001", 1001),
    ],
)
def test_cpu(text: str, millicores: int) -> None:
    assert parse_cpu(text) == millicores


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1Gi", 2**30),
        ("1.5Gi", 3 * 2**29),
        ("512Mi", 2**29),
        ("2G", 2 * 10**9),
        ("5000k", 5_000_000),
        ("4194304", 2**22),
    ],
)
def test_memory(text: str, size: int) -> None:
    assert parse_memory(text) == size


@pytest.mark.parametrize("entry", BAD, ids=bad_inputs.ids(BAD))
def test_bad_quantity_is_refused_with_a_hint(entry: dict[str, Any]) -> None:
    parse = parse_cpu if entry["field"] == "cpu" else parse_memory
    with pytest.raises(QuantityError) as caught:
        parse(bad_inputs.text_of(entry))
    message = str(caught.value)
    assert len(message) < 200
    for words in entry["says"]:
        assert words in message


@given(st.integers(1, CPU_MAX))
def test_cpu_round_trip(millicores: int) -> None:
    assert parse_cpu(format_cpu(millicores)) == millicores


@given(st.integers(MEMORY_MIN, MEMORY_MAX))
def test_memory_round_trip(size: int) -> None:
    assert parse_memory(format_memory(size)) == size


@given(st.text(max_size=12))
def test_any_text_is_parsed_or_refused_and_has_one_canonical_form(text: str) -> None:
    for parse, write in ((parse_cpu, format_cpu), (parse_memory, format_memory)):
        try:
            value = parse(text)
        except QuantityError:
            continue
        assert parse(write(value)) == value


def test_two_spellings_have_one_canonical_text() -> None:
    assert format_cpu(parse_cpu("0.5")) == format_cpu(parse_cpu("500m")) == "500m"
    assert format_memory(parse_memory("1024Mi")) == format_memory(parse_memory("1Gi")) == "1Gi"


@pytest.mark.parametrize(
    ("size", "text"), [(6 * 2**30, "6 GiB"), (3 * 2**29, "1.5 GiB"), (2**29, "512 MiB"), (100, "100 B")]
)
def test_human_memory(size: int, text: str) -> None:
    assert human_memory(size) == text


@pytest.mark.parametrize(
    ("millicores", "text"), [(250, "250m"), (1000, "1 core"), (1500, "1.5 cores"), (2000, "2 cores")]
)
def test_human_cpu(millicores: int, text: str) -> None:
    assert human_cpu(millicores) == text


@pytest.mark.parametrize(
    ("text", "is_cpu", "words"),
    [
        ("1.0000000001", True, "Rounded up to 1001m."),
        ("0.0001", True, "Rounded up to 1m."),
        ("500m", True, ""),
        ("0.5", True, ""),
        ("1.00000000001Gi", False, "Rounded up to 1073741825."),
        ("1.5Gi", False, ""),
        ("1e3", True, ""),
        ("", False, ""),
    ],
)
def test_what_is_rounded_is_said(text: str, is_cpu: bool, words: str) -> None:
    assert rounding(text, is_cpu=is_cpu) == words


@pytest.mark.parametrize(("text", "number"), [("2 cores", "2"), ("1.5 vCPU", "1.5"), ("4cpus", "4")])
def test_a_word_after_the_number_of_cores_is_left_out(text: str, number: str) -> None:
    with pytest.raises(QuantityError, match=f'such as "{number}"'):
        parse_cpu(text)
