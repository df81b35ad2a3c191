"""What workers answer to the source form, from real files: proposals, dry runs, refusals, and no value of a person."""

from __future__ import annotations

import gzip
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from baristaweb.lib.clock import now
from deployments.models import AuditEvent, Deployment
from deployments.tests import factories
from deployments.tests.factories import BY
from deployments.tests.fixtures import People, Places
from observability.actions import samples
from observability.domain.sources.columns import Role
from observability.forms import columns
from observability.ingest import sampling
from observability.models import SampleRequest, SourceSpec, StoreRoot
from observability.tests.sources import make_root
from observability.views import saving

pytestmark = pytest.mark.django_db
CANARY = "canary7731"
HOURLY = "dt={yyyy}-{mm}-{dd}/hh={hh}/*.parquet"
WINDOWS = {
    "window": "hour",
    "zone": "UTC",
    "time": {"unit": "", "zone": "UTC"},
    "lateness_s": 3_600,
    "retention_d": 90,
    "backfill_d": 2,
    "vanished": "keep",
    "engine": "local",
    "poll_s": 10,
    "max_object_bytes": 1 << 30,
}


@pytest.fixture
def deployment(people: People, places: Places) -> Deployment:
    return factories.make_deployment(author=people.maintainer, namespace=places.dev)


@pytest.fixture
def root(tmp_path: Path) -> StoreRoot:
    return make_root(f"file://{tmp_path}")


