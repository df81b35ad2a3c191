"""Files as people have them give the right profile or one clear line: no traceback, wrong value or silent loss."""

from __future__ import annotations

import re
from io import StringIO
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.core.management import CommandError, call_command

from observability.domain.profile.profile import Profile
from observability.domain.profile.states import CategoryState, NumericState
from observability.domain.specs.parse import Parse
from observability.domain.specs.spec import FeatureSpec, Kind, Spec, SpecError
from observability.store.files import Limits
from observability.store.profiles import load_profile
from observability.tests.logs import profile, spec_of
from observability.tests.odd_files import Odd, Values
from observability.tests.odd_shapes import ODD_SHAPES
from observability.tests.odd_values import ODD_VALUES

ODD_FILES = [*ODD_VALUES, *ODD_SHAPES]


def profiled(odd: Odd, folder: Path, *options: str) -> tuple[Profile, str]:
    """(profile, what was said on the way)."""
    (folder / "in").mkdir()
    for name, make in odd.files.items():
        make(folder / "in" / name)
    if "int96" in odd.label:
        path = folder / "in" / "log.parquet"
        pq.write_table(pq.read_table(path), path, use_deprecated_int96_timestamps=True)
    said, out = StringIO(), folder / "x.profile"
    files = [str(folder / "in" / name) for name in odd.files]
    call_command("profile", *files, "--out", str(out), *odd.options, *options, stdout=StringIO(), stderr=said)
    return load_profile(str(out), Limits()), " ".join(said.getvalue().split())


def counted(state: object) -> Values:
    """Exact counts of values, nulls under None."""
    assert isinstance(state, NumericState | CategoryState)
    found = dict(zip(list(state.table.values), state.table.counts.tolist(), strict=True))
    return found | ({None: state.nulls} if state.nulls else {})


@pytest.mark.parametrize("odd", ODD_FILES, ids=[odd.label for odd in ODD_FILES])
def test_an_odd_file_gives_the_right_profile_or_one_clear_line(odd: Odd, tmp_path: Path) -> None:
    if odd.error:
        with pytest.raises(CommandError) as refused:
            profiled(odd, tmp_path)
        assert re.search(odd.error, str(refused.value)), refused.value
        assert "\n" not in str(refused.value)
        assert not (tmp_path / "x.profile").exists()
        return
    made, said = profiled(odd, tmp_path)
    assert {name: made.spec.by_name[name].kind.value for name in odd.kinds} == odd.kinds, said
    assert (made.rows, made.note["bad_rows"]) == (odd.rows, odd.bad), said
    for name, values in odd.values.items():
        state = made.feature(name)
        assert isinstance(state, NumericState | CategoryState)
        if set(values) == {None}:
            assert state.nulls == values[None]
        else:
            assert counted(state) == values
    for name, (low, high) in odd.span.items():
        state = made.feature(name)
        assert isinstance(state, NumericState)
        assert (state.minimum, state.maximum) == (low, high)
    for part in odd.said:
        assert part in said


def test_there_are_many_of_them() -> None:
    assert len(ODD_FILES) >= 60
    assert len({odd.label for odd in ODD_FILES}) == len(ODD_FILES)


DRESSES = [
    (["1.234,50 €", "7,25 €", "NA"], pa.array([1234.5, 7.25, None])),
    (["12.5%", "0.7%", "-"], pa.array([0.125, 0.007, None])),
    (["2012/01/31", "2012/02/01", "null"], pa.array([1_327_968_000, 1_328_054_400, None], pa.timestamp("s"))),
    (["31.01.2012", "01.02.2012", ""], pa.array([1_327_968_000, 1_328_054_400, None], pa.timestamp("s"))),
    (["Yes", "no", "NA"], pa.array([True, False, None])),
    (["True", "False", "NA"], pa.array([1, 0, None])),
    ([" 5", "6 ", "n/a"], pa.array([5, 6, None])),
]


