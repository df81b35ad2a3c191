"""Connecting a log on the pages: where, columns, dry run, save. Workers are played by writing their answers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from baristaweb.lib.clock import now
from deployments.models import AuditEvent, Deployment
from deployments.tests import factories
from deployments.tests.fixtures import People, Places
from deployments.tests.views.seen import soup_of
from observability.domain.sources.columns import Column, Role
from observability.domain.specs.spec import FeatureSpec, Kind
from observability.models import LogSource, SampleRequest, StoreRoot
from observability.tests.sources import SPEC, make_credential, make_root, make_source

pytestmark = pytest.mark.django_db
ClientAs = Callable[[str], Client]
LOCATION = "gs://logs/ranker/dt={yyyy}-{mm}-{dd}/hh={hh}/*.parquet"
TIME = FeatureSpec(name="at", kind=Kind.TIMESTAMP, time_unit="ms", centre=0)
WINDOWS = {
    "window": "hour",
    "zone": "Europe/Berlin",
    "lateness_h": "2",
    "time_unit": "",
    "time_zone": "UTC",
    "retention_d": "90",
    "backfill_d": "30",
    "vanished": "keep",
    "engine": "local",
    "poll_s": "10",
    "max_object_mib": "2048",
}


@pytest.fixture
def dev(people: People, places: Places) -> Deployment:
    return factories.make_deployment(author=people.editor, namespace=places.dev, name="ranker")


@pytest.fixture
def prod(people: People, places: Places) -> Deployment:
    return factories.make_deployment(author=people.maintainer, namespace=places.prod, name="ranker")


@pytest.fixture
def root() -> StoreRoot:
    return make_root("gs://logs/", credential=make_credential("gs"))


def columns(extra: int = 0) -> list[dict[str, Any]]:
    found = [
        Column(name="at", type="timestamp[ms]", role=Role.TIME, feature=TIME),
        Column(name="score", type="double", role=Role.SCORE, feature=SPEC.by_name["score"]),
        Column(name="country", type="string", role=Role.FEATURE, feature=SPEC.by_name["country"], doubt="Code?"),
    ]
    found += [
        Column(name=f"f{n}", type="double", role=Role.FEATURE, feature=FeatureSpec(name=f"f{n}", kind=Kind.NUMERIC))
        for n in range(extra)
    ]
    return [one.to_json() for one in found]


def proposed(dev: Deployment, people: People, root: StoreRoot, extra: int = 0, **fields: Any) -> SampleRequest:
    question = {"root": root.pk, "location": LOCATION, "format": "", "marker": "", "name": "log"}
    objects = {"count": 3, "bytes": 3_000, "newest_at": now().isoformat(), "newest": "gs://logs/ranker/x"}
    result = {
        "objects": objects,
        "sampled": {"uri": "gs://logs/ranker/x", "rows": 100, "bad": 1, "reason": "row 7: expected a number, got text"},
        "columns": columns(extra),
    }
    given = {"answer": "done", "answered_at": now(), "result": result, "kind": "propose", "question": question} | fields
    return SampleRequest.objects.create(deployment=dev, author=people.editor, **given)


def tried(row: SampleRequest, **fields: Any) -> SampleRequest:
    """The dry run that the row's page asked for, answered."""
    made = SampleRequest.objects.filter(kind="dry-run").latest("created_at")
    made.result = {
        "objects": row.result["objects"] | {"days": [["2026-11-26", 24, 2_000], ["2026-11-27", 20, 1_000]]},
        "gaps": [["2026-11-26T05:00:00+00:00", "2026-11-26T07:00:00+00:00", 2]],
        "columns": {"time": {"column": "at", "unit": "", "zone": "UTC"}, "scores": ["score"], "features": ["country"]},
        "spec": SPEC.to_json(),
        "sensitive": ["country"],
        "sample": {
            "objects": 3,
            "rows": 300,
            "bad": 2,
            "reasons": [["score: expected a number, got text", 2]],
            "examples": [],
            "refused": [],
            "agreeing": 1.0,
        },
        "versions": ["1", ""],
        "findings": [],
        "speed": {"rows_s": 1000.0, "bytes_s": 1000.0},
        "kept_a_day": 2_000,
    } | fields
    made.answer, made.answered_at = "done", now()
    made.save()
    return made


def address(row: SampleRequest) -> str:
    return reverse("source-sample", args=[row.deployment.slug, row.pk])


def test_an_address_is_checked_and_a_worker_is_asked(client_as: ClientAs, dev: Deployment, root: StoreRoot) -> None:
    answer = client_as("editor").post(reverse("source-new", args=[dev.slug]), {"location": LOCATION, "name": "log"})
    row = SampleRequest.objects.get()
    assert answer.headers["Location"] == address(row)
    assert (row.kind, row.answer) == ("propose", "waiting")
    assert row.question["root"] == root.pk
    assert not LogSource.objects.exists()


