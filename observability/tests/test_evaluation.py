"""Closed windows become verdicts: when, against what, once, and again when something changed."""

from __future__ import annotations

from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from django.core.management import CommandError, call_command

from baristaweb.lib.clock import now
from deployments.models import Deployment
from deployments.tests import factories
from deployments.tests.factories import BY
from deployments.tests.fixtures import People, Places
from observability.actions import baselines
from observability.domain.results.health import DataState
from observability.evaluation import due, judge
from observability.models import (
    Baseline,
    DataHealth,
    FeatureNow,
    FeatureVerdict,
    JudgedWindow,
    LogSource,
    ReferenceShelf,
    SourceVerdict,
    StoredWindow,
)
from observability.queries import evaluations, shelves
from observability.tests.stored import Columns, connected, drawn, fill, hour, stored

pytestmark = pytest.mark.django_db


@pytest.fixture
def deployment(people: People, places: Places) -> Deployment:
    return factories.make_deployment(author=people.maintainer, namespace=places.dev)


@pytest.fixture
def source(deployment: Deployment, tmp_path: Path) -> LogSource:
    return connected(deployment, tmp_path)


def dear(since: datetime) -> Any:
    """Prices are a thousandfold from then on."""

    def change(found: Columns, start: datetime, version: str) -> Columns:
        return found | {"price": found["price"] * 1_000} if start >= since else found

    return change


def verdicts(name: str = "price") -> list[str]:
    """Of one feature, window by window."""
    place = FeatureNow.objects.get(name=name).place
    return list(FeatureVerdict.objects.filter(place=place).order_by("start").values_list("verdict", flat=True))


def test_nothing_is_due_without_a_closed_window(source: LogSource) -> None:
    assert not evaluations.due(now()).exists()


def test_a_closed_window_makes_a_source_due_once(source: LogSource) -> None:
    fill(source, hours=26)
    assert list(evaluations.due(now())) == [source]
    assert due.claim(source.pk)
    assert not due.claim(source.pk)
    assert not evaluations.due(now()).exists()  # somebody has it
    SourceVerdict.objects.update(claimed_until=None)
    due.do(source.pk)
    assert not evaluations.due(now()).exists()


def test_hours_that_became_a_day_do_not_make_a_source_due_for_ever(source: LogSource) -> None:
    made = fill(source, hours=30)
    judge.evaluate(source.pk)
    StoredWindow.objects.filter(pk=made[0].pk).update(length="day", replaced_at=now())
    assert not evaluations.due(now()).exists()


def test_the_first_day_is_gathered_and_not_judged(source: LogSource) -> None:
    fill(source, hours=10)
    judge.evaluate(source.pk)
    assert set(JudgedWindow.objects.values_list("verdict", flat=True)) == {"not enough data"}
    assert "first day is being gathered" in FeatureNow.objects.get(name="price").reason
    assert DataHealth.objects.get().state == DataState.GATHERING


def test_windows_like_their_baseline_are_stable(source: LogSource) -> None:
    fill(source, hours=40)
    judge.evaluate(source.pk)
    assert set(verdicts()[:24]) == {"not enough data"}
    assert set(verdicts()[24:]) == {"stable"}
    health = DataHealth.objects.get()
    assert (health.state, health.moved, health.features) == (DataState.OK, 0, 6)


def test_a_feature_moves_in_the_first_window_and_drifts_by_the_second(source: LogSource) -> None:
    changed = hour(now()) - timedelta(hours=4)
    fill(source, hours=40, change=dear(changed))
    judge.evaluate(source.pk)
    assert verdicts()[-5:] == ["stable", "moved", "drift", "drift", "drift"]
    found = FeatureNow.objects.get(name="price")
    assert (found.verdict, found.moved_since) == ("drift", changed)
    assert DataHealth.objects.get().since == changed
    assert FeatureNow.objects.order_by("-severity", "-ratio").first() == found


def test_a_change_on_the_second_day_never_becomes_the_baseline(source: LogSource) -> None:
    end = hour(now())
    fill(source, hours=74, change=dear(end - timedelta(hours=40)))
    judge.evaluate(source.pk)
    assert set(verdicts()[-40:]) == {"moved", "drift"}
    whole = ReferenceShelf.objects.get(pk=JudgedWindow.objects.order_by("-start").values("reference")[:1])
    price, age = (shelves.of_reference(whole, FeatureNow.objects.get(name=name).place) for name in ("price", "age"))
    assert price.rows < age.rows
    assert (price.maximum or 0) < 100_000