@pytest.mark.parametrize(("cells", "values"), DRESSES, ids=[cells[0] for cells, _ in DRESSES])
def test_the_same_value_in_another_dress_has_the_same_key(cells: list[str], values: pa.Array, tmp_path: Path) -> None:
    """CSV, JSON lines and texts of Parquet in the dress, Parquet with the values themselves: the same bytes."""
    (tmp_path / "dressed.csv").write_text("v\n" + "".join(f'"{cell}"\n' for cell in cells))
    (tmp_path / "dressed.jsonl").write_text("".join(f'{{"v": "{cell}"}}\n' for cell in cells))
    pq.write_table(pa.table({"v": cells}), tmp_path / "dressed.parquet")
    pq.write_table(pa.table({"v": values}), tmp_path / "values.parquet")
    spec = spec_of(str(tmp_path / "dressed.parquet"))
    made = {path.name: profile(str(path), spec) for path in tmp_path.iterdir()}
    assert [one.note["bad_rows"] for one in made.values()] == [0] * 4, {k: v.note for k, v in made.items()}
    assert len({one.body for one in made.values()}) == 1


def test_a_text_that_does_not_fit_is_a_bad_row_of_every_column(tmp_path: Path) -> None:
    """The same rows are left out of Parquet and of CSV, in small row groups and in one, and named alike."""
    data = pa.table({"v": [*["1.5"] * 9, "x", None, "2.5"], "w": range(12), "on": [*["yes", "no"] * 5, "y", "perhaps"]})
    spec = Spec(
        (
            FeatureSpec(name="v", kind=Kind.NUMERIC, parse=Parse(decimal=".")),
            FeatureSpec(name="w", kind=Kind.NUMERIC),
            FeatureSpec(name="on", kind=Kind.BOOLEAN, vocabulary=("false", "true")),
        )
    )
    rows = [",".join("" if cell is None else str(cell) for cell in row.values()) for row in data.to_pylist()]
    (tmp_path / "log.csv").write_text("v,w,on\n" + "\n".join(rows) + "\n")
    expected = profile(str(tmp_path / "log.csv"), spec)
    assert (expected.rows, expected.note["bad_rows"]) == (10, 2)
    for size in (1, 4, 100):
        pq.write_table(data, tmp_path / "log.parquet", row_group_size=size)
        found = profile(str(tmp_path / "log.parquet"), spec)
        assert found.body == expected.body
        assert [(bad["row"], bad["reason"]) for bad in found.note["bad_examples"]] == [
            (10, "column 'v': expected a number, got text"),
            (12, "column 'on': expected true or false, got text"),
        ]