def hour(ago: int) -> datetime:
    return (now() - timedelta(hours=ago)).astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def write(folder: Path, ago: int, rows: int = 200) -> Path:
    """An object of the hour that began so many hours ago; its people are canaries."""
    begins = hour(ago)
    rng = np.random.default_rng(ago)
    path = folder / f"dt={begins:%Y-%m-%d}" / f"hh={begins:%H}" / "part-0.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    stamps = int(begins.timestamp() * 1_000) + np.arange(rows) * 1_000
    table = pa.table({
        "event_ts": pa.array(stamps, pa.timestamp("ms", tz="UTC")),
        "request_id": [f"{CANARY}-r-{n}" for n in range(rows)],
        "model_version": ["1", "2"] * (rows // 2),
        "score": rng.random(rows),
        "buyer_email": [f"{n % 7}.{CANARY}@example.com" for n in range(rows)],
        "nickname": [f"{CANARY}{n % 5}" for n in range(rows)],
        "price": rng.lognormal(2, 1, rows),
    })  # fmt: skip
    pq.write_table(table, path)
    return path


def ask(deployment: Deployment, people: People, root: StoreRoot, location: str, **more: object) -> SampleRequest:
    question = {"root": root.pk, "location": location, "format": "", "marker": "", "name": "log", **more}
    kind = SampleRequest.Kind.DRY_RUN if "proposal" in more else SampleRequest.Kind.PROPOSE
    row = samples.ask(kind=kind, deployment=deployment, by=people.maintainer, question=question)
    sampling.answer(str(row.pk))
    row.refresh_from_db()
    return row


def tried(
    deployment: Deployment,
    people: People,
    root: StoreRoot,
    location: str,
    choices: dict[str, dict[str, object]],
    **more: object,
) -> SampleRequest:
    """A dry run with choices by the column's name."""
    proposed = ask(deployment, people, root, location)
    assert proposed.answer == "done", proposed.reason
    told = proposed.result["columns"]
    places = {str(n): choices[one["name"]] for n, one in enumerate(told) if one["name"] in choices}
    rows = columns.read({"choices": places}, told)
    return ask(deployment, people, root, location, **(WINDOWS | more | columns.asked(rows)))


def test_a_sample_proposes_roles_from_the_newest_object(
    deployment: Deployment, people: People, root: StoreRoot, tmp_path: Path
) -> None:
    for ago in (1, 2, 3):
        write(tmp_path, ago)
    row = ask(deployment, people, root, f"file://{tmp_path}/{HOURLY}")
    assert row.answer == "done", row.reason
    assert row.result["objects"]["count"] == 3
    roles = {one["name"]: one["role"] for one in row.result["columns"]}
    assert roles["event_ts"] == Role.TIME
    assert roles["model_version"] == Role.VERSION
    assert roles["score"] == Role.SCORE
    [hidden] = [one["name"] for one in row.result["columns"] if one["sensitive"]]
    assert hidden == "buyer_email"


def test_a_dry_run_says_objects_rows_and_bytes_and_stores_nothing(
    deployment: Deployment, people: People, root: StoreRoot, tmp_path: Path
) -> None:
    for ago in (1, 2, 5):
        write(tmp_path, ago)
    before = AuditEvent.objects.count()
    row = tried(deployment, people, root, f"file://{tmp_path}/{HOURLY}", {})
    assert row.answer == "done", row.reason
    assert row.result["objects"]["count"] == 3
    assert row.result["sample"]["rows"] == 600
    assert row.result["sample"]["bad"] == 0
    assert row.result["sample"]["agreeing"] == 1.0
    assert [gap[2] for gap in row.result["gaps"]] == [2]
    assert row.result["versions"] == ["1", "2"]
    assert row.result["kept_a_day"] > 0
    assert AuditEvent.objects.count() == before
    assert not SourceSpec.objects.exists()


def test_a_dry_run_says_what_came_twice(
    deployment: Deployment, people: People, root: StoreRoot, tmp_path: Path
) -> None:
    first = write(tmp_path, 1)
    (first.parent / "part-0-again.parquet").write_bytes(first.read_bytes())
    write(tmp_path, 2, rows=100)
    row = tried(deployment, people, root, f"file://{tmp_path}/{HOURLY}", {})
    # The ids of the hour before are those of the first 100 rows again.
    assert row.result["repeated"] == {"rows": 500, "again": 300}


def test_a_dry_run_says_which_folders_wait_for_their_marker(
    deployment: Deployment, people: People, root: StoreRoot, tmp_path: Path
) -> None:
    (write(tmp_path, 1).parent / "_SUCCESS").touch()
    write(tmp_path, 2)
    row = tried(deployment, people, root, f"file://{tmp_path}/{HOURLY}", {}, marker="_SUCCESS")
    assert row.result["unmarked"] == {"marker": "_SUCCESS", "folders": 2, "without": 1}
    assert tried(deployment, people, root, f"file://{tmp_path}/{HOURLY}", {}).result["unmarked"] is None


def test_what_a_person_chose_is_what_is_saved(
    deployment: Deployment, people: People, root: StoreRoot, tmp_path: Path
) -> None:
    write(tmp_path, 1)
    choices = {
        "price": {"role": "left-out"},
        "nickname": {"sensitive": True},
        "buyer_email": {"kind": "text", "sensitive": True},
    }
    row = tried(deployment, people, root, f"file://{tmp_path}/{HOURLY}", choices)
    row.deployment = deployment
    source = saving.save(row, by=BY, note="")
    assert source.spec is not None
    by_name = source.spec.to_spec().by_name
    assert "price" not in by_name
    assert by_name["buyer_email"].kind == "text"
    assert sorted(source.spec.sensitive) == ["buyer_email", "nickname"]
    assert by_name["nickname"].vocabulary == ()
    assert source.backfills.count() == 1
    assert AuditEvent.objects.filter(kind="logsource.connected", object_id=str(source.pk)).count() == 1


def test_no_value_of_a_person_leaves_the_child(
    deployment: Deployment, people: People, root: StoreRoot, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write(tmp_path, 1)
    row = tried(deployment, people, root, f"file://{tmp_path}/{HOURLY}", {"nickname": {"sensitive": True}})
    row.deployment = deployment
    source = saving.save(row, by=BY, note="")
    everything = [row.question, row.result, row.reason, source.spec.spec, source.spec.columns]
    everything += list(AuditEvent.objects.values_list("changes", "facts", "note"))
    assert CANARY not in json.dumps(everything, default=str)
    assert CANARY not in caplog.text


def test_a_value_that_does_not_read_is_not_shown(
    deployment: Deployment, people: People, root: StoreRoot, tmp_path: Path
) -> None:
    lines: list[dict[str, object]] = [{"ts": int(now().timestamp()) - 100, "score": 0.5, "age": 7} for _ in range(500)]
    lines += [{"ts": int(now().timestamp()) - 100, "score": 0.5, "age": CANARY}]
    with gzip.open(tmp_path / "log.jsonl.gz", "wt") as out:
        out.writelines(json.dumps(line) + "\n" for line in lines)
    location = f"file://{tmp_path}/*.jsonl.gz"
    proposed = ask(deployment, people, root, location)
    assert proposed.answer == "done", proposed.reason
    told = proposed.result["columns"]
    rows = columns.read(
        {"choices": {str(n): {"sensitive": True} for n, one in enumerate(told) if one["name"] == "age"}}, told
    )
    row = ask(deployment, people, root, location, **WINDOWS, **columns.asked(rows))
    assert CANARY not in json.dumps([row.result, row.reason, row.question])


@pytest.mark.parametrize("kind", ["timestamp", "embedding", "boolean"])
def test_a_kind_that_does_not_fit_fails_with_the_column_and_the_reason(
    deployment: Deployment, people: People, root: StoreRoot, tmp_path: Path, kind: str
) -> None:
    write(tmp_path, 1)
    row = tried(deployment, people, root, f"file://{tmp_path}/{HOURLY}", {"nickname": {"kind": kind}})
    assert row.answer == "failed"
    assert row.reason.startswith("nickname:")
    assert CANARY not in row.reason


def test_nothing_that_matches_is_said(deployment: Deployment, people: People, root: StoreRoot, tmp_path: Path) -> None:
    row = ask(deployment, people, root, f"file://{tmp_path}/{HOURLY}")
    assert (row.answer, row.reason[:9]) == ("failed", "No object")


def test_a_damaged_object_gives_way_to_the_one_before(
    deployment: Deployment, people: People, root: StoreRoot, tmp_path: Path
) -> None:
    good, bad = write(tmp_path, 2), write(tmp_path, 1)
    bad.write_bytes(b"PAR1 this is none")
    os.utime(good, (1, 1))
    row = ask(deployment, people, root, f"file://{tmp_path}/{HOURLY}")
    assert row.answer == "done", row.reason
    assert row.result["sampled"]["uri"] == f"file://{good}"


def test_a_link_that_leaves_the_root_is_not_read(deployment: Deployment, people: People, tmp_path: Path) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    (inside / "log.parquet").symlink_to(write(outside, 1))
    row = ask(deployment, people, make_root(f"file://{inside}"), f"file://{inside}/*.parquet")
    assert row.answer == "failed"
    assert "link leads out" in row.reason


def test_an_undated_address_of_too_many_objects_is_told_to_date_it(
    deployment: Deployment, people: People, root: StoreRoot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(10_001):
        (tmp_path / f"{number}.csv").touch()
    row = ask(deployment, people, root, f"file://{tmp_path}/*.csv")
    assert row.answer == "failed"
    assert "{yyyy}" in row.reason


def test_a_root_that_was_switched_off_is_not_read(
    deployment: Deployment, people: People, root: StoreRoot, tmp_path: Path
) -> None:
    write(tmp_path, 1)
    StoreRoot.objects.filter(pk=root.pk)  # the row itself is the platform team's
    row = ask(deployment, people, StoreRoot(pk=root.pk + 1_000), f"file://{tmp_path}/{HOURLY}")
    assert "not read any more" in row.reason


def test_a_question_is_answered_once(deployment: Deployment, people: People, root: StoreRoot, tmp_path: Path) -> None:
    write(tmp_path, 1)
    row = ask(deployment, people, root, f"file://{tmp_path}/{HOURLY}")
    SampleRequest.objects.filter(pk=row.pk).update(result={"kept": True})
    sampling.answer(str(row.pk))
    row.refresh_from_db()
    assert row.result == {"kept": True}
