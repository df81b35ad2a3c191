"""One deployment: the verdict first, then what to do, and nothing that the person may not do."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from baristaweb.lib.clock import now
from deployments.actions import deployments as actions
from deployments.domain.status.states import State
from deployments.models import ClusterEvent, Deployment, DeploymentState, LogRequest, Observation, Rollout
from deployments.reconcile import job
from deployments.tests import factories
from deployments.tests.fixtures import People, Places
from deployments.tests.views.seen import make_pod, part, see, soup_of
from deployments.views.yaml_text import to_yaml

ClientAs = Callable[[str], Client]
TABS = ("detail", "configuration", "revisions", "logs", "activity")


@pytest.fixture
def ranker(people: People, places: Places) -> Deployment:
    """Two revisions in staging; the first was complete, the second crash-loops."""
    first = factories.make_deployment(author=people.editor, namespace=places.staging, name="ranker")
    spec = replace(factories.make_spec(), model_version="2", env=(("LOG_LEVEL", "debug"),))
    factories.apply(
        factories.edit(first, author=people.editor, spec=spec), by=people.editor, note="fresher <b>data</b>"
    )
    Rollout.objects.filter(deployment=first, revision=1).update(completed_at=now())
    deployment = Deployment.objects.related().get(pk=first.pk)
    return see(
        deployment,
        State.CRASH_LOOPING,
        sentence="It still serves: 1 of 2 ready, the others fail.",
        why="It keeps crashing: exit code 1.",
        next_action="rollback",
        ready=1,
        desired=2,
        view={
            "deployment": {"metadata": {"name": "ranker"}},
            "replicasets": [
                {
                    "metadata": {
                        "labels": {"pod-template-hash": "bbb"},
                        "annotations": {"barista.io/revision": "2", "deployment.kubernetes.io/revision": "7"},
                    }
                }
            ],
            "pods": [make_pod("ranker-ok"), make_pod("ranker-x", ready=False, template="bbb")],
            "usage": {"ranker-ok": {"cpu_m": 490, "memory_b": 1 << 29}},
        },
    )


def url(name: str, deployment: Deployment) -> str:
    return reverse(f"deployment-{name}", args=[deployment.slug])


def test_it_says_first_what_is_wrong_and_what_to_do(client_as: ClientAs, ranker: Deployment) -> None:
    page = soup_of(client_as("editor").get(url("detail", ranker)))
    verdict = page.select_one("section.verdict.bad")
    assert verdict is not None
    assert "1 of 2 ready" in verdict.text
    button = verdict.select_one(".btn-primary")
    assert button is not None
    assert button.text.strip() == "Roll back to 1"
    form = button.find_parent("form")
    assert form is not None
    assert form["action"] == reverse("deployment-rollback", args=[ranker.slug, 1])
    review = client_as("editor").post(str(form["action"]), follow=True)
    assert "Roll back ranker in staging to revision 1" in review.content.decode()


def test_beside_reading_logs_it_offers_the_revision_that_ran(client_as: ClientAs, ranker: Deployment) -> None:
    ranker.observation.view["pods"][1]["status"]["containerStatuses"][0]["lastState"] = {"terminated": {"exitCode": 1}}
    see(
        ranker,
        State.CRASH_LOOPING,
        next_action="open_logs",
        worst_pod="ranker-x",
        why="ranker-x ends.",
        view=ranker.observation.view,
    )
    client = client_as("editor")
    page = soup_of(client.get(url("detail", ranker)))
    button, back = page.select_one("#act-next"), page.select_one("#act-rollback")
    assert button is not None
    assert back is not None
    assert button.text.strip() == "Read its last logs"
    assert back.find_parent("form", action=reverse("deployment-rollback", args=[ranker.slug, 1])) is not None
    form = button.find_parent("form")
    assert form is not None
    sent = {str(field["name"]): str(field["value"]) for field in form.select("input[name]")}
    answer = client.post(str(form["action"]), sent)
    asked = LogRequest.objects.get()
    assert answer["Location"] == reverse("deployment-log-lines", args=[ranker.slug, asked.pk])
    assert (asked.pod, asked.previous) == ("ranker-x", True)
    assert soup_of(client_as("viewer").get(url("detail", ranker))).select_one("#act-rollback") is None


def test_a_viewer_is_offered_only_reading(client_as: ClientAs, ranker: Deployment) -> None:
    page = soup_of(client_as("viewer").get(url("detail", ranker)))
    links = {str(link["href"]) for link in page.select("main a[href]")}
    for name in ("edit", "restart", "pause", "retire"):
        assert url(name, ranker) not in links
    assert {form["action"] for form in page.select("main form")} == {url("logs", ranker)}, "asking for lines is reading"
    assert "Roll back" not in page.text
    assert any(link.startswith(url("logs", ranker)) for link in links)


@pytest.mark.parametrize("tab", TABS)
@pytest.mark.parametrize(("who", "expected"), [("viewer", 200), ("auditor", 200), ("stranger", 404)])
def test_who_may_read(client_as: ClientAs, ranker: Deployment, tab: str, who: str, expected: int) -> None:
    answer = client_as(who).get(url(tab, ranker))
    assert answer.status_code == expected
    if expected == 404:
        missing = client_as(who).get(reverse(f"deployment-{tab}", args=["demo.search-dev.none"]))
        assert missing.status_code == 404
        assert part(answer, "main") == part(missing, "main")


@pytest.mark.parametrize("tab", TABS)
def test_it_takes_few_queries(client_as: ClientAs, ranker: Deployment, tab: str) -> None:
    client = client_as("editor")
    client.get(url(tab, ranker))  # the first request of a session writes it
    with CaptureQueriesContext(connection) as queries:
        client.get(url(tab, ranker))
    assert len(queries) <= 20


@pytest.mark.parametrize("tab", ["overview", "logs"])
def test_page_patched_equals_page_fresh(client_as: ClientAs, ranker: Deployment, tab: str) -> None:
    client = client_as("editor")
    with time_machine.travel(now(), tick=False):
        fresh = client.get(url("detail" if tab == "overview" else tab, ranker))
        patch = client.get(f"{url('status', ranker)}?tab={tab}", headers={"HX-Request": "true", "HX-Target": "status"})
    assert part(patch, "#status") == part(fresh, "#status")
    if tab == "overview":
        assert part(patch, "#overview") == part(fresh, "#overview")


@pytest.mark.parametrize("state", list(State))
def test_it_polls_less_once_settled_whatever_the_state(client_as: ClientAs, ranker: Deployment, state: State) -> None:
    Observation.objects.filter(deployment=ranker).update(state=state.value)
    status = part(client_as("viewer").get(url("detail", ranker)), "#status")
    shown = next(item for item in State if f"{ranker.name}: {item.label}." in status)
    assert ('hx-trigger="every 20s"' if shown.settled else 'hx-trigger="every 2s"') in status


def test_a_saved_change_is_said_before_the_cluster_hears_of_it(
    client_as: ClientAs, people: People, ranker: Deployment
) -> None:
    spec = replace(factories.make_spec(), model_version="3")
    factories.apply(factories.edit(ranker, author=people.editor, spec=spec), by=people.editor)
    page = soup_of(client_as("viewer").get(url("detail", ranker)))
    assert "Revision 3 is saved and not applied yet." in page.text


def test_pods_carry_our_revision_and_what_they_use(client_as: ClientAs, ranker: Deployment) -> None:
    page = soup_of(client_as("viewer").get(url("detail", ranker)))
    rows = {row.select_one("th").text: row for row in page.select("table.cards tbody tr")}  # type: ignore[union-attr]
    assert list(rows) == ["ranker-x", "ranker-ok"]
    assert rows["ranker-x"].select_one('td[data-l="revision"]').text == "2"  # type: ignore[union-attr]
    assert rows["ranker-ok"].select_one("svg.use .hot") is not None
    assert rows["ranker-x"].select_one("svg.use") is None


def test_events_that_say_the_same_are_one_line(client_as: ClientAs, ranker: Deployment) -> None:
    for number, pod in enumerate(("ranker-7b5f8bd8c7-5l8mb", "ranker-7b5f8bd8c7-vnb4z")):
        ClusterEvent.objects.create(
            cluster=ranker.namespace.cluster,
            deployment=ranker,
            uid=str(number),
            object_kind="Pod",
            object_name=pod,
            type="Warning",
            reason="BackOff",
            message=f"Back-off {number} restarting {pod} <img src=x>",
            count=5,
            first_at=now() - timedelta(minutes=9),
            last_at=now(),
        )
    answer = client_as("viewer").get(url("detail", ranker))
    page = soup_of(answer)
    assert "\N{MULTIPLICATION SIGN}10" in page.text
    assert "Back-off 0 restarting <img src=x>" in page.text or "Back-off 1 restarting <img src=x>" in page.text
    assert "BackOff, 2 Pods" in page.text
    assert "<img src=x>" not in answer.content.decode()


def test_conflict_and_drift_name_the_other_hand(client_as: ClientAs, ranker: Deployment) -> None:
    item = {"path": "spec.template.x", "manager": "kubectl-edit", "live": "a", "desired": "b"}
    DeploymentState.objects.filter(deployment=ranker).update(
        conflict=[item], drift=[item | {"live": "c"}], phase="conflict"
    )
    page = soup_of(client_as("maintainer").get(url("detail", ranker)))
    assert page.text.count("kubectl-edit") == 2
    button = page.select_one("section.verdict.warn a.btn-primary")
    assert button is not None
    assert button["href"] == url("conflict", ranker)


def test_a_paused_one_says_who_why_and_until_when(client_as: ClientAs, people: People, ranker: Deployment) -> None:
    by = factories.Actor.as_user(people.editor)
    actions.pause(deployment=ranker, by=by, note="load test", until=now() + timedelta(hours=2))
    page = soup_of(client_as("editor").get(url("detail", ranker)))
    text = " ".join(page.text.split())
    assert "Paused by editor" in text
    assert "“load test”" in text
    assert page.select_one(f'a[href="{url("resume", ranker)}"]') is not None


def test_a_retired_one_offers_to_come_back(client_as: ClientAs, people: People, ranker: Deployment) -> None:
    actions.retire(deployment=ranker, by=factories.Actor.as_user(people.maintainer), note="old")
    page = soup_of(client_as("maintainer").get(url("detail", ranker)))
    assert page.select_one(f'a[href="{url("restore", ranker)}"]') is not None
    assert page.select_one(f'a[href="{url("edit", ranker)}"]') is None


def test_the_manifest_shown_is_the_one_that_workers_apply(client_as: ClientAs, ranker: Deployment) -> None:
    found = job.load(ranker.pk)
    assert found is not None
    page = soup_of(client_as("viewer").get(url("configuration", ranker)))
    shown = {block.get_text() for block in page.select("pre")}
    assert {to_yaml(item) for item in found.rendered().objects()} <= shown


def test_configuration_lists_values_and_manifest(client_as: ClientAs, ranker: Deployment) -> None:
    page = soup_of(client_as("viewer").get(url("configuration", ranker)))
    assert "Variable LOG_LEVEL" in page.text
    assert "kind: Deployment" in page.select_one("#yaml-deployment").text  # type: ignore[union-attr]


def test_the_difference_of_any_two_revisions(client_as: ClientAs, ranker: Deployment) -> None:
    for query in ("?a=1&b=2", "?a=2&b=1"):
        difference = soup_of(client_as("viewer").get(url("revisions", ranker) + query)).select_one("#difference")
        assert difference is not None
        rows = [[cell.text.strip() for cell in row.select("td")] for row in difference.select("tbody tr")]
        assert rows == [["1", "2"], ["not set", "debug"]]
        assert "LOG_LEVEL" in difference.select_one("pre").text  # type: ignore[union-attr]


@pytest.mark.parametrize("query", ["?a=1&b=99", "?a=x&b=2", "?a=1", "?a=99999999999999999999&b=1", "?a=-1&b=²"])
def test_a_revision_that_is_not_there(client_as: ClientAs, ranker: Deployment, query: str) -> None:
    assert client_as("viewer").get(url("revisions", ranker) + query).status_code == 404


def test_reasons_are_shown_and_not_run(client_as: ClientAs, ranker: Deployment) -> None:
    for tab in ("detail", "revisions", "activity"):
        content = client_as("viewer").get(url(tab, ranker)).content.decode()
        assert "fresher &lt;b&gt;data&lt;/b&gt;" in content


def test_rolling_back_is_offered_to_editors_for_older_revisions(client_as: ClientAs, ranker: Deployment) -> None:
    link = f'button[formaction="{reverse("deployment-rollback", args=[ranker.slug, 1])}"]'
    current = f'button[formaction="{reverse("deployment-rollback", args=[ranker.slug, 2])}"]'
    page = soup_of(client_as("editor").get(url("revisions", ranker)))
    assert page.select_one(link) is not None
    assert page.select_one(current) is None
    assert soup_of(client_as("viewer").get(url("revisions", ranker))).select_one(link) is None
