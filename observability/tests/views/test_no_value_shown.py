"""Values of sensitive columns and ids are planted in logs, counted by the importer, and looked for wherever they could
come to light: on every page, in exports, in the audit log, in every row of the database."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from django.apps import apps
from django.test import Client
from django.urls import reverse

from deployments.models import AuditEvent
from deployments.tests import factories
from deployments.tests.fixtures import People, Places
from observability.domain.specs.spec import FeatureSpec, Kind, Spec
from observability.evaluation import judge
from observability.ingest import work
from observability.models import LogSource, SourceFinding, SourceObject, StoredWindow
from observability.tests.importing import hour_ago, keep, put, read
from observability.tests.sources import make_source, make_spec_row

pytestmark = pytest.mark.django_db
CANARY = "canary7731"
LARGEST = 7_731_770.125
PLANTED = (CANARY, "7731770", "7,731,770", CANARY.encode().hex())
HOURS = 28
SPEC = Spec(
    (
        FeatureSpec(name="score", kind=Kind.NUMERIC, unit_exponent=-10),
        FeatureSpec(name="nickname", kind=Kind.CATEGORY),
        FeatureSpec(name="salary", kind=Kind.NUMERIC),
        FeatureSpec(name="person", kind=Kind.ID),
    )
)
COLUMNS = {
    "time": {"column": "at", "unit": "", "zone": "UTC"},
    "prediction_id": "request",
    "model_version": "version",
    "segment": "",
    "predictions": [],
    "scores": ["score"],
    "features": ["nickname", "salary", "person"],
}


def drawn(hour: datetime, rows: int, *, shift: float = 0.0) -> pa.Table:
    rng = np.random.default_rng(int(hour.timestamp()) // 3_600)
    start = int(hour.timestamp()) * 1_000_000
    salary = rng.lognormal(8 + shift, 1, rows)
    salary[0] = LARGEST
    return pa.table(
        {
            "at": pa.array([start + place * 1_000 for place in range(rows)]).cast(pa.timestamp("us")),
            "version": ["1"] * rows,
            "request": [f"{CANARY}-r{place}" for place in range(rows)],
            "score": rng.random(rows),
            "nickname": [f"{CANARY}-{int(code)}" for code in rng.integers(0, 5 if not shift else 9, rows)],
            "salary": salary,
            "person": [f"{CANARY}-p{int(code)}" for code in rng.integers(0, 300, rows)],
        }
    )


@pytest.fixture
def source(people: People, places: Places, importer: work.Importer, tmp_path: Path) -> LogSource:
    """A log of a day and more; the last hours moved, and the salaries of one object are texts of people."""
    deployment = factories.make_deployment(author=people.maintainer, namespace=places.dev)
    spec = make_spec_row(SPEC, columns=COLUMNS, sensitive=["nickname", "salary"])
    made = make_source(deployment, tmp_path, spec=spec, lateness_s=0)
    for ago in range(HOURS, 0, -1):
        put(tmp_path / f"{ago:02d}.parquet", drawn(hour_ago(ago), 1_100, shift=3.0 if ago < 5 else 0.0))
    texts = pa.array([f"{CANARY} euros"] * 40)
    table = drawn(hour_ago(2), 40)
    put(tmp_path / "texts.parquet", table.set_column(table.schema.get_field_index("salary"), "salary", texts))
    (tmp_path / "broken.parquet").write_bytes(b"PAR1" + CANARY.encode() * 20)
    read(importer, made)
    keep(made)
    judge.evaluate(made.pk)
    return made


def addresses(source: LogSource) -> Iterator[str]:
    deployment = source.deployment
    for name in (
        "deployment-detail", "deployment-data", "deployment-data-part", "deployment-per-thousand",
        "deployment-features", "deployment-predictions", "deployment-change-events",
        "deployment-baseline", "deployment-sources",
    ):  # fmt: skip
        yield reverse(name, args=[deployment.slug])
    for place in range(len(SPEC)):
        page = reverse("deployment-feature", args=[deployment.slug, place])
        yield from (page + asked for asked in ("", "?drawn=log", "?drawn=cumulative"))
        yield from (f"{page}?as={tool}" for tool in ("evidently", "nannyml", "phoenix"))
    yield reverse("deployment-revision-data", args=[deployment.slug, 1])
    yield reverse("fleet-data")
    yield reverse("sources")
    for name in ("source", "source-edit"):
        yield reverse(name, args=[deployment.slug, source.name])


def test_no_planted_value_is_on_any_page(source: LogSource, client_as: Callable[[str], Client]) -> None:
    assert StoredWindow.objects.filter(source=source, rows__gte=1_000).count() >= HOURS - 1
    assert SourceObject.objects.filter(source=source).exclude(reason="").exists()
    assert SourceFinding.objects.filter(source=source).exists()
    shown = 0
    for identity in ("viewer", "maintainer", "platform"):
        client = client_as(identity)
        for address in addresses(source):
            answer = client.get(address, follow=True)
            body = answer.content.decode()
            assert answer.status_code in (200, 403), f"{identity} {address}: {answer.status_code}"
            assert not [told for told in PLANTED if told in body], f"{identity} {address}"
            shown += answer.status_code == 200 and "salary" in body
    assert shown > 20  # pages that name the column


def test_no_planted_value_is_in_an_export(source: LogSource, client_as: Callable[[str], Client]) -> None:
    client = client_as("maintainer")
    slug = source.deployment.slug
    pages: list[tuple[str, list[object]]] = [("deployment-features-export", [slug])]
    pages += [("deployment-feature-export", [slug, place]) for place in range(len(SPEC))]
    for name, arguments in pages:
        for form in ("csv", "json"):
            answer = client.post(reverse(name, args=arguments), {"format": form})
            body = b"".join(answer) if answer.streaming else answer.content
            assert answer.status_code == 200
            assert not [told for told in PLANTED if told in body.decode()], f"{name} {arguments} {form}"


def test_no_planted_value_is_in_a_row_of_the_database(source: LogSource) -> None:
    looked_at = 0
    for model in [*apps.get_app_config("observability").get_models(), AuditEvent]:
        for row in model._default_manager.all():
            fields = {field.attname: getattr(row, field.attname) for field in model._meta.concrete_fields}
            told = " ".join(_told(value) for value in fields.values())
            assert not [planted for planted in PLANTED if planted in told], f"{model.__name__} {row.pk}"
            looked_at += 1
    assert looked_at > 100


def _told(value: object) -> str:
    """As text, unpacked where it is packed; a number that lies in it as eight bytes is named."""
    if not isinstance(value, bytes | memoryview):
        return str(value)
    raw = bytes(value)
    frames = [found.start() for found in re.finditer(re.escape(b"\x28\xb5\x2f\xfd"), raw)]
    for place in frames:
        with contextlib.suppress(OSError):
            raw += pa.input_stream(pa.py_buffer(raw[place:]), compression="zstd").read()
    planted = np.float64(LARGEST).tobytes()
    return raw.decode("latin-1") + ("7731770" if planted in raw or planted[::-1] in raw else "")
