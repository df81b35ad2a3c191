"""The pages of data in their states: nothing connected, first window, moved, two versions, gaps, hostile names."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bs4 import BeautifulSoup
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from baristaweb.lib.clock import now
from deployments.models import AuditEvent, Deployment
from deployments.tests import factories
from deployments.tests.fixtures import People, Places
from observability.actions import changes
from observability.evaluation import health, judge
from observability.models import ChangeEvent, FeatureNow, LogSource, SourceSpec
from observability.queries.rules import rules_of
from observability.tests.stored import Columns, connected, fill, hour

pytestmark = pytest.mark.django_db


@pytest.fixture
def deployment(people: People, places: Places) -> Deployment:
    return factories.make_deployment(author=people.maintainer, namespace=places.dev)


@pytest.fixture
def source(deployment: Deployment, tmp_path: Path) -> LogSource:
    return connected(deployment, tmp_path)


@pytest.fixture
def viewer(client_as: Callable[[str], Client]) -> Client:
    return client_as("viewer")


def dear(since: datetime) -> Any:
    def change(found: Columns, start: datetime, version: str) -> Columns:
        return found | {"price": found["price"] * 1_000} if start >= since else found

    return change


def text(client: Client, name: str, *arguments: object, **query: str) -> str:
    answer = client.get(reverse(name, args=arguments), query)
    assert answer.status_code == 200, answer.status_code
    return " ".join(BeautifulSoup(answer.content, "html.parser").get_text(" ").split())


def soup(client: Client, name: str, *arguments: object, **query: str) -> BeautifulSoup:
    answer = client.get(reverse(name, args=arguments), query)
    assert answer.status_code == 200, answer.status_code
    return BeautifulSoup(answer.content, "html.parser")


def test_without_a_log_the_page_says_so_and_shows_no_chart(deployment: Deployment, viewer: Client) -> None:
    page = soup(viewer, "deployment-data", deployment.slug)
    assert "No log is connected" in page.get_text()
    assert not page.select("svg.pl")


def test_before_the_first_window_the_page_says_what_is_waited_for(source: LogSource, viewer: Client) -> None:
    assert "No window has closed yet" in text(viewer, "deployment-data", source.deployment.slug)


def test_the_first_window_is_drawn_though_it_is_not_judged(source: LogSource, viewer: Client) -> None:
    fill(source, hours=1)
    judge.evaluate(source.pk)
    page = soup(viewer, "deployment-data", source.deployment.slug)
    assert "The first windows are the baseline" in page.get_text()
    assert page.select("svg.pl path")


def test_the_first_sentence_names_what_moved_and_since_when(source: LogSource, viewer: Client) -> None:
    since = hour(now()) - timedelta(hours=3)
    fill(source, hours=40, change=dear(since))
    judge.evaluate(source.pk)
    page = soup(viewer, "deployment-data", source.deployment.slug)
    verdict = " ".join(page.select("section.verdict")[-1].get_text(" ").split())
    assert verdict.startswith("price")
    assert f"{since:%H:%M}" in verdict
    assert "The newest window ended" in verdict
    reason = page.select_one("td.why").get_text()
    assert reason.startswith("Values are about 1,000 times as large, as after another unit: the median went from ")


def test_the_change_before_is_linked_from_the_sentence(source: LogSource, viewer: Client) -> None:
    since = hour(now()) - timedelta(hours=3)
    fill(source, hours=40, change=dear(since))
    judge.evaluate(source.pk)
    make_change(source.deployment, since - timedelta(minutes=10), "prices in cents")
    page = soup(viewer, "deployment-data", source.deployment.slug)
    assert "prices in cents" in page.select("section.verdict")[-1].get_text()
    assert page.select("svg.rail a title")


def make_change(deployment: Deployment, at: datetime, title: str) -> ChangeEvent:
    return changes.post(deployment=deployment, kind="upstream", title=title, occurred_at=at, link="", by=factories.BY)


def test_what_moved_most_is_first_in_the_list(source: LogSource, viewer: Client) -> None:
    fill(source, hours=40, change=dear(hour(now()) - timedelta(hours=3)))
    judge.evaluate(source.pk)
    page = soup(viewer, "deployment-features", source.deployment.slug)
    names = [link.get_text() for link in page.select("#feature-rows th .name")]
    assert names[0] == "price"
    assert len(names) == 6
    by_name = soup(viewer, "deployment-features", source.deployment.slug, sort="name")
    assert [link.get_text() for link in by_name.select("#feature-rows th .name")] == sorted(names)


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"q": "pri"}, ["price"]),
        ({"view": "bad"}, ["price"]),
        ({"kind": "category"}, ["city"]),
        ({"q": "nothing"}, []),
        ({"view": "broken"}, []),
    ],
)
def test_features_are_searched_and_filtered(
    source: LogSource, viewer: Client, query: dict[str, str], names: list[str]
) -> None:
    fill(source, hours=40, change=dear(hour(now()) - timedelta(hours=3)))
    judge.evaluate(source.pk)
    page = soup(viewer, "deployment-features", source.deployment.slug, **query)
    assert [link.get_text() for link in page.select("#feature-rows th .name")] == names


def place_of(name: str) -> int:
    return FeatureNow.objects.get(name=name).place


def test_a_number_shows_both_distributions_and_explains_its_statistic(source: LogSource, viewer: Client) -> None:
    fill(source, hours=40, change=dear(hour(now()) - timedelta(hours=20)))
    judge.evaluate(source.pk)
    page = soup(viewer, "deployment-feature", source.deployment.slug, place_of("price"), explain="psi")
    assert page.select("path.cur")
    assert page.select("path.base")
    rows = page.select("#explain tbody tr")
    added = sum(float(row.select("td")[-1].get_text()) for row in rows[:-1])
    assert added == pytest.approx(float(rows[-1].select("td")[-1].get_text()), abs=0.002)
    assert "ln(q / p)" in page.select_one("#explain .formula").get_text()


def test_a_category_shows_its_values_and_a_rename(source: LogSource, viewer: Client) -> None:
    end = hour(now())
    since = end - timedelta(hours=8)

    def change(found: Columns, start: datetime, version: str) -> Columns:
        is_changed = start >= since
        return found | {"city": np.where(found["city"] == "city0", "City 0", found["city"])} if is_changed else found

    fill(source, hours=30, change=change)
    judge.evaluate(source.pk)
    ranges = {"since": since, "until": end, "against_since": since - timedelta(hours=8), "against_until": since}
    query = {name: f"{at:%Y-%m-%dT%H:%M}" for name, at in ranges.items()}
    seen = text(viewer, "deployment-feature", source.deployment.slug, place_of("city"), **query)
    assert "it looks like a rename" in seen


@pytest.mark.parametrize("drawn", ["linear", "log", "cumulative"])
def test_each_drawing_works(source: LogSource, viewer: Client, drawn: str) -> None:
    fill(source, hours=30)
    judge.evaluate(source.pk)
    page = soup(viewer, "deployment-feature", source.deployment.slug, place_of("price"), drawn=drawn)
    assert page.select_one(f'nav a[aria-current="true"]:-soup-contains("{drawn}")')


@pytest.mark.parametrize("tool", ["evidently", "nannyml", "phoenix"])
def test_other_tools_numbers_are_shown_from_the_same_rows(source: LogSource, viewer: Client, tool: str) -> None:
    fill(source, hours=30)
    judge.evaluate(source.pk)
    seen = text(viewer, "deployment-feature", source.deployment.slug, place_of("price"), **{"as": tool})
    assert f"As {tool.capitalize()} counts it" in seen


def test_two_chosen_ranges_are_compared(source: LogSource, viewer: Client) -> None:
    end = hour(now())
    fill(source, hours=40, change=dear(end - timedelta(hours=10)))
    judge.evaluate(source.pk)
    ranges = {
        "since": end - timedelta(hours=5),
        "until": end,
        "against_since": end - timedelta(hours=9),
        "against_until": end - timedelta(hours=5),
    }
    query = {name: f"{moment:%Y-%m-%dT%H:%M}" for name, moment in ranges.items()}
    page = soup(viewer, "deployment-feature", source.deployment.slug, place_of("price"), explain="psi", **query)
    total = float(page.select("#explain tr.sum td")[-1].get_text())
    assert total < 0.05  # both sides have the new prices
    whole = soup(viewer, "deployment-feature", source.deployment.slug, place_of("price"), explain="psi")
    assert float(whole.select("#explain tr.sum td")[-1].get_text()) > 0.1


def test_a_range_that_ends_before_it_begins_is_said(source: LogSource, viewer: Client) -> None:
    fill(source, hours=26)
    judge.evaluate(source.pk)
    query = {"since": "2026-01-02T00:00", "until": "2026-01-01T00:00"}
    answer = viewer.get(reverse("deployment-feature", args=[source.deployment.slug, 0]), query)
    assert answer.status_code == 422
    assert "The end comes after the beginning" in answer.content.decode()


def test_an_empty_range_says_that_nothing_is_there(source: LogSource, viewer: Client) -> None:
    fill(source, hours=26)
    judge.evaluate(source.pk)
    query = {"since": "2020-01-01T00:00", "until": "2020-01-02T00:00"}
    assert "Nothing to compare" in text(viewer, "deployment-feature", source.deployment.slug, 0, **query)


def test_a_feature_that_is_not_there_is_missing(source: LogSource, viewer: Client) -> None:
    fill(source, hours=26)
    judge.evaluate(source.pk)
    assert viewer.get(reverse("deployment-feature", args=[source.deployment.slug, 999])).status_code == 404


def test_predictions_are_shown_by_version(source: LogSource, viewer: Client) -> None:
    fill(source, hours=30, versions=("1", "2"))
    judge.evaluate(source.pk)
    seen = text(viewer, "deployment-predictions", source.deployment.slug)
    assert "score" in seen
    assert "clicked" in seen
    assert "By version, same hours" in seen


def test_a_hostile_name_stays_text(deployment: Deployment, viewer: Client, tmp_path: Path) -> None:
    source = connected(deployment, tmp_path)
    name = "<script>alert(1)</script>\u202e{{7*7}}" + "x" * 300
    row = source.spec
    spec = json.loads(json.dumps(row.spec))
    spec["features"][0]["name"] = name
    other = SourceSpec.objects.create(
        source=source, number=2, spec=spec, columns=row.columns, window="hour", zone="UTC"
    )
    LogSource.objects.filter(pk=source.pk).update(spec=other)
    source.refresh_from_db()
    fill(source, hours=26, change=lambda found, *_: found | {name: found["price"]})
    judge.evaluate(source.pk)
    for url in ("deployment-data", "deployment-features"):
        answer = viewer.get(reverse(url, args=[deployment.slug]))
        assert answer.status_code == 200
        assert "<script>alert" not in answer.content.decode()
    assert viewer.get(reverse("deployment-feature", args=[deployment.slug, 0])).status_code == 200


def test_an_export_is_audited_and_csv_is_no_formula(source: LogSource, viewer: Client) -> None:
    fill(source, hours=26)
    judge.evaluate(source.pk)
    answer = viewer.post(reverse("deployment-features-export", args=[source.deployment.slug]), {"format": "csv"})
    lines = b"".join(answer).decode().splitlines()
    assert len(lines) == 7
    event = AuditEvent.objects.order_by("-seq").first()
    assert (event.kind, event.facts["features"], event.facts["sensitive"]) == ("data.exported", 6, False)


def test_a_feature_as_json_has_its_windows_and_its_explanation(source: LogSource, viewer: Client) -> None:
    fill(source, hours=26)
    judge.evaluate(source.pk)
    url = reverse("deployment-feature-export", args=[source.deployment.slug, place_of("price")])
    found = viewer.post(url, {"format": "json", "explain": "psi"}).json()
    assert len(found["windows"]) == 26
    assert found["explained"]["statistic"] == "psi"


def test_sensitive_columns_take_a_maintainer(source: LogSource, client_as: Callable[[str], Client]) -> None:
    fill(source, hours=26)
    judge.evaluate(source.pk)
    FeatureNow.objects.filter(name="age").update(is_sensitive=True)
    url = reverse("deployment-feature-export", args=[source.deployment.slug, place_of("age")])
    assert client_as("viewer").post(url, {"format": "csv"}).status_code == 403
    assert client_as("maintainer").post(url, {"format": "csv"}).status_code == 200
    listed = client_as("viewer").post(reverse("deployment-features-export", args=[source.deployment.slug]))
    assert "age" not in b"".join(listed).decode()


def test_before_and_after_a_revision_names_what_moved(source: LogSource, viewer: Client) -> None:
    deployment = source.deployment
    saved = deployment.revisions.get(number=1).saved_at
    fill(source, hours=40, until=saved + timedelta(hours=10), change=dear(saved))
    judge.evaluate(source.pk)
    page = soup(viewer, "deployment-revision-data", deployment.slug, 1)
    assert "of 6 moved" in page.get_text()
    moved = [row.select_one("th a").get_text() for row in page.select("tbody tr") if row.select_one("b.t-warn")]
    assert moved == ["price"]


def test_a_change_is_told_once_and_taken_back(source: LogSource, client_as: Callable[[str], Client]) -> None:
    editor, slug = client_as("editor"), source.deployment.slug
    given = {"title": "Sale", "kind": "campaign", "occurred_at": f"{now() - timedelta(days=2):%Y-%m-%dT%H:%M}"}
    for _ in range(2):
        assert editor.post(reverse("deployment-change-events", args=[slug]), given).status_code == 302
    told = ChangeEvent.objects.get()
    assert AuditEvent.objects.filter(kind="changeevent.posted").count() == 1
    assert editor.post(reverse("deployment-change-withdraw", args=[slug, told.pk])).status_code == 302
    told.refresh_from_db()
    assert told.withdrawn_at is not None


def test_a_change_far_ahead_is_refused(source: LogSource, client_as: Callable[[str], Client]) -> None:
    given = {"title": "Sale", "kind": "campaign", "occurred_at": f"{now() + timedelta(days=9):%Y-%m-%dT%H:%M}"}
    answer = client_as("editor").post(reverse("deployment-change-events", args=[source.deployment.slug]), given)
    assert answer.status_code == 422
    assert not ChangeEvent.objects.exists()


def test_rules_are_saved_and_an_old_form_is_refused(source: LogSource, client_as: Callable[[str], Client]) -> None:
    editor, url = client_as("editor"), reverse("deployment-baseline", args=[source.deployment.slug])
    given = {"do": "rules", "k": "3", "n": "5", "min_rows": "500", "thresholds": "psi 0.25", "based_on": "0"}
    assert editor.post(url, given).status_code == 302
    assert rules_of(source).thresholds == {"psi": 0.25}
    answer = editor.post(url, given | {"k": "1"})
    assert answer.status_code in (409, 422)
    assert "Somebody else changed the rules" in answer.content.decode()


def test_k_of_n_that_cannot_be_is_said(source: LogSource, client_as: Callable[[str], Client]) -> None:
    url = reverse("deployment-baseline", args=[source.deployment.slug])
    given = {"do": "rules", "k": "9", "n": "5", "min_rows": "500", "thresholds": "", "based_on": "0"}
    answer = client_as("editor").post(url, given)
    assert answer.status_code == 422
    assert "k must not be more than n" in answer.content.decode()


def test_the_fleet_has_a_column_of_data_that_sorts_and_filters(source: LogSource, viewer: Client) -> None:
    fill(source, hours=40, change=dear(hour(now()) - timedelta(hours=3)))
    judge.evaluate(source.pk)
    name = source.deployment.name
    for query in ({"sort": "data"}, {"sort": "-data"}, {"column": "data:drift"}, {}):
        assert name in text(viewer, "fleet", **query)
    assert "Nothing matches" in text(viewer, "fleet", column="data:ok")
    assert "1 of 1 model differs from the baseline" in text(viewer, "fleet-data")


def test_a_model_of_another_team_is_not_in_the_fleet_of_data(
    source: LogSource, client_as: Callable[[str], Client]
) -> None:
    fill(source, hours=26)
    judge.evaluate(source.pk)
    assert source.deployment.name not in text(client_as("stranger"), "fleet-data")


def test_the_overview_loads_the_line_about_data_by_its_address(source: LogSource, viewer: Client) -> None:
    page = soup(viewer, "deployment-detail", source.deployment.slug)
    url = reverse("deployment-data-part", args=[source.deployment.slug])
    assert page.select_one(f'[hx-get="{url}"] a')
    assert "No window has closed yet" in text(viewer, "deployment-data-part", source.deployment.slug)


def test_queries_do_not_grow_with_windows_and_features(source: LogSource, viewer: Client) -> None:
    fill(source, hours=26)
    judge.evaluate(source.pk)
    slug = source.deployment.slug
    names = [("deployment-data", slug), ("deployment-features", slug), ("deployment-feature", slug, 0)]

    def counted() -> list[int]:
        found = []
        for name, *arguments in names:
            viewer.get(reverse(name, args=arguments))
            with CaptureQueriesContext(
                connection,
            ) as captured:
                viewer.get(reverse(name, args=arguments))
            found.append(len(captured))
        return found

    few = counted()
    fill(source, hours=90, until=hour(now()) - timedelta(hours=26))
    judge.evaluate(source.pk, anew=True)
    assert counted() == few
    assert max(few) <= 45


def test_a_page_without_scripts_has_everything(source: LogSource, viewer: Client) -> None:
    fill(source, hours=30)
    judge.evaluate(source.pk)
    for name, *arguments in (("deployment-data",), ("deployment-features",), ("deployment-feature", 0)):
        page = soup(viewer, name, source.deployment.slug, *arguments)
        assert not page.select("[style], [onclick], script:not([src])")
        assert all(link.get("href") for link in page.select("main a"))


def test_what_stopped_is_shown_where_it_stopped(source: LogSource, viewer: Client) -> None:
    fill(source, hours=40, until=now() - timedelta(days=3))
    judge.evaluate(source.pk)
    health.refresh(source)
    assert "No rows for 72 hours" in text(viewer, "deployment-data", source.deployment.slug) or "3 days" in text(
        viewer, "deployment-data", source.deployment.slug
    )
