"""Budgets in the transaction that saves: forecasts from rows, who may go over, and what the log keeps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.db import IntegrityError, transaction

from baristaweb.lib.clock import now
from deployments.actions import budgets, deployments, proposals, records, revisions
from deployments.actions.errors import OverBudget, Refused, Wrong
from deployments.audit import Actor
from deployments.domain.cost.budgets import Effect, Forecast, Level
from deployments.domain.spec.parts import Autoscale, Fixed
from deployments.models import AuditEvent, Budget, Deployment, Proposal, Revision, SleepSchedule, UsageSample, User
from deployments.queries import budgets as queries
from deployments.tests import factories
from deployments.tests.fixtures import People, Places

pytestmark = pytest.mark.django_db
HOUR = Decimal("0.025")  # one pod of cpu-small at the test prices
START = datetime(2026, 11, 6, tzinfo=UTC)
MIDDLE = datetime(2026, 11, 16, tzinfo=UTC)  # 360 h of November are left


@pytest.fixture
def deployment(people: People, places: Places) -> Deployment:
    """One pod since 6 November."""
    with time_machine.travel(START, tick=False):
        factories.make_price_list(places.dev.cluster, effective_at=START - timedelta(days=400))
        return factories.make_deployment(author=people.editor, namespace=places.dev, name="ranker")


@pytest.fixture(autouse=True)
def middle() -> Any:
    with time_machine.travel(MIDDLE, tick=False) as traveller:
        yield traveller


def save(deployment: Deployment, by: User, *, over: str = "", **fields: object) -> Revision:
    return go(factories.edit(deployment, author=by, spec=factories.make_spec(**fields)), by, over=over)


def go(proposal: Proposal, by: User, *, over: str = "", **seen: Any) -> Revision:
    return revisions.apply(
        proposal=proposal, by=Actor.as_user(by), note="because", reviewed=proposal.spec_hash, over_budget=over, **seen
    )


def heading(budget: Budget) -> Forecast:
    (found,) = queries.standings([budget], at=now())
    return found.forecast


def of(revision: Revision) -> Effect:
    (found,) = queries.kept_with(revision)
    return found


# The forecast


def test_so_far_is_each_revision_for_its_hours_and_the_rest_is_what_runs_now(
    people: People, deployment: Deployment, middle: Any
) -> None:
    budget = factories.make_budget(team=people.team, soft=1)
    save(deployment, people.editor, replicas=Fixed(3))
    middle.move_to(MIDDLE + timedelta(hours=100))
    found = heading(budget)
    assert (found.spent, found.rest) == (HOUR * (240 + 300), HOUR * 260 * 3)
    assert found.value == found.spent + found.rest


def test_so_far_is_by_the_prices_of_its_time(people: People, deployment: Deployment, middle: Any) -> None:
    budget = factories.make_budget(deployment=deployment, soft=1)
    factories.make_price_list(deployment.namespace.cluster, "cpu,,,0.08", "memory,,,0.01")
    middle.move_to(MIDDLE + timedelta(hours=60))
    found = heading(budget)
    assert (found.spent, found.rest) == (HOUR * 240 + 2 * HOUR * 60, 2 * HOUR * 300)


def test_days_before_the_first_list_are_by_that_list(people: People, places: Places, deployment: Deployment) -> None:
    other = factories.make_namespace(team=people.team, cluster=factories.make_cluster("second"), name="second-dev")
    row = factories.make_deployment(author=people.editor, namespace=other)
    budget = factories.make_budget(deployment=row, soft=1)
    assert heading(budget).unknown == 1
    with time_machine.travel(MIDDLE + timedelta(hours=10), tick=False):
        factories.make_price_list(other.cluster)
        assert (heading(budget).spent, heading(budget).unknown) == (HOUR * 10, 0)


def test_a_new_month_begins_with_nothing_spent(people: People, deployment: Deployment, middle: Any) -> None:
    budget = factories.make_budget(team=people.team, soft=1)
    middle.move_to(datetime(2026, 12, 1, tzinfo=UTC))
    assert (heading(budget).spent, heading(budget).rest) == (Decimal(0), HOUR * 744)
    middle.move_to(datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC))
    assert heading(budget).spent > HOUR * 599
    assert heading(budget).rest < HOUR


def test_the_usual_pods_of_an_autoscaler_count_and_the_most_are_only_said(
    people: People, deployment: Deployment
) -> None:
    UsageSample.objects.create(deployment=deployment, at=now() - timedelta(days=1), cpu_m=1, memory=1, pods=3)
    UsageSample.objects.create(deployment=deployment, at=now() - timedelta(days=2), cpu_m=1, memory=1, pods=0)
    factories.make_budget(team=people.team, soft=1000)
    found = of(save(deployment, people.editor, replicas=Autoscale(1, 10)))
    assert found.after.rest == HOUR * 3 * 360
    assert found.after.most == HOUR * 10 * 360


def test_a_deployment_that_sleeps_is_forecast_asleep(people: People, deployment: Deployment) -> None:
    budget = factories.make_budget(team=people.team, soft=1)
    awake = heading(budget).rest
    row = SleepSchedule(team=people.team, zone="UTC", windows="Sat 00:00 -> Mon 00:00")
    records.save(row=row, by=factories.BY)
    assert awake - heading(budget).rest == HOUR * 48 * 2, "two week-ends are left"


def test_a_sleep_that_was_recorded_is_not_spent(people: People, deployment: Deployment) -> None:
    budget = factories.make_budget(team=people.team, soft=1)
    factories.put_to_sleep(
        deployment,
        opened_at=MIDDLE - timedelta(hours=50),
        reached_at=MIDDLE - timedelta(hours=48),
        wake_started_at=MIDDLE - timedelta(hours=8),
        closed_at=MIDDLE - timedelta(hours=7),
    )
    assert heading(budget).spent == HOUR * (240 - 40)


def test_a_retired_deployment_costs_until_then(people: People, deployment: Deployment, middle: Any) -> None:
    budget = factories.make_budget(team=people.team, soft=1)
    deployments.retire(deployment=deployment, by=factories.BY, note="done")
    middle.move_to(MIDDLE + timedelta(hours=50))
    assert (heading(budget).spent, heading(budget).rest) == (HOUR * 240, Decimal(0))


def test_what_a_budget_covers(people: People, places: Places, deployment: Deployment) -> None:
    factories.make_deployment(author=people.editor, namespace=places.staging, model=deployment.model)
    factories.make_deployment(author=people.editor, namespace=places.dev)
    scopes: list[tuple[dict[str, Any], int]] = [
        ({"team": people.team}, 3),
        ({"team": people.team, "environment": "dev"}, 2),
        ({"model": deployment.model}, 2),
        ({"deployment": deployment}, 1),
        ({"environment": "staging"}, 1),
        ({"team": people.other_team}, 0),
    ]
    for scope, count in scopes:
        assert heading(factories.make_budget(**scope, soft=1)).count == count, scope


def test_a_budget_of_the_month_stands_in_for_the_one_of_every_month(people: People, deployment: Deployment) -> None:
    factories.make_budget(team=people.team, hard=0)
    this = factories.make_budget(team=people.team, hard=1000, month=MIDDLE.date().replace(day=1))
    assert [row.pk for row in queries.in_force(Budget.objects.all(), at=now())] == [this.pk]
    save(deployment, people.editor, replicas=Fixed(2))


# Who may go over


def test_an_editor_cannot_go_over_and_nothing_is_saved(people: People, deployment: Deployment) -> None:
    factories.make_budget(team=people.team, hard=20)
    with pytest.raises(OverBudget, match="A maintainer has to give the reason"):
        save(deployment, people.editor, replicas=Fixed(9), over="I want it")
    assert deployment.revisions.count() == 1


def test_a_maintainer_says_why_and_it_is_kept(people: People, deployment: Deployment) -> None:
    budget = factories.make_budget(team=people.team, soft=5, hard=20)
    with pytest.raises(OverBudget, match="Say why"):
        save(deployment, people.maintainer, replicas=Fixed(9), over="  ")
    revision = save(deployment, people.maintainer, replicas=Fixed(9), over="one week of load tests")
    kept = of(revision)
    assert (kept.level, kept.reason, kept.told) == (Level.HARD, "one week of load tests", ("maintainer",))
    crossed, saved = list(AuditEvent.objects.order_by("-seq")[:2])[::-1]
    assert (crossed.kind, crossed.object_id, crossed.note) == ("budget.crossed", str(budget.pk), kept.reason)
    assert saved.kind == "revision.saved"
    assert saved.facts["budgets"][0]["reason"] == "one week of load tests"


def test_a_soft_limit_lets_pass_and_tells(people: People, deployment: Deployment) -> None:
    factories.make_budget(team=people.team, soft=16, told="viewer")
    kept = of(save(deployment, people.editor, replicas=Fixed(2)))
    assert (kept.was, kept.level, kept.told) == (Level.WITHIN, Level.SOFT, ("maintainer", "viewer"))
    assert AuditEvent.objects.filter(kind="budget.crossed").count() == 1
    save(deployment, people.editor, replicas=Fixed(2), model_version="2")
    assert AuditEvent.objects.filter(kind="budget.crossed").count() == 1, "it was over already"


def test_who_left_the_team_is_not_said_to_be_told(people: People) -> None:
    row = factories.make_budget(team=people.team, hard=5, told="viewer, auditor, stranger")
    assert queries.told_of([row])[row.pk] == ("maintainer", "viewer", "auditor")


def test_what_makes_an_exceeded_budget_no_worse_passes(people: People, deployment: Deployment) -> None:
    save(deployment, people.editor, replicas=Fixed(5))
    factories.make_budget(team=people.team, hard=0)
    save(deployment, people.editor, replicas=Fixed(5), model_version="2")
    save(deployment, people.editor, replicas=Fixed(4))
    with pytest.raises(OverBudget):
        save(deployment, people.editor, replicas=Fixed(5))


def test_an_unknown_price_needs_the_same_reason(people: People, deployment: Deployment) -> None:
    factories.make_profile("gpu", gpu_count=1, gpu_type="nvidia-l4")
    factories.make_budget(team=people.team, hard=10_000)
    with pytest.raises(OverBudget):
        save(deployment, people.editor, profile="gpu")
    kept = of(save(deployment, people.maintainer, profile="gpu", over="nobody prices it yet"))
    assert (kept.is_unknown, kept.after.unknown) == (True, 1)
    save(deployment, people.editor, profile="gpu", model_version="2")
    with pytest.raises(OverBudget):
        save(deployment, people.editor, profile="gpu", replicas=Fixed(2))


def test_a_price_in_another_currency_is_unknown(people: People, deployment: Deployment) -> None:
    factories.make_budget(team=people.team, hard=10_000, currency="EUR")
    with pytest.raises(OverBudget):
        save(deployment, people.editor, replicas=Fixed(2))


def test_returning_is_never_held_up(people: People, deployment: Deployment) -> None:
    save(deployment, people.editor, replicas=Fixed(9))
    save(deployment, people.editor, replicas=Fixed(1))
    factories.make_budget(team=people.team, hard=0)
    row = Deployment.objects.related().get(pk=deployment.pk)
    target = row.revisions.get(number=2)
    proposal = proposals.make(
        by=people.editor,
        kind=Proposal.Kind.ROLLBACK,
        spec=target.to_spec(),
        deployment=row,
        model=row.model,
        namespace=row.namespace,
        name=row.name,
        based_on=3,
        returns_to=2,
    )
    kept = of(go(proposal, people.editor))
    assert (kept.level, kept.is_return, kept.needs_reason) == (Level.HARD, True, False)
    assert AuditEvent.objects.filter(kind="budget.crossed").exists()


def test_a_new_deployment_is_held_to_it(people: People, places: Places, deployment: Deployment) -> None:
    factories.make_budget(team=people.team, environment="dev", hard=16)
    with pytest.raises(OverBudget):
        factories.make_deployment(author=people.editor, namespace=places.dev, name="another")
    assert not Deployment.objects.filter(name="another").exists()
    factories.make_deployment(author=people.editor, namespace=places.staging, name="another")


def test_restoring_is_held_to_it_and_its_reason_is_the_note(people: People, deployment: Deployment) -> None:
    deployments.retire(deployment=deployment, by=factories.BY, note="done")
    factories.make_budget(team=people.team, hard=6)
    by = Actor.as_user(people.maintainer)
    with pytest.raises(OverBudget):
        deployments.restore(deployment=deployment, by=by)
    deployments.restore(deployment=deployment, by=by, note="needed after all")
    assert AuditEvent.objects.get(kind="budget.crossed").note == "needed after all"


def test_a_process_is_no_maintainer(people: People, deployment: Deployment) -> None:
    factories.make_budget(team=people.team, hard=0)
    proposal = factories.edit(deployment, author=people.editor, spec=factories.make_spec(replicas=Fixed(2)))
    with pytest.raises(OverBudget):
        revisions.apply(
            proposal=proposal, by=factories.BY, note="", reviewed=proposal.spec_hash, over_budget="because I can"
        )


def test_every_budget_over_it_counts(people: People, deployment: Deployment) -> None:
    factories.make_budget(team=people.team, hard=10_000)
    factories.make_budget(environment="dev", hard=0)
    factories.make_budget(team=people.other_team, hard=0)
    with pytest.raises(OverBudget) as refused:
        save(deployment, people.editor, replicas=Fixed(2))
    assert refused.value.budgets == ("dev of all teams",)


def test_prices_that_changed_since_the_review_stop_it_once(people: People, deployment: Deployment) -> None:
    proposal = factories.edit(deployment, author=people.editor, spec=factories.make_spec(replicas=Fixed(2)))
    seen = str(deployment.namespace.cluster.price_versions.get().pk)
    factories.make_price_list(deployment.namespace.cluster, "cpu,,,0.4", "memory,,,0.05")
    with pytest.raises(Refused, match="price list has changed"):
        go(proposal, people.editor, priced_by=seen)
    newest = str(deployment.namespace.cluster.price_versions.all()[0].pk)
    assert go(proposal, people.editor, priced_by=newest).number == 2


def test_sums_of_all_teams_are_not_in_the_log_of_a_team(people: People, deployment: Deployment) -> None:
    factories.make_budget(environment="dev", soft=0)
    save(deployment, people.editor, replicas=Fixed(2))
    for event in AuditEvent.objects.filter(kind__in=["revision.saved", "budget.crossed"]).order_by("-seq")[:2]:
        assert "spent" not in str(event.facts)


# Setting one


@pytest.mark.parametrize(
    "limits",
    [
        {},
        {"soft": Decimal(-1)},
        {"hard": Decimal("NaN")},
        {"soft": Decimal(2), "hard": Decimal(1)},
        {"hard": Decimal("1e13")},
    ],
)
def test_limits_that_make_no_sense(people: People, limits: dict[str, Any]) -> None:
    with pytest.raises(Wrong):
        budgets.save(row=Budget(team=people.team, **limits), by=factories.BY)


def test_what_it_covers_and_its_month_stay(people: People) -> None:
    row = factories.make_budget(team=people.team, hard=5)
    row.team = people.other_team
    with pytest.raises(Refused, match="keeps what it covers"):
        budgets.save(row=row, by=factories.BY)


def test_two_of_one_thing_are_refused(people: People) -> None:
    factories.make_budget(team=people.team, hard=5)
    with pytest.raises(Refused, match="such a budget already"):
        factories.make_budget(team=people.team, hard=6)


def test_a_month_that_is_over_is_refused(people: People) -> None:
    with pytest.raises(Refused, match="over"):
        factories.make_budget(team=people.team, hard=5, month=datetime(2026, 10, 1, tzinfo=UTC).date())


def test_the_database_refuses_what_the_action_would(people: People) -> None:
    wrong: list[dict[str, Any]] = [
        {"hard": -1},
        {},
        {"soft": 2, "hard": 1},
        {"hard": 1, "team": None},
    ]
    for fields in wrong:
        with pytest.raises(IntegrityError), transaction.atomic():
            Budget.objects.create(**{"team": people.team, **fields})


def test_a_team_with_a_budget_is_not_deleted_with_it(people: People) -> None:
    team = factories.make_team("gone")
    factories.make_budget(team=team, hard=5)
    with pytest.raises(Exception, match="protected"):
        records.delete(row=team, by=factories.BY)


def test_every_change_is_in_the_log(people: People) -> None:
    row = factories.make_budget(team=people.team, hard=5)
    row.hard = Decimal(7)
    budgets.save(row=row, by=factories.BY, note="Black Friday")
    budgets.delete(row=row, by=factories.BY, note="no longer")
    found = AuditEvent.objects.filter(object_type="budget").order_by("seq")
    assert [event.kind for event in found] == ["budget.created", "budget.changed", "budget.deleted"]
    assert {"path": "hard", "label": "Hard", "before": "5.00", "after": "7"} in found[1].changes
    assert all(event.team_id == people.team.pk for event in found)