def test_windows_without_a_column_say_so_and_the_feature_is_broken(source: LogSource) -> None:
    gone = hour(now()) - timedelta(hours=2)

    def change(found: Columns, start: datetime, version: str) -> Columns:
        return {name: found[name] for name in found if name != "age" or start < gone}

    fill(source, hours=30, change=change)
    judge.evaluate(source.pk)
    assert [name for name, _ in FeatureNow.objects.get(name="age").findings] == ["unread"]
    said = [len(row.findings) for row in JudgedWindow.objects.order_by("start")]
    assert said == [0] * 28 + [1, 1]
    assert DataHealth.objects.get().state == DataState.BROKEN


def test_going_on_gives_what_one_run_over_all_gives(source: LogSource, deployment: Deployment) -> None:
    end = hour(now())
    changed = end - timedelta(hours=3)
    fill(source, hours=36, until=end - timedelta(hours=4))
    judge.evaluate(source.pk)
    rng = np.random.default_rng(9)
    for place in (4, 3, 2, 1):
        start = end - timedelta(hours=place)
        found = dear(changed)(drawn(1_200, rng), start, "1")
        stored(source, source.spec, [(start, "1", found)])
        judge.evaluate(source.pk)
    steps = verdicts()
    since = FeatureNow.objects.get(name="price").moved_since
    judge.evaluate(source.pk, anew=True)
    assert steps[-4:] == verdicts()[-4:] == ["stable", "moved", "drift", "drift"]
    assert since == FeatureNow.objects.get(name="price").moved_since == changed


def test_evaluating_twice_judges_nothing_the_second_time(source: LogSource) -> None:
    fill(source, hours=30)
    assert judge.evaluate(source.pk) == 30
    before = set(JudgedWindow.objects.values_list("pk", flat=True))
    assert judge.evaluate(source.pk) == 0
    assert set(JudgedWindow.objects.values_list("pk", flat=True)) == before


def test_late_rows_judge_their_window_again_and_those_after_it(source: LogSource) -> None:
    made = fill(source, hours=30)
    judge.evaluate(source.pk)
    late = made[-3]
    found = drawn(1_500, np.random.default_rng(3))
    stored(source, source.spec, [(late.start, "1", found | {"price": found["price"] * 1_000})])
    assert list(evaluations.due(now())) == [source]
    judge.evaluate(source.pk)
    assert verdicts()[-4:] == ["stable", "moved", "stable", "stable"]
    assert JudgedWindow.objects.get(start=late.start).rows == 1_500


def test_small_windows_join_and_go_on_joining(source: LogSource) -> None:
    end = hour(now())
    fill(source, hours=40, until=end - timedelta(hours=4))
    judge.evaluate(source.pk)
    rng = np.random.default_rng(5)
    for place in (4, 3, 2, 1):
        stored(source, source.spec, [(end - timedelta(hours=place), "1", drawn(400, rng))])
        judge.evaluate(source.pk)
    last = JudgedWindow.objects.order_by("-start")[:2]
    assert [(row.rows, row.end - row.start) for row in last] == [
        (400, timedelta(hours=1)),
        (1_200, timedelta(hours=3)),
    ]


@pytest.mark.parametrize("is_anew", [False, True])
def test_a_verdict_stands_while_the_next_window_has_too_few_rows(source: LogSource, is_anew: bool) -> None:
    end = hour(now())
    changed = end - timedelta(hours=4)
    fill(source, hours=38, until=end - timedelta(hours=1), change=dear(changed))
    judge.evaluate(source.pk)
    stored(source, source.spec, [(end - timedelta(hours=1), "1", drawn(200, np.random.default_rng(5)))])
    judge.evaluate(source.pk, anew=is_anew)
    assert JudgedWindow.objects.order_by("-start")[0].verdict == "not enough data"
    found = FeatureNow.objects.get(name="price")
    assert (found.verdict, found.moved_since) == ("drift", changed)
    assert FeatureNow.objects.get(name="age").verdict == "stable"
    assert "price drifted" in DataHealth.objects.get().sentence