@pytest.mark.parametrize(
    ("location", "said"),
    [
        ("gs://logs/fraud/x.csv", "belongs to another team"),
        ("gs://logs/**/*.csv", "a prefix of another team"),
        ("gs://logs/../x.csv", "are not followed"),
        ("file:///etc/passwd", "No root for this machine"),
        ("gs://elsewhere/x.csv", "outside of what your team may read"),
        ("", "This field is required"),
    ],
)
def test_a_place_that_may_not_be_read_is_refused_with_a_sentence(
    client_as: ClientAs, people: People, dev: Deployment, root: StoreRoot, location: str, said: str
) -> None:
    make_root("gs://logs/fraud/", team=people.other_team)
    answer = client_as("editor").post(
        reverse("source-new", args=[dev.slug]), {"location": location, "name": "log", "marker": "_DONE"}
    )
    assert answer.status_code == 422
    assert said in soup_of(answer).text
    assert soup_of(answer).select_one("#id_marker")["value"] == "_DONE"
    assert not SampleRequest.objects.exists()


def test_the_page_of_a_sample_polls_until_it_is_answered(
    client_as: ClientAs, people: People, dev: Deployment, root: StoreRoot
) -> None:
    row = proposed(dev, people, root, answer="waiting", result={}, progress="Reading the newest of 3 objects")
    client = client_as("editor")
    page = soup_of(client.get(address(row)))
    assert page.select_one("#waiting")["hx-trigger"] == "every 1s"
    assert "Reading the newest of 3 objects" in page.text
    SampleRequest.objects.filter(pk=row.pk).update(answer="done", result=proposed(dev, people, root).result)
    done = client.get(address(row), headers={"HX-Request": "true"})
    assert done.headers["HX-Redirect"] == address(row)
    assert soup_of(client.get(address(row))).select_one("#waiting") is None


def test_a_failed_sample_says_why(client_as: ClientAs, people: People, dev: Deployment, root: StoreRoot) -> None:
    row = proposed(dev, people, root, answer="failed", result={}, reason="No object matches <b>this</b> address.")
    page = client_as("editor").get(address(row)).content.decode()
    assert "No object matches &lt;b&gt;this&lt;/b&gt; address." in page


def test_a_sample_is_its_authors_and_of_one_day(
    client_as: ClientAs, people: People, dev: Deployment, root: StoreRoot
) -> None:
    row = proposed(dev, people, root)
    assert client_as("maintainer").get(address(row)).status_code == 404
    SampleRequest.objects.filter(pk=row.pk).update(created_at=now() - timedelta(hours=25))
    assert client_as("editor").get(address(row)).status_code == 404


def test_columns_are_shown_with_what_to_look_at(
    client_as: ClientAs, people: People, dev: Deployment, root: StoreRoot
) -> None:
    page = soup_of(client_as("editor").get(address(proposed(dev, people, root))))
    assert [row.select_one("code").text for row in page.select("#columns tbody tr")] == ["at", "score", "country"]
    assert page.select_one("select[name=c-1-role] option[selected]")["value"] == "score"
    assert "look" in page.select("#columns tbody tr")[2]["class"]


def test_trying_asks_a_worker_with_what_was_chosen(
    client_as: ClientAs, people: People, dev: Deployment, root: StoreRoot
) -> None:
    row = proposed(dev, people, root)
    chosen = {"shown": "0,1,2", "c-1-role": "left-out", "c-2-kind": "id", "c-2-sensitive": "on", "do": "try"}
    answer = client_as("editor").post(address(row), WINDOWS | chosen)
    made = SampleRequest.objects.get(kind="dry-run")
    assert answer.headers["Location"] == address(made)
    told = {one["name"]: one for one in made.question["proposal"]}
    assert told["score"]["role"] == "left-out"
    assert told["country"]["sensitive"]
    assert told["country"]["feature"]["vocabulary"] == []
    assert made.question["kinds"] == {"country": "id"}
    assert (made.question["zone"], made.question["lateness_s"]) == ("Europe/Berlin", 7_200)


def test_roles_that_do_not_fit_are_said_and_nothing_is_asked(
    client_as: ClientAs, people: People, dev: Deployment, root: StoreRoot
) -> None:
    row = proposed(dev, people, root)
    answer = client_as("editor").post(address(row), WINDOWS | {"shown": "0", "c-0-role": "feature", "do": "try"})
    assert answer.status_code == 422
    assert "event time" in soup_of(answer).select_one("[role=alert]").text
    assert not SampleRequest.objects.filter(kind="dry-run").exists()


