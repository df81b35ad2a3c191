"""Logs: asked for by POST, readable by the one who asked, and only as long as the right to read lasts."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from baristaweb.lib.clock import now
from deployments.actions import people as people_actions
from deployments.models import Deployment, LogRequest, Membership
from deployments.tests import factories
from deployments.tests.fixtures import People, Places
from deployments.tests.views.seen import make_pod, see, soup_of

ClientAs = Callable[[str], Client]
HX = {"HX-Request": "true", "HX-Target": "log"}


@pytest.fixture
def ranker(people: People, places: Places) -> Deployment:
    deployment = factories.make_deployment(author=people.editor, namespace=places.prod, name="ranker")
    return see(deployment, view={"pods": [make_pod("ranker-a"), make_pod("ranker-b")]})


def ask(client: Client, deployment: Deployment, **data: str) -> LogRequest:
    answer = client.post(reverse("deployment-logs", args=[deployment.slug]), data)
    assert answer.status_code == 302
    row = LogRequest.objects.latest("created_at")
    assert answer.headers["Location"] == address(row)
    return row


def address(row: LogRequest) -> str:
    return reverse("deployment-log-lines", args=[row.deployment.slug, row.pk])


def test_asking_writes_what_was_chosen(client_as: ClientAs, ranker: Deployment) -> None:
    row = ask(client_as("viewer"), ranker, pod="ranker-b", previous="on", since="300", tail="100")
    assert (row.pod, row.previous, row.since_s, row.tail) == ("ranker-b", True, 300, 100)


@pytest.mark.parametrize("pod", ["kube-apiserver", "../../secrets", "x" * 5000])
def test_only_pods_that_were_seen_reach_a_worker(client_as: ClientAs, ranker: Deployment, pod: str) -> None:
    row = ask(client_as("viewer"), ranker, pod=pod, container=pod, since="1; rm", tail="9" * 400)
    assert (row.pod, row.container, row.since_s, row.tail) == ("", "", 3600, 500)


def test_looking_writes_nothing(client_as: ClientAs, ranker: Deployment) -> None:
    client = client_as("viewer")
    page = soup_of(client.get(reverse("deployment-logs", args=[ranker.slug]) + "?pod=ranker-b&previous=on"))
    chosen = page.select_one("select[name=pod] option[selected]")
    assert chosen is not None
    assert chosen["value"] == "ranker-b"
    assert not LogRequest.objects.exists()


def test_it_polls_while_it_waits_and_then_shows_the_lines(client_as: ClientAs, ranker: Deployment) -> None:
    client = client_as("viewer")
    row = ask(client, ranker)
    waiting = soup_of(client.get(address(row), headers=HX)).select_one("#log")
    assert waiting is not None
    assert waiting["hx-trigger"] == "every 1s"
    hostile = "</pre><script>alert(1)</script>"
    LogRequest.objects.filter(pk=row.pk).update(
        answer="done",
        answered_at=now(),
        lines=[[now().isoformat(), "ranker-a", "model", "ready"], ["", "ranker-b", "model", hostile]],
        problems=[["ranker-c", "the container has not started"]],
    )
    for headers in ({}, HX):
        answer = client.get(address(row), headers=headers)
        log = soup_of(answer).select_one("#log")
        assert log is not None
        assert "hx-trigger" not in log.attrs
        assert hostile in log.select_one("#log-lines").text  # type: ignore[union-attr]
        assert "ranker-c: the container has not started" in log.text
        assert hostile not in answer.content.decode()


def test_only_the_one_who_asked_may_read(client_as: ClientAs, ranker: Deployment) -> None:
    row = ask(client_as("viewer"), ranker)
    for other in ("editor", "platform", "stranger"):
        assert client_as(other).get(address(row)).status_code == 404


def test_the_right_to_read_is_checked_at_every_poll(client_as: ClientAs, people: People, ranker: Deployment) -> None:
    client = client_as("viewer")
    row = ask(client, ranker)
    assert client.get(address(row), headers=HX).status_code == 200
    people_actions.remove(member=Membership.objects.get(user=people.viewer), by=factories.BY)
    assert client.get(address(row), headers=HX).status_code == 404


def test_a_request_of_another_deployment(
    client_as: ClientAs, people: People, places: Places, ranker: Deployment
) -> None:
    row = ask(client_as("viewer"), ranker)
    other = factories.make_deployment(author=people.editor, namespace=places.dev)
    foreign = reverse("deployment-log-lines", args=[other.slug, row.pk])
    assert client_as("viewer").get(foreign).status_code == 404


def test_it_gives_up_in_words(client_as: ClientAs, ranker: Deployment) -> None:
    client = client_as("viewer")
    row = ask(client, ranker)
    LogRequest.objects.filter(pk=row.pk).update(created_at=now() - timedelta(minutes=6))
    log = soup_of(client.get(address(row), headers=HX)).select_one("#log")
    assert log is not None
    assert "hx-trigger" not in log.attrs
    assert "No worker answered" in log.text


def test_strangers_cannot_ask(client_as: ClientAs, ranker: Deployment) -> None:
    answer = client_as("stranger").post(reverse("deployment-logs", args=[ranker.slug]))
    assert answer.status_code == 404
    assert not LogRequest.objects.exists()


SAID = [
    ("ranker-a", "INFO loaded <b>model</b>"),
    ("ranker-b", "ERROR Feature STORE refused: schema"),
    ("ranker-a", "WARN feature store is slow"),
]


@pytest.fixture
def answered(client_as: ClientAs, ranker: Deployment) -> LogRequest:
    row = ask(client_as("viewer"), ranker)
    lines = [[f"2026-11-01T10:00:0{number}+00:00", pod, "model", said] for number, (pod, said) in enumerate(SAID)]
    LogRequest.objects.filter(pk=row.pk).update(answer="done", answered_at=now(), lines=lines)
    return LogRequest.objects.select_related("deployment").get(pk=row.pk)


@pytest.mark.parametrize(
    ("query", "count", "marked"),
    [
        ("", 3, []),
        ("?q=feature+store", 2, ["Feature STORE", "feature store"]),
        ("?q=<b>model", 1, ["<b>model"]),
        ("?q=.*", 0, []),
        ("?level=warn", 2, []),
        ("?level=bad&q=store", 1, ["STORE"]),
        ("?level=odd", 3, []),
    ],
)
@pytest.mark.parametrize("headers", [{}, HX])
def test_search_and_severity(
    client_as: ClientAs, answered: LogRequest, query: str, count: int, marked: list[str], headers: dict[str, str]
) -> None:
    page = soup_of(client_as("viewer").get(address(answered) + query, headers=headers))
    assert len(page.select("#log-lines .ln")) == count
    assert [mark.text for mark in page.select("#log-lines mark")] == marked
    assert not page.select("#log-lines b")
    words = " ".join(page.select_one("#log").text.split())  # type: ignore[union-attr]
    assert ("of 3 lines" in words) == (query not in ("", "?level=odd"))
    assert ("None of the 3 lines fits" in words) == (count == 0)


def test_the_file(client_as: ClientAs, answered: LogRequest) -> None:
    url = reverse("deployment-log-download", args=[answered.deployment.slug, answered.pk])
    file = client_as("viewer").get(url)
    assert file["Content-Type"] == "text/plain; charset=utf-8"
    assert "no-store" in file["Cache-Control"]
    assert re.fullmatch(r'attachment; filename="ranker-all-pods-\d{8}T\d{6}Z.log"', file["Content-Disposition"])
    lines = file.content.decode().splitlines()
    assert lines[0] == "2026-11-01T10:00:00+00:00 ranker-a/model INFO loaded <b>model</b>"
    assert len(lines) == 3
    assert client_as("editor").get(url).status_code == 404


def test_the_file_is_at_most_two_megabytes_and_says_what_is_missing(client_as: ClientAs, answered: LogRequest) -> None:
    lines = [["", "ranker-a", "model", f"{number} {'x' * 7000}"] for number in range(400)]
    LogRequest.objects.filter(pk=answered.pk).update(lines=lines)
    url = reverse("deployment-log-download", args=[answered.deployment.slug, answered.pk])
    file = client_as("viewer").get(url).content
    assert len(file) <= 2_000_000
    assert file.startswith(b"# Older lines were left out")
    assert file.splitlines()[-1].startswith(b"- ranker-a/model 399 ")


def test_following_asks_again_and_ends_by_itself(client_as: ClientAs, answered: LogRequest) -> None:
    client = client_as("viewer")
    newer = reverse("deployment-log-newer", args=[answered.deployment.slug, answered.pk])
    waiting = soup_of(client.post(newer, {"follow": "on", "q": "store"}, headers=HX))
    log = waiting.select_one("#log")
    assert log is not None
    assert log["hx-trigger"] == "every 1s"
    assert len(waiting.select(".ln")) == 2, "what is known stays, and stays searched"
    assert LogRequest.objects.get(pk=answered.pk).answer == "waiting"

    LogRequest.objects.filter(pk=answered.pk).update(answer="done", answered_at=now())
    log = soup_of(client.get(address(answered), headers=HX)).select_one("#log")
    assert log is not None
    assert (log["hx-trigger"], log["hx-post"]) == ("every 5s", newer)

    LogRequest.objects.filter(pk=answered.pk).update(followed_at=now() - timedelta(minutes=11))
    log = soup_of(client.get(address(answered), headers=HX)).select_one("#log")
    assert log is not None
    assert "hx-trigger" not in log.attrs
    assert "Following ended after 10 minutes" in log.text

    client.post(newer, {"follow": "on"})
    stopped = client.post(newer, {"follow": "off", "q": "store"})
    assert stopped.headers["Location"] == address(answered) + "?q=store"
    assert LogRequest.objects.get(pk=answered.pk).followed_at is None


def test_following_ends_with_the_right_to_read(client_as: ClientAs, people: People, answered: LogRequest) -> None:
    client = client_as("viewer")
    people_actions.remove(member=Membership.objects.get(user=people.viewer), by=factories.BY)
    newer = reverse("deployment-log-newer", args=[answered.deployment.slug, answered.pk])
    assert client.post(newer, {"follow": "on"}, headers=HX).status_code == 404
    assert LogRequest.objects.get(pk=answered.pk).answer == "done"


def test_frames_of_a_traceback_stay_with_their_error(client_as: ClientAs, answered: LogRequest) -> None:
    said = [
        ("ranker-a", "Traceback (most recent call last):"),
        ("ranker-b", "INFO ready"),
        ("ranker-a", '  File "/srv/a.py", line 1, in load'),
        ("ranker-b", "  a second line of INFO"),
        ("ranker-a", "ValueError: boom"),
    ]
    lines = [[f"2026-11-01T10:00:0{number}+00:00", pod, "model", text] for number, (pod, text) in enumerate(said)]
    LogRequest.objects.filter(pk=answered.pk).update(lines=lines)
    page = soup_of(client_as("viewer").get(address(answered) + "?level=bad"))
    assert [line.text for line in page.select("#log-lines .say")] == [said[0][1], said[2][1], said[4][1]]


def test_containers_beside_the_model_and_before_it_can_be_chosen(client_as: ClientAs, ranker: Deployment) -> None:
    pod = make_pod("ranker-a")
    pod["spec"]["initContainers"] = [{"name": "istio-init"}, {"name": "proxy", "restartPolicy": "Always"}]
    ended = {"exitCode": 1, "message": "no route"}
    pod["status"]["initContainerStatuses"] = [
        {"name": "istio-init", "ready": False, "restartCount": 3, "lastState": {"terminated": ended}}
    ]
    see(ranker, view={"pods": [pod]})
    client = client_as("viewer")
    page = soup_of(client.get(reverse("deployment-logs", args=[ranker.slug])))
    offered = [option.text for option in page.select("select[name=container] option")]
    assert offered == ["All containers", "model", "istio-init (failing)", "proxy"]
    assert ask(client, ranker, container="istio-init").container == "istio-init"