@pytest.mark.parametrize("is_anew", [False, True])
def test_a_version_that_has_just_begun_does_not_hide_the_one_that_serves(source: LogSource, is_anew: bool) -> None:
    end = hour(now())
    fill(source, hours=30, until=end - timedelta(hours=1))
    judge.evaluate(source.pk)
    stored(source, source.spec, [(end - timedelta(hours=1), "2", drawn(200, np.random.default_rng(5)))])
    judge.evaluate(source.pk, anew=is_anew)
    assert set(FeatureNow.objects.values_list("version", "verdict")) == {("1", "stable")}


def test_a_verdict_of_the_day_before_does_not_stand_for_ever(source: LogSource) -> None:
    end = hour(now())
    fill(source, hours=30, until=end - timedelta(hours=27))
    few = [(end - timedelta(hours=place), "1", drawn(20, np.random.default_rng(place))) for place in range(27, 0, -1)]
    stored(source, source.spec, few)
    judge.evaluate(source.pk)
    assert set(FeatureNow.objects.values_list("verdict", flat=True)) == {"not enough data"}


def test_a_second_version_is_compared_with_what_served_before(source: LogSource) -> None:
    end = hour(now())
    fill(source, hours=40, until=end - timedelta(hours=5))
    fill(source, hours=5, until=end, versions=("2",), change=lambda found, *_: found | {"age": found["age"] + 30})
    judge.evaluate(source.pk)
    newest = JudgedWindow.objects.order_by("-start").first()
    assert newest.version == "2"
    assert newest.reference.words == "version 1 before 2 served"
    assert newest.reference.rows == 40 * 1_200
    assert FeatureNow.objects.get(name="age").verdict == "drift"


def test_a_version_that_logs_differently_is_the_one_that_is_shown(source: LogSource) -> None:
    since = hour(now()) - timedelta(hours=6)

    def change(found: Columns, start: datetime, version: str) -> Columns:
        return found | {"age": np.zeros(len(found["age"]), np.int64)} if version == "2" and start >= since else found

    fill(source, hours=40, versions=("1", "2"), change=change)
    judge.evaluate(source.pk)
    found = FeatureNow.objects.get(name="age")
    assert (found.version, found.moved_since) == ("2", since)
    assert [name for name, _ in found.findings] == ["constant", "out_of_range"]
    assert DataHealth.objects.get().state == DataState.BROKEN


def test_a_gap_has_a_row_of_its_own(source: LogSource) -> None:
    end = hour(now())
    gone = [end - timedelta(hours=place) for place in (8, 7, 6)]
    fill(source, hours=80, skipped=lambda start: start in gone)
    judge.evaluate(source.pk)
    gap = JudgedWindow.objects.get(is_gap=True)
    assert (gap.start, gap.end, gap.version) == (gone[0], gone[-1] + timedelta(hours=1), "")
    assert [one["name"] for one in gap.findings] == ["missing_window"]


def test_a_gap_while_it_slept_expects_no_data(source: LogSource, deployment: Deployment) -> None:
    end = hour(now())
    gone = [end - timedelta(hours=place) for place in (8, 7, 6)]
    fill(source, hours=80, skipped=lambda start: start in gone)
    record = factories.put_to_sleep(deployment, opened_at=gone[0], closed_at=end - timedelta(hours=5))
    judge.evaluate(source.pk)
    gap = JudgedWindow.objects.get(is_gap=True)
    assert record.closed_at is not None
    assert (gap.verdict, gap.findings) == ("expected no data", [])


def test_data_that_stopped_are_said_to_have_stopped(source: LogSource) -> None:
    fill(source, hours=40, until=now() - timedelta(hours=12))
    judge.evaluate(source.pk)
    health = DataHealth.objects.get()
    assert health.state == DataState.NO_DATA
    assert "No rows for" in health.sentence


def test_rules_that_change_judge_everything_again(source: LogSource) -> None:
    changed = hour(now()) - timedelta(hours=4)
    fill(source, hours=40, change=dear(changed))
    judge.evaluate(source.pk)
    rules = {"k": 1, "n": 1, "min_rows": 1_000, "thresholds": {}}
    baselines.set_rules(source=source, rules=rules, based_on=0, by=BY, note="sooner")
    assert list(evaluations.due(now())) == [source]
    judge.evaluate(source.pk)
    assert verdicts()[-5:] == ["stable", "drift", "drift", "drift", "drift"]