def test_a_mark_that_the_spec_does_not_name_is_told(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("v\n1.5\nNA\n")
    found = profile(str(tmp_path / "log.csv"), Spec((FeatureSpec(name="v", kind=Kind.NUMERIC),)))
    assert found.note["bad_rows"] == 1
    assert 'name it in "missing" of parse' in found.note["bad_examples"][0]["reason"]


def test_times_that_microseconds_cannot_hold_are_bad_rows(tmp_path: Path) -> None:
    """A Julian day far away, written into the bytes of an int96 column."""
    path = tmp_path / "log.parquet"
    days = pa.table({"at": pa.array([0, 86_400_000_000], pa.timestamp("us")), "x": [1.5, 2.5]})
    pq.write_table(days, path, use_deprecated_int96_timestamps=True, compression="none", use_dictionary=False)
    data = path.read_bytes()
    day = (2_440_589).to_bytes(4, "little")
    assert data.count(day) >= 1
    place = data.index(b"\0" * 8 + day) + 8
    path.write_bytes(data[:place] + (2_000_000_000).to_bytes(4, "little") + data[place + 4 :])
    spec = Spec(
        (
            FeatureSpec(name="at", kind=Kind.TIMESTAMP, time_unit="us", table_limit=0),
            FeatureSpec(name="x", kind=Kind.NUMERIC),
        )
    )
    found = profile(str(path), spec)
    assert (found.rows, found.note["bad_rows"]) == (1, 1)
    assert "beyond the range of microseconds" in found.note["bad_examples"][0]["reason"]
    state = found.feature("x")
    assert state is not None
    assert counted(state) == {1.5: 1}


def test_reading_rules_are_no_part_of_the_identity() -> None:
    plain = FeatureSpec(name="v", kind=Kind.NUMERIC)
    ruled = FeatureSpec(name="v", kind=Kind.NUMERIC, parse=Parse(missing=("NA",), decimal=","))
    assert plain.digest == ruled.digest
    assert "parse" not in plain.to_json()
    again = Spec.loads(Spec((ruled,)).dumps()).features[0]
    assert again.parse == ruled.parse


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ('{"decimal": ";"}', "parse.decimal must be one of"),
        ('{"decimal": ",", "thousands": ","}', "cannot be the same mark"),
        ('{"thousands": ","}', "parse.decimal must be given"),
        ('{"missing": "NA"}', "parse.missing cannot be"),
        ('{"percent": 1}', "parse.percent cannot be"),
        ('{"color": 1}', "unknown field 'color' in parse"),
        ('{"decimal": ".", "symbols": ["1"]}', "parse.symbols must be"),
        ('{"dates": "ydm"}', "parse.dates must be one of"),
        ("[]", "parse cannot be"),
    ],
)
def test_rules_that_cannot_be_used(rule: str, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        Spec.loads(f'{{"format": 1, "features": [{{"name": "v", "kind": "numeric", "parse": {rule}}}]}}')


def test_isolated_readers_propose_and_name_the_same(tmp_path: Path) -> None:
    odd = next(one for one in ODD_FILES if one.label == "a column without values in the first file")
    made, said = profiled(odd, tmp_path, "--isolate")
    assert made.spec.by_name["v"].kind is Kind.NUMERIC
    assert "v numeric" in said


def test_each_side_of_a_comparison_is_read_in_its_own_dress(tmp_path: Path) -> None:
    rows = range(400)
    pq.write_table(
        pa.table({"v": [row / 8 for row in rows], "on": [row % 3 == 0 for row in rows]}), tmp_path / "a.parquet"
    )
    lines = [f'"{row / 8:.3f}'.replace(".", ",") + f' €","{"yes" if row % 3 == 0 else "no"}"' for row in rows]
    (tmp_path / "b.csv").write_text("v,on\n" + "\n".join(lines) + '\n"NA","-"\n')
    (tmp_path / "c.csv").write_text("v,on\n" + "\n".join(f"{row / 8},{row % 3 == 0}" for row in rows) + "\n")
    for ref, cur in (("a.parquet", "b.csv"), ("b.csv", "a.parquet"), ("b.csv", "c.csv"), ("c.csv", "b.csv")):
        out, said = StringIO(), StringIO()
        call_command("compare", str(tmp_path / ref), str(tmp_path / cur), stdout=out, stderr=said)
        assert "0 of 2 features drifted" in out.getvalue(), out.getvalue()
        assert "bad rows" not in said.getvalue()
    (tmp_path / "words.csv").write_text("v,on\nx,y\nz,y\n")
    with pytest.raises(CommandError, match=r"none of the 2 rows of .*words\.csv can be used"):
        call_command("compare", str(tmp_path / "a.parquet"), str(tmp_path / "words.csv"), stdout=StringIO())


def test_a_first_file_of_marks_only_does_not_decide(tmp_path: Path) -> None:
    (tmp_path / "1.csv").write_text("v,w\nNA,1\nNA,2\n")
    (tmp_path / "2.csv").write_text("v,w\n1.5,1\n2.5,2\n")
    out = tmp_path / "x.profile"
    call_command("profile", str(tmp_path / "1.csv"), str(tmp_path / "2.csv"), "--out", str(out), stdout=StringIO())
    made = load_profile(str(out), Limits())
    assert (made.rows, made.note["bad_rows"]) == (4, 0)
    assert counted(made.feature("v")) == {1.5: 1, 2.5: 1, None: 2}
