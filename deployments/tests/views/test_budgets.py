"""Budgets on pages: the list and its forms, the review that asks for a reason, Home, and prices beside forms."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from baristaweb.lib.clock import now
from deployments.actions import records
from deployments.domain.spec.parts import Autoscale, Fixed
from deployments.models import AuditEvent, Budget, Deployment, Proposal, SleepSchedule
from deployments.tests import factories
from deployments.tests.fixtures import People, Places
from deployments.tests.views.helpers import posted
from deployments.tests.views.seen import soup_of

pytestmark = pytest.mark.django_db
ClientAs = Callable[[str], Client]
MIDDLE = datetime(2026, 11, 16, tzinfo=UTC)


@pytest.fixture(autouse=True)
def middle() -> Any:
    with time_machine.travel(MIDDLE, tick=False) as traveller:
        yield traveller


@pytest.fixture
def deployment(people: People, places: Places) -> Deployment:
    factories.make_price_list(places.dev.cluster, effective_at=now() - timedelta(days=30))
    return factories.make_deployment(author=people.editor, namespace=places.dev, name="ranker")


def words(answer: Any) -> str:
    return " ".join(soup_of(answer).text.split())


def typed(deployment: Deployment, **changes: str) -> dict[str, Any]:
    """What htmx sends of the edit form while somebody types."""
    return posted(deployment, **changes) | {"step": "1"}


# Setting one


def post(client: Client, **fields: str) -> Any:
    sent = {"currency": "USD", "do": "save", **fields}
    return client.post(reverse("cost-budget-new"), sent)


def test_a_maintainer_sets_one_and_everybody_of_the_team_sees_it(
    client_as: ClientAs, people: People, deployment: Deployment
) -> None:
    answer = post(client_as("maintainer"), covers=f"team:{people.team.pk}:dev", soft="5", hard="100", note="November")
    row = Budget.objects.get()
    assert answer.headers["Location"] == reverse("cost-budget", args=[row.pk])
    html = words(client_as("viewer").get(reverse("cost-budgets")))
    assert "Team Search in dev" in html
    assert "over the soft limit" in html
    assert "0.00 USD so far (estimate), 9.00 USD forecast, soft 5, hard 100. Told: maintainer." in html
    assert "Team Search" not in words(client_as("stranger").get(reverse("cost-budgets")))


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("hard", "-1", "greater than or equal to 0"),
        ("hard", "1e400", "digits"),
        ("hard", "NaN", "number"),
        ("hard", "12345678901234567890", "digits"),
        ("hard", "0.001", "decimal places"),
        ("soft", "9", "above the hard one"),
        ("currency", "€", "three letters"),
        ("currency", "euros", "at most 3"),
        ("month", "2026-13", "no such month"),
        ("month", "2026-10", "over"),
        ("month", "soon", "like 2026-12"),
        ("told", "stranger", "is not a member"),
        ("told", "nobody, maintainer", "nobody is not a member"),
        ("covers", "team:0", "valid choice"),
    ],
)
def test_what_does_not_fit_is_said(client_as: ClientAs, people: People, field: str, value: str, said: str) -> None:
    fields = {"covers": f"team:{people.team.pk}", "hard": "5"} | {field: value}
    answer = post(client_as("maintainer"), **fields)
    assert answer.status_code == 422
    assert said in words(answer)
    assert not Budget.objects.exists()


def test_a_limit_of_zero_is_a_limit(client_as: ClientAs, people: People) -> None:
    post(client_as("maintainer"), covers=f"team:{people.team.pk}", hard="0")
    assert Budget.objects.get().hard == 0
    assert "hard 0" in words(client_as("viewer").get(reverse("cost-budgets")))


def test_another_teams_budget_cannot_be_set_seen_or_deleted(client_as: ClientAs, people: People) -> None:
    client = client_as("maintainer")
    assert post(client, covers=f"team:{people.other_team.pk}", hard="5").status_code == 422
    assert post(client, covers="environment:prod", hard="5").status_code == 422
    other = factories.make_budget(team=people.other_team, hard=5)
    everyones = factories.make_budget(environment="dev", hard=5)
    for row in (other, everyones):
        url = reverse("cost-budget", args=[row.pk])
        assert client.get(url).status_code == 404
        assert client.post(url, {"do": "delete"}).status_code == 404
    assert Budget.objects.count() == 2


def test_an_auditor_reads_and_does_not_write(client_as: ClientAs, people: People) -> None:
    row = factories.make_budget(environment="dev", hard=5)
    url = reverse("cost-budget", args=[row.pk])
    page = client_as("auditor").get(url)
    assert "Save the limits" not in words(page)
    assert client_as("auditor").post(url, {"hard": "9", "currency": "USD"}).status_code == 403
    assert client_as("platform").post(url, {"hard": "9", "currency": "USD"}).status_code == 302


def test_limits_are_changed_and_what_is_wrong_is_not_drawn(client_as: ClientAs, people: People) -> None:
    row = factories.make_budget(team=people.team, soft=4, hard=5)
    url = reverse("cost-budget", args=[row.pk])
    answer = client_as("maintainer").post(url, {"soft": "9", "hard": "5", "currency": "USD"})
    assert answer.status_code == 422
    assert "soft 4, hard 5" in words(answer)
    client_as("maintainer").post(url, {"soft": "", "hard": "6", "currency": "USD"})
    fresh = Budget.objects.get()
    assert (fresh.soft, str(fresh.hard)) == (None, "6.00")


def test_one_that_was_deleted_meanwhile_is_said(client_as: ClientAs, people: People) -> None:
    row = factories.make_budget(team=people.team, hard=5)
    url = reverse("cost-budget", args=[row.pk])
    client = client_as("maintainer")
    assert client.post(url, {"do": "delete", "note": "x"}).status_code == 302
    assert client.post(url, {"do": "delete"}).status_code == 404


# The review


def proposed(deployment: Deployment, people: People, **fields: object) -> Proposal:
    return factories.edit(deployment, author=people.editor, spec=factories.make_spec(**fields))


def press(client: Client, proposal: Proposal, **fields: str) -> Any:
    """Apply with what the page has in hidden fields, as a browser would."""
    page = soup_of(client.get(reverse("deployment-review", args=[proposal.pk])))
    form = page.select_one("form:has(#review-apply)")
    assert form is not None
    sent = {str(field["name"]): str(field["value"]) for field in form.select("input[name]")}
    return client.post(str(form["action"]), sent | {"do": "apply"} | fields)


def test_an_editor_over_a_hard_limit_is_led_to_a_maintainer(
    client_as: ClientAs, people: People, deployment: Deployment
) -> None:
    factories.make_budget(team=people.team, hard=10)
    proposal = proposed(deployment, people, replicas=Fixed(4))
    address = reverse("deployment-review", args=[proposal.pk])
    page = client_as("editor").get(address)
    text = words(page)
    assert "over the hard limit" in text
    assert "9.00 USD → 36.00 USD, hard 10" in text
    assert "Needs a maintainer's reason" in text
    assert soup_of(page).select_one("button[value=apply]") is None
    assert soup_of(page).select_one("button[value=send]") is not None
    # A button that is not there can be pressed all the same.
    sent = {"do": "apply", "reviewed": proposal.spec_hash, "without_verdict": "1", "over_budget": "mine"}
    assert client_as("editor").post(address, sent).status_code == 422
    assert deployment.revisions.count() == 1


def test_a_maintainer_gives_the_reason_on_the_review(
    client_as: ClientAs, people: People, deployment: Deployment
) -> None:
    factories.make_budget(team=people.team, hard=10)
    proposal = factories.edit(deployment, author=people.maintainer, spec=factories.make_spec(replicas=Fixed(4)))
    refused = press(client_as("maintainer"), proposal)
    assert refused.status_code == 422
    assert "Say why it is to be done all the same" in words(refused)
    assert press(client_as("maintainer"), proposal, over_budget="load tests").status_code == 302
    after = words(client_as("maintainer").get(reverse("deployment-review", args=[proposal.pk])))
    assert "“load tests”" in after, "as it was found when it was applied"


def test_a_review_whose_prices_are_no_longer_those_is_shown_again(
    client_as: ClientAs, people: People, deployment: Deployment
) -> None:
    proposal = proposed(deployment, people, replicas=Fixed(4))
    client = client_as("editor")
    seen = soup_of(client.get(reverse("deployment-review", args=[proposal.pk]))).select_one("input[name=priced_by]")
    assert seen is not None
    factories.make_price_list(deployment.namespace.cluster, "cpu,,,0.4", "memory,,,0.05")
    answer = press(client, proposal, priced_by=str(seen["value"]))
    assert answer.status_code == 422
    assert "The price list has changed since you looked" in words(answer)
    assert "730.00 USD" in words(answer), "by the prices of now"
    assert press(client, proposal).status_code == 302


def test_sums_of_all_teams_are_not_shown_to_one(client_as: ClientAs, people: People, deployment: Deployment) -> None:
    factories.make_budget(environment="dev", hard=1)
    proposal = proposed(deployment, people, replicas=Fixed(4))
    text = words(client_as("editor").get(reverse("deployment-review", args=[proposal.pk])))
    assert "Dev of all teams" in text
    assert "over the hard limit" in text
    assert "36.00 USD" not in text


def test_a_return_says_that_it_is_not_held_up(client_as: ClientAs, people: People, deployment: Deployment) -> None:
    for count in (4, 1):
        factories.apply(proposed(deployment, people, replicas=Fixed(count)), by=people.editor)
    factories.make_budget(team=people.team, hard=10)
    client = client_as("editor")
    url = reverse("deployment-rollback", args=[deployment.slug, 2])
    assert "Costs about 54.75 USD more a month" in words(client.get(url))
    review = client.get(client.post(url, {"note": "back"}).headers["Location"])
    assert "A return to an old revision is not held up" in words(review)
    proposal = Proposal.objects.get(kind=Proposal.Kind.ROLLBACK)
    assert press(client, proposal).status_code == 302


def test_restoring_says_what_it_does_to_the_budget(client_as: ClientAs, people: People, deployment: Deployment) -> None:
    client = client_as("maintainer")
    client.post(reverse("deployment-retire", args=[deployment.slug]), {"note": "done"})
    factories.make_budget(team=people.team, hard=1)
    url = reverse("deployment-restore", args=[deployment.slug])
    assert "over the hard limit" in words(client.get(url))
    assert client.post(url).status_code == 409
    assert client.post(url, {"note": "needed"}).status_code == 302


# Beside forms


def test_the_price_follows_what_is_typed(client_as: ClientAs, people: People, deployment: Deployment) -> None:
    factories.make_budget(team=people.team, hard=10)
    url = reverse("deployment-edit", args=[deployment.slug])
    client = client_as("editor")
    assert "The price stays at about 18.25 USD" in words(client.get(url))
    sent = typed(deployment, replicas__count="4")
    answer = client.post(url, sent, headers={"HX-Request": "true"})
    box = soup_of(answer).select_one("#form-cost")
    assert box is not None
    assert box["hx-swap-oob"] == "true"
    text = " ".join(box.text.split())
    assert "Costs about 54.75 USD more a month" in text
    assert "Budget of team Search: over the hard limit. It takes a maintainer's reason." in text
    assert Proposal.objects.filter(kind=Proposal.Kind.EDIT).count() == 0


def test_a_number_that_cannot_be_read_has_no_price_of_its_own(client_as: ClientAs, deployment: Deployment) -> None:
    url = reverse("deployment-edit", args=[deployment.slug])
    sent = typed(deployment, replicas__count="many")
    answer = client_as("editor").post(url, sent, headers={"HX-Request": "true"})
    box = soup_of(answer).select_one("#form-cost")
    assert box is not None
    assert "stays at about 18.25 USD" in " ".join(box.text.split())


def test_a_new_deployment_has_a_price_once_it_has_a_place(
    client_as: ClientAs, people: People, places: Places, deployment: Deployment
) -> None:
    url = reverse("deployment-new")
    client = client_as("editor")
    assert "Choose a namespace: the price follows from its cluster." in words(client.get(url))
    sent = typed(deployment, replicas__count="2") | {"namespace": str(places.dev.pk), "name": "new"}
    box = soup_of(client.post(url, sent, headers={"HX-Request": "true"})).select_one("#form-cost")
    assert box is not None
    assert "Costs about 36.50 USD a month" in " ".join(box.text.split())


def test_a_promotion_is_priced_by_what_is_ticked(
    client_as: ClientAs, people: People, places: Places, deployment: Deployment
) -> None:
    factories.apply(proposed(deployment, people, replicas=Fixed(3)), by=people.editor)
    target = factories.make_deployment(
        author=people.editor, namespace=places.staging, name="ranker", model=deployment.model
    )
    url = reverse("deployment-promote", args=[deployment.slug])
    client = client_as("editor")
    assert "stays at about 18.25 USD" in words(client.get(url)), "replicas are not ticked by themselves"
    sent = {"to": target.slug, "carry": ["replicas"], "step": "1"}
    box = soup_of(client.post(url, sent, headers={"HX-Request": "true"})).select_one("#form-cost")
    assert box is not None
    assert "Costs about 36.50 USD more a month" in " ".join(box.text.split())


def test_a_quick_edit_has_its_price_beside_it(client_as: ClientAs, deployment: Deployment) -> None:
    url = reverse("deployment-quick-edit", args=[deployment.slug])
    sent = {"replicas__count": "4", "based_on": "1", "step": "1"}
    answer = client_as("editor").post(url, sent, headers={"HX-Request": "true"})
    assert "18.25 USD → 73.00 USD a month at the usual load" in words(answer)
    assert not Proposal.objects.filter(kind=Proposal.Kind.EDIT).exists()


def test_a_bulk_action_says_what_they_cost_and_that_it_stays(
    client_as: ClientAs, people: People, places: Places, deployment: Deployment
) -> None:
    factories.make_profile("gpu", gpu_count=1, gpu_type="nvidia-l4")
    other = factories.make_deployment(
        author=people.editor, namespace=places.dev, spec=factories.make_spec(profile="gpu")
    )
    sent = {"action": "restart", "deployment": [deployment.slug, other.slug]}
    text = words(client_as("editor").post(reverse("bulk"), sent))
    assert "18.25 USD + 1 unknown a month" in text
    assert "so the price stays as it is" in text


def test_a_schedule_is_in_the_price_everywhere(
    client_as: ClientAs, people: People, places: Places, deployment: Deployment
) -> None:
    row = SleepSchedule(team=people.team, zone="UTC", windows="Fri 12:00 -> Mon 00:00\nMon 12:00 -> Wed 12:00")
    records.save(row=row, by=factories.BY)
    # 108 of 168 h asleep: 260.71 h of 730 h awake.
    client = client_as("editor")
    assert "6.52 USD" in words(client.get(reverse("deployment-cost", args=[deployment.slug])))
    assert "6.52 USD" in words(client.get(reverse("fleet")))
    proposal = proposed(deployment, people, replicas=Autoscale(2, 3))
    review = words(client.get(reverse("deployment-review", args=[proposal.pk])))
    assert "Costs about 6.52 USD more" in review
    assert "its schedule leaves it awake for 261 h" in review


# Home and the log


def test_home_loads_what_is_at_risk(client_as: ClientAs, people: People, deployment: Deployment) -> None:
    factories.make_budget(team=people.team, soft=5, hard=100)
    factories.make_budget(deployment=deployment, hard=100)
    client = client_as("maintainer")
    address = reverse("cost-budgets-at-risk")
    assert address in client.get(reverse("home")).content.decode()
    text = words(client.get(address))
    assert "Team Search over the soft limit" in text
    assert "Deployment ranker" not in text
    assert "All 2 budgets" in text
    assert words(client_as("stranger").get(address)) == "", "nothing of it, and nothing in its place"


def test_the_log_is_sorted_and_filtered_by_cost(client_as: ClientAs, people: People, deployment: Deployment) -> None:
    for count in (9, 2, 2):
        spec = factories.make_spec(replicas=Fixed(count), model_version=str(factories.number()))
        factories.apply(factories.edit(deployment, author=people.editor, spec=spec), by=people.editor)
    factories.make_profile("gpu", gpu_count=1, gpu_type="nvidia-l4")
    factories.apply(proposed(deployment, people, profile="gpu"), by=people.editor)
    client = client_as("viewer")

    def revisions(query: str) -> list[str]:
        soup = soup_of(client.get(reverse("audit") + query))
        return [
            line.text.split("revision ")[1].split()[0]
            for line in soup.select(".feed li:not(.day) > div:first-of-type > p")
            if "revision " in line.text
        ]

    assert revisions("?sort=cost") == ["2", "1", "4", "3"]
    assert revisions("?sort=-cost") == ["3", "4", "1", "2"]
    assert revisions("?cost=more") == ["2", "1"]
    assert revisions("?cost=less") == ["3"]
    assert revisions("?cost=same") == ["4"]
    assert revisions("?cost=unknown") == ["5"]
    assert revisions("?least=100") == ["3", "2"]
    assert revisions("?sort=cost&after=USD:146.0000:1") == ["1", "4", "3"]
    assert len(revisions("?least=much&sort=x&after=USD:x:1&cost=")) == 5


def test_an_entry_says_what_it_did_to_price_and_budgets(
    client_as: ClientAs, people: People, deployment: Deployment
) -> None:
    factories.make_budget(team=people.team, soft=10)
    factories.apply(proposed(deployment, people, replicas=Fixed(2)), by=people.editor)
    saved = AuditEvent.objects.get(kind="revision.saved")
    text = words(client_as("viewer").get(reverse("audit-event", args=[saved.seq])))
    assert "Typical 18.2500 36.5000" in text
    assert "Team Search: over the soft limit, forecast 9.00 → 18.00 USD, soft 10.00" in text
    feed = words(client_as("viewer").get(reverse("audit")))
    assert "changed ranker, which is over the soft limit of team Search with a forecast of 18.00 USD" in feed
    assert "Monthly price +18.25 USD" in feed