def test_a_fixed_baseline_takes_the_place_of_the_first_week(source: LogSource) -> None:
    changed = hour(now()) - timedelta(hours=20)
    fill(source, hours=60, change=dear(changed))
    row = Baseline(source=source, how="range", since=changed, until=hour(now()))
    baselines.choose(row=row, by=BY, note="the new normal")
    judge.evaluate(source.pk)
    assert set(verdicts()[-18:]) == {"stable"}
    assert verdicts()[2] == "drift"


def test_the_days_before_are_a_baseline_that_follows(source: LogSource) -> None:
    changed = hour(now()) - timedelta(hours=80)
    fill(source, hours=150, change=dear(changed))
    baselines.choose(row=Baseline(source=source, how="trailing", days=2), by=BY, note="follows")
    judge.evaluate(source.pk)
    found = verdicts()
    assert found[-1] == "stable"  # both days before have the new prices
    assert "drift" in found


def test_a_column_that_is_gone_cannot_be_evaluated(source: LogSource) -> None:
    since = hour(now()) - timedelta(hours=2)

    def change(found: Columns, start: datetime, version: str) -> Columns:
        return {name: values for name, values in found.items() if name != "age"} if start >= since else found

    fill(source, hours=40, change=change)
    judge.evaluate(source.pk)
    assert verdicts("age")[-1] == "cannot be evaluated"
    assert FeatureNow.objects.get(name="age").null_rate is None


def test_a_null_burst_is_broken(source: LogSource) -> None:
    since = hour(now()) - timedelta(hours=2)
    rng = np.random.default_rng(4)

    def change(found: Columns, start: datetime, version: str) -> Columns:
        holes = pa.array(found["price"], mask=rng.random(len(found["price"])) < 0.4)
        return found | {"price": holes} if start >= since else found

    fill(source, hours=40, change=change)
    judge.evaluate(source.pk)
    found = FeatureNow.objects.get(name="price")
    assert found.null_rate == pytest.approx(0.4, abs=0.05)
    assert DataHealth.objects.get().state == DataState.BROKEN


def test_one_feature_is_read_alone(source: LogSource) -> None:
    made = fill(source, hours=26)
    judge.evaluate(source.pk)
    place = FeatureNow.objects.get(name="price").place
    whole = shelves.merged([row.pk for row in made], place)
    assert whole.rows == 26 * 1_200
    assert set(shelves.pieces_of([row.pk for row in made[:3]], place)) == {row.pk for row in made[:3]}


def test_levels_are_kept_with_each_window(source: LogSource) -> None:
    fill(source, hours=26)
    judge.evaluate(source.pk)
    city = FeatureNow.objects.get(name="city")
    row = FeatureVerdict.objects.filter(place=city.place).order_by("-start").first()
    assert city.names[0] == "city0"
    assert len(row.levels) == len(city.names)
    assert sum(row.levels) == pytest.approx(1.0, abs=1e-4)


def test_what_goes_wrong_is_kept_and_tried_again_later(source: LogSource, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(source, hours=26)

    def fails(*args: object, **options: object) -> int:
        raise RuntimeError("no memory")

    monkeypatch.setattr(judge, "evaluate", fails)
    due.do(source.pk)
    row = SourceVerdict.objects.get()
    assert row.error == "RuntimeError: no memory"
    assert row.claimed_until is not None
    assert row.claimed_until > now()
    assert not evaluations.due(now()).exists()


def test_the_command_judges_anew_and_names_what_is_unknown(source: LogSource, deployment: Deployment) -> None:
    fill(source, hours=26)
    out = StringIO()
    call_command("evaluate_windows", deployment.slug, "--anew", stdout=out)
    assert f"{deployment.slug}: 26 windows judged" in out.getvalue()
    with pytest.raises(CommandError, match="no log source"):
        call_command("evaluate_windows", "nobody", stdout=out)


def test_windows_of_an_older_spec_stay_and_are_not_judged_again(source: LogSource) -> None:
    fill(source, hours=26)
    judge.evaluate(source.pk)
    assert StoredWindow.objects.filter(spec=source.spec).count() == 26
    before = JudgedWindow.objects.count()
    judge.evaluate(source.pk)
    assert JudgedWindow.objects.count() == before