def test_windows_that_do_not_fit_are_said(
    client_as: ClientAs, people: People, dev: Deployment, root: StoreRoot
) -> None:
    row = proposed(dev, people, root)
    wrong = {"zone": "Europe/Berlim", "retention_d": "10", "do": "try"}
    answer = client_as("editor").post(address(row), WINDOWS | wrong)
    assert answer.status_code == 422
    assert "Europe/Berlin" in soup_of(answer).text


def test_choices_on_one_page_of_many_columns_are_kept_on_the_next(
    client_as: ClientAs, people: People, dev: Deployment, root: StoreRoot
) -> None:
    row = proposed(dev, people, root, extra=250)
    client = client_as("editor")
    page = soup_of(client.get(address(row)))
    assert len(page.select("#columns tbody tr")) == 100
    sent = {"shown": page.select_one("input[name=shown]")["value"], "c-1-role": "left-out", "do": "page:3"}
    after = client.post(address(row), WINDOWS | sent)
    assert after.headers["Location"].endswith("?page=3#columns")
    assert len(soup_of(client.get(after.headers["Location"])).select("#columns tbody tr")) == 53
    client.post(address(row), WINDOWS | {"shown": "", "do": "try"})
    told = {one["name"]: one for one in SampleRequest.objects.get(kind="dry-run").question["proposal"]}
    assert told["score"]["role"] == "left-out"


def test_what_was_tried_is_shown_and_then_saved(
    client_as: ClientAs, people: People, dev: Deployment, root: StoreRoot
) -> None:
    row = proposed(dev, people, root)
    client = client_as("editor")
    client.post(address(row), WINDOWS | {"shown": "", "do": "try"})
    made = tried(row)
    page = soup_of(client.get(address(made)))
    told = page.select_one("[aria-label='Dry run']").text
    assert "Folders without an object" in told
    assert "score: expected a number, got text" in told
    assert "about" in page.select_one("[aria-label='What saving would do']").text
    answer = client.post(address(made), {"do": "save", "note": "for the tests"})
    source = LogSource.objects.get()
    assert answer.headers["Location"] == reverse("source", args=[dev.slug, "log"])
    assert (source.root, source.location, source.retention_d) == (root, LOCATION, 90)
    assert source.spec.sensitive == ["country"]
    assert source.spec.zone == "Europe/Berlin"
    assert source.backfills.get().by
    kinds = set(AuditEvent.objects.filter(object_type="logsource").values_list("kind", flat=True))
    assert kinds == {"logsource.connected", "logsource.backfill_started"}


def test_a_sample_alone_cannot_be_saved(client_as: ClientAs, people: People, dev: Deployment, root: StoreRoot) -> None:
    answer = client_as("editor").post(address(proposed(dev, people, root)), {"do": "save"})
    assert answer.status_code == 409
    assert not LogSource.objects.exists()


def test_a_source_of_production_takes_a_maintainer(client_as: ClientAs, prod: Deployment) -> None:
    url = reverse("source-new", args=[prod.slug])
    assert client_as("editor").get(url).status_code == 403
    assert client_as("maintainer").get(url).status_code == 200


def test_a_root_that_was_given_to_another_team_meanwhile_is_not_saved(
    client_as: ClientAs, people: People, dev: Deployment, root: StoreRoot
) -> None:
    row = proposed(dev, people, root)
    client = client_as("editor")
    client.post(address(row), WINDOWS | {"shown": "", "do": "try"})
    made = tried(row)
    make_root("gs://logs/ranker/", team=people.other_team)
    answer = client.post(address(made), {"do": "save"})
    assert answer.status_code == 409
    assert "another team" in soup_of(answer).select_one("[role=alert]").text


def test_settings_are_saved_without_a_sample(client_as: ClientAs, dev: Deployment) -> None:
    source = make_source(dev, "file:///srv/logs", name="log")
    url = reverse("source-edit", args=[dev.slug, "log"])
    sent = WINDOWS | {"zone": "UTC", "lateness_h": "5", "backfill_d": "0", "do": "settings", "based_on": source.version}
    assert client_as("editor").post(url, sent).status_code == 302
    source.refresh_from_db()
    assert source.lateness_s == 5 * 3_600
    assert source.specs.count() == 1
    assert client_as("editor").post(url, sent).status_code == 409  # somebody changed it meanwhile
    again = sent | {"zone": "Europe/Berlin", "based_on": source.version}
    assert client_as("editor").post(url, again).status_code == 302
    assert [spec.zone for spec in source.specs.order_by("number")] == ["UTC", "Europe/Berlin"]
