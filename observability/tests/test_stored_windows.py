"""The bytes of one window."""

from __future__ import annotations

from pathlib import Path

import pytest

from observability.domain.profile.encoding import FormatError, encode
from observability.domain.profile.stored import dump_states, load_states, merge_states
from observability.domain.specs.spec import Spec
from observability.tests.logs import profile, spec_of, table, write


@pytest.fixture
def path(tmp_path: Path) -> str:
    return write(tmp_path / "log.parquet", table(3_000))


def test_states_come_back_as_they_were(path: str) -> None:
    spec = spec_of(path)
    states = next(iter(profile(path, spec).states.values()))
    _, data = dump_states(spec, states)
    loaded = load_states(spec, memoryview(data))
    assert {name: encode(state) for name, state in loaded.items()} == {
        name: encode(state) for name, state in states.items()
    }


def test_only_the_named_features_are_decoded(path: str) -> None:
    spec = spec_of(path)
    _, data = dump_states(spec, next(iter(profile(path, spec).states.values())))
    assert set(load_states(spec, data, ["price"])) == {"price"}


def test_a_feature_without_a_state_stays_without(path: str) -> None:
    spec = spec_of(path)
    states = dict(next(iter(profile(path, spec).states.values())))
    del states["price"]
    assert "price" not in load_states(spec, dump_states(spec, states)[1])


def test_the_name_does_not_depend_on_how_rows_were_split(tmp_path: Path, path: str) -> None:
    spec, whole = spec_of(path), table(3_000)
    halves = [write(tmp_path / "a.parquet", whole.slice(0, 1_000)), write(tmp_path / "b.parquet", whole.slice(1_000))]
    parts = [next(iter(profile(half, spec).states.values())) for half in halves]
    merged = dump_states(spec, merge_states(parts))[0]
    assert merged == dump_states(spec, next(iter(profile(path, spec).states.values())))[0]


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda data: data[:20], "cut or damaged"),
        (lambda data: data[:-3], "cut or damaged"),
        (lambda data: b"BARISTAP" + data[8:], "no stored window"),
        (lambda data: data[:8] + b"\x63\x00" + data[10:], "format 99"),
        (lambda data: b"", "no stored window"),
    ],
    ids=["head only", "end missing", "another file", "newer format", "empty"],
)
def test_damaged_bytes_are_refused(path: str, damage: object, said: str) -> None:
    spec = spec_of(path)
    _, data = dump_states(spec, next(iter(profile(path, spec).states.values())))
    with pytest.raises(FormatError, match=said):
        load_states(spec, damage(data))  # type: ignore[operator]


def test_states_of_another_spec_are_refused(path: str) -> None:
    spec = spec_of(path)
    _, data = dump_states(spec, next(iter(profile(path, spec).states.values())))
    with pytest.raises(FormatError, match="another spec"):
        load_states(Spec(spec.features[:-1]), data)
