"""Counting in the warm child: what it gives, what it refuses, and what it never keeps."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import billiard  # type: ignore[import-untyped]
import pyarrow as pa
import pytest

from observability.domain.fold.windows import Keys, Window
from observability.domain.profile.stored import load_states
from observability.domain.specs.kept import kept_spec
from observability.domain.specs.spec import FeatureSpec, Kind, Spec
from observability.engines.base import Options
from observability.engines.counting import Counted, Identity, Order, count, identify
from observability.engines.masked import Secrecy
from observability.store.access import Access, GoneError, StoreError
from observability.store.files import Limits, SourceError
from observability.store.listing import Part, list_folders
from observability.store.sandbox import ChildKilled, ChildLimits, run_limited
from observability.store.warm import Reader, ReaderDied
from observability.tests.logs import profile, spec_of, table, write

KEYS = Keys(Window.HOUR, "at", "version")


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    found = Reader()
    yield found
    found.close()


def order(spec: Spec, **secrecy: object) -> Order:
    return Order(spec_id=1, spec=spec.dumps(), keys=KEYS, secrecy=Secrecy(**secrecy))  # type: ignore[arg-type]


def counted(path: str, spec: Spec, **secrecy: object) -> Counted:
    """In this process."""
    access = Access(root=f"file://{Path(path).parent}/")
    return count(f"file://{path}", access, [order(spec, **secrecy)], Options())


def test_a_child_gives_what_the_local_engine_gives(tmp_path: Path, reader: Reader) -> None:
    path = write(tmp_path / "log.parquet", table(2_000))
    spec = kept_spec(spec_of(path), ())
    found: Counted = reader.call(
        count, f"file://{path}", Access(root=f"file://{tmp_path}/"), [order(spec)], Options(keys=KEYS)
    )
    clean = profile(path, spec, Options(keys=KEYS))
    assert {(cell.version, cell.start): cell.rows for cell in found.cells} == {
        (cell.version, cell.window): states["score"].rows for cell, states in clean.states.items()
    }


def test_the_child_is_the_same_for_the_next_job(tmp_path: Path, reader: Reader) -> None:
    path = write(tmp_path / "log.parquet", table(10))
    pids = {_pid_after(reader, path, tmp_path) for _ in range(3)}
    assert len(pids) == 1


def _pid_after(reader: Reader, path: str, folder: Path) -> int | None:
    reader.call(identify, f"file://{path}", Access(root=f"file://{folder}/"), Limits())
    return reader.pid


def test_a_killed_child_is_told_and_the_next_job_has_another(tmp_path: Path, reader: Reader) -> None:
    path = write(tmp_path / "log.parquet", table(10))
    before = _pid_after(reader, path, tmp_path)

    def end_it() -> None:
        os.kill(reader.pid or 0, signal.SIGKILL)

    with pytest.raises(ReaderDied, match="SIGKILL"):
        reader.call(time.sleep, 30, meanwhile=end_it)
    assert _pid_after(reader, path, tmp_path) != before


def test_a_job_that_takes_too_long_ends_its_child(reader: Reader) -> None:
    with pytest.raises(ChildKilled, match="took longer"):
        reader.call(time.sleep, 30, limits=ChildLimits(seconds=0.1))


@pytest.mark.parametrize(
    ("name", "said"),
    [("../out.parquet", "leads out"), ("link.parquet", "leads out"), ("folder.parquet", "not a regular file")],
)
def test_what_lies_outside_of_the_root_is_refused(tmp_path: Path, name: str, said: str) -> None:
    root = tmp_path / "root"
    (root / "folder.parquet").mkdir(parents=True)
    write(tmp_path / "out.parquet", table(10))
    (root / "link.parquet").symlink_to(tmp_path / "out.parquet")
    with pytest.raises(SourceError, match=said):
        identify(f"file://{root}/{name}", Access(root=f"file://{root}/"), Limits())


def test_an_object_of_another_root_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="lies outside"):
        identify("file:///etc/passwd", Access(root=f"file://{tmp_path}/"), Limits())


def test_an_object_that_is_gone_is_told_apart_from_a_broken_one(tmp_path: Path) -> None:
    with pytest.raises(GoneError):
        identify(f"file://{tmp_path}/none.parquet", Access(root=f"file://{tmp_path}/"), Limits())


def test_a_key_file_that_is_not_there_is_the_stores_fault(tmp_path: Path) -> None:
    access = Access(root="s3://logs/", kind="s3", key_file=str(tmp_path / "none"))
    with pytest.raises(StoreError, match="cannot be read on this worker"), access.entered():
        pass


def test_the_environment_of_a_key_ends_with_the_block(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(json.dumps({"access_key_id": "one", "secret_access_key": "two"}))
    before = os.environ.get("AWS_ACCESS_KEY_ID")
    with Access(root="s3://logs/", kind="s3", key_file=str(tmp_path / "key"), region="eu-1").entered():
        assert os.environ["AWS_ACCESS_KEY_ID"] == "one"
    assert os.environ.get("AWS_ACCESS_KEY_ID") == before


def test_a_missing_and_a_new_column_are_findings_and_the_rest_is_counted(tmp_path: Path) -> None:
    whole = table(500)
    spec = spec_of(write(tmp_path / "before.parquet", whole))
    path = write(tmp_path / "log.parquet", whole.drop_columns(["price"]).append_column("basket", whole["rating"]))
    found = counted(path, spec)
    assert {one[:2] for one in found.findings} == {("missing_column", "price"), ("new_column", "basket")}
    assert sum(cell.rows for cell in found.cells) == 500


def test_a_column_that_is_known_and_not_counted_is_no_finding(tmp_path: Path) -> None:
    whole = table(500)
    spec = spec_of(write(tmp_path / "before.parquet", whole))
    path = write(tmp_path / "log.parquet", whole.append_column("basket", whole["rating"]))
    told = replace(order(spec), known=frozenset({"basket"}))
    found = count(f"file://{path}", Access(root=f"file://{tmp_path}/"), [told], Options())
    assert found.findings == ()


def _read_in_a_worker(answers: Any) -> None:
    reader = Reader()
    answers.put((reader.call(os.path.basename, "/a/b"), run_limited(os.path.basename, "/a/c")))
    reader.close()


def test_a_worker_of_celerys_may_have_a_reading_child() -> None:
    answers = billiard.Queue()
    worker = billiard.Process(target=_read_in_a_worker, args=(answers,), daemon=True)
    worker.start()
    assert answers.get(timeout=60) == ("b", "c")
    worker.join()
    answers.close()


def test_a_column_of_another_type_is_a_finding_and_costs_no_row(tmp_path: Path) -> None:
    whole = table(500)
    spec = spec_of(write(tmp_path / "before.parquet", whole))
    texts = whole.set_column(1, "price", pa.array([f"price {row}" for row in range(500)]))
    found = counted(write(tmp_path / "log.parquet", texts), spec)
    assert [one[:2] for one in found.findings] == [("retyped_column", "price")]
    assert sum(cell.rows for cell in found.cells) == 500


CANARY = "zebra-7f3a@example.org"


def canaries(tmp_path: Path) -> tuple[str, Spec]:
    data = pa.table(
        {
            "at": pa.array([1_700_006_400_000_000 + row for row in range(200)]).cast(pa.timestamp("us")),
            "version": pa.array(["1"] * 200),
            "mail": pa.array([CANARY if row % 2 else f"other-{row}@example.org" for row in range(200)]),
            "account": pa.array([88_123_457 + row for row in range(200)]),
            "salary": pa.array([123_456.789 + row for row in range(200)]),
        }
    )
    spec = Spec(
        (
            FeatureSpec(name="mail", kind=Kind.CATEGORY, vocabulary=(CANARY,)),
            FeatureSpec(name="account", kind=Kind.ID),
            FeatureSpec(name="salary", kind=Kind.NUMERIC, atoms=(123_456.789,)),
        )
    )
    return write(tmp_path / "log.parquet", data), spec


def test_no_value_of_a_sensitive_column_is_in_what_is_kept(tmp_path: Path) -> None:
    path, spec = canaries(tmp_path)
    sensitive = frozenset({"mail", "salary"})
    found = counted(path, spec, key="k" * 32, sensitive=sensitive)
    kept = kept_spec(spec, sensitive)
    states = load_states(kept, found.cells[0].data)
    told = repr(found) + repr(states) + kept.dumps().decode()
    assert CANARY not in told
    assert "123456.789" not in told
    assert states["salary"].minimum is None  # type: ignore[union-attr]
    assert states["mail"].table.overflow  # type: ignore[union-attr]


def test_ids_and_sensitive_texts_are_hashed_with_the_key(tmp_path: Path) -> None:
    path, spec = canaries(tmp_path)
    one, same, other = (
        counted(path, spec, key=key * 32, sensitive=frozenset({"mail"})).cells[0].digest for key in ("k", "k", "x")
    )
    assert one == same != other


def test_a_keyed_id_still_counts_distinct_values(tmp_path: Path) -> None:
    path, spec = canaries(tmp_path)
    found = counted(path, spec, key="k" * 32)
    state = load_states(kept_spec(spec, ()), found.cells[0].data)["account"]
    assert state.rows == 200
    assert state.nulls == 0


def test_a_file_that_changes_while_it_is_read_is_not_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "log.parquet", table(100))
    spec, tags = spec_of(path), iter(["before", "after"])
    monkeypatch.setattr("observability.engines.counting.tag_of", lambda source: next(tags))
    found = counted(path, spec)
    assert found.is_changed
    assert not found.cells
    assert found.identity == Identity(os.path.getsize(path), os.stat(path).st_mtime_ns, "after")


def test_hidden_and_half_written_names_and_folders_of_others_are_not_listed(tmp_path: Path) -> None:
    for name in ("a/b.parquet", "a/_tmp.parquet", "a/.c.parquet", "a/deep/d.parquet", "a/e.txt", "b/f.parquet"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    access = Access(root=f"file://{tmp_path}/")

    def names(is_deep: bool) -> list[str]:
        found = list_folders([Part(f"file://{tmp_path}/a/", is_deep)], access, _is_log)
        return [one.uri.rpartition("/a/")[2] for one in found.objects]

    assert names(False) == ["b.parquet"]
    assert names(True) == ["b.parquet", "deep/d.parquet"]


def _is_log(uri: str) -> bool:
    name = uri.rpartition("/")[2]
    return name.endswith(".parquet") and not name.startswith((".", "_"))


def test_a_marker_is_told_by_its_folder(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "_SUCCESS").touch()
    found = list_folders([Part(f"file://{tmp_path}/", True)], Access(root=f"file://{tmp_path}/"), _is_log, "_SUCCESS")
    assert found.markers == {f"file://{tmp_path}/a"}


def test_names_that_no_row_can_keep_are_counted(tmp_path: Path) -> None:
    (tmp_path / "ok.parquet").touch()
    with open(os.fsencode(tmp_path) + b"/bad-\xff.parquet", "wb"):
        pass
    found = list_folders([Part(f"file://{tmp_path}/", False)], Access(root=f"file://{tmp_path}/"), _is_log)
    assert (len(found.objects), found.unusable) == (1, 1)


def test_a_folder_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    found = list_folders([Part(f"file://{tmp_path}/none/", True)], Access(root=f"file://{tmp_path}/"), _is_log)
    assert not found.objects


def test_more_objects_than_may_be_listed_are_refused_with_the_way_out(tmp_path: Path) -> None:
    for number in range(4):
        (tmp_path / f"{number}.parquet").touch()
    with pytest.raises(StoreError, match="put the date into the address"):
        list_folders([Part(f"file://{tmp_path}/", False)], Access(root=f"file://{tmp_path}/"), _is_log, "", 3)
