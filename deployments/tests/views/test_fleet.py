"""The fleet: who sees what, worst first, filtered and counted in the database, live without a second truth."""

from collections.abc import Callable
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from baristaweb.lib.clock import now
from deployments.actions import deployments as actions
from deployments.domain.status.states import Phase, State
from deployments.models import ClusterHealth, Deployment, DeploymentState, LogRequest, Observation
from deployments.queries import fleet as queries
from deployments.queries.fleet import shown_to
from deployments.queries.shown import summary_of
from deployments.tests import factories
from deployments.tests.fixtures import People, Places
from deployments.tests.views.seen import make_pod, part, see, soup_of
from deployments.views.fleet import SORT_WORDS

ClientAs = Callable[[str], Client]
HX = {"HX-Request": "true", "HX-Target": "fleet-rows"}


@pytest.fixture
def three(people: People, places: Places) -> list[Deployment]:
    """Running in prod, crash-looping in dev, and a saved change in staging that no cluster has accepted."""
    make = factories.make_deployment
    return [
        see(make(author=people.maintainer, namespace=places.prod, name="calm")),
        see(
            make(author=people.editor, namespace=places.dev, name="broken"),
            State.CRASH_LOOPING,
            sentence="0 of 1 ready.",
            why="It ends with exit code 1.",
            ready=0,
        ),
        make(author=people.editor, namespace=places.staging, name="fresh"),
    ]


def names(client: Client, query: str = "") -> list[str]:
    answer = client.get(reverse("fleet") + query)
    assert answer.status_code == 200
    return [link.text for link in soup_of(answer).select("#fleet-rows a.name")]


def test_worst_comes_first(client_as: ClientAs, three: list[Deployment]) -> None:
    assert names(client_as("viewer")) == ["broken", "fresh", "calm"]


def test_strangers_see_nothing(client_as: ClientAs, three: list[Deployment]) -> None:
    answer = client_as("stranger").get(reverse("fleet"))
    assert not [row.slug for row in three if row.slug in answer.content.decode()]
    assert "No deployments yet" in answer.content.decode()


def test_the_auditor_sees_all_and_may_change_nothing(client_as: ClientAs, three: list[Deployment]) -> None:
    client = client_as("auditor")
    assert len(names(client)) == 3
    page = soup_of(client.get(reverse("fleet")))
    assert not page.select("input[name=deployment]")
    assert "New deployment" not in page.text


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?q=bro", ["broken"]),
        ("?q=serving:2.16.1&environment=prod", ["calm"]),
        ("?q=SEARCH calm", ["calm"]),
        ("?state=saved-not-applied", ["fresh"]),
        ("?state=nonsense", ["broken", "fresh", "calm"]),
        ("?view=attention", ["broken"]),
        ("?view=prod", ["calm"]),
        ("?environment=dev", ["broken"]),
        ("?team=search&type=search", ["broken", "fresh", "calm"]),
        ("?type=vision", []),
        ("?cluster=demo&sort=name", ["broken", "calm", "fresh"]),
        ("?sort=-name", ["fresh", "calm", "broken"]),
        ("?sort=environment", ["calm", "fresh", "broken"]),
        ("?sort=-environment", ["broken", "fresh", "calm"]),
        ("?sort=place", ["broken", "calm", "fresh"]),
        ("?sort=-place", ["fresh", "calm", "broken"]),
        ("?sort=image&runtime=tfserving", ["broken", "calm", "fresh"]),
        ("?runtime=triton", []),
        ("?q=TensorFlow&environment=dev", ["broken"]),
        ("?sort=;drop table", ["broken", "fresh", "calm"]),
        ("?q=%25'\"", []),
        ("?page=999", ["broken", "fresh", "calm"]),
    ],
)
def test_filters(client_as: ClientAs, three: list[Deployment], query: str, expected: list[str]) -> None:
    assert names(client_as("viewer"), query) == expected


@pytest.mark.parametrize("view", ["", "attention", "prod", "changed", "retired", "nonsense"])
def test_counts_agree_with_the_rows(client_as: ClientAs, three: list[Deployment], view: str) -> None:
    """The number of a view is counted apart from its rows."""
    actions.retire(deployment=three[2], by=factories.BY, note="over")
    page = soup_of(client_as("viewer").get(reverse("fleet"), {"view": view}))
    shown = len(page.select("#fleet-rows a.name"))
    assert f"1 to {shown} of {shown}" in page.text
    tab = page.select_one(f"#view-{view or 'all'} span")
    assert view == "nonsense" or (tab is not None and tab.text == str(shown))


def test_nothing_matches_offers_the_way_back(client_as: ClientAs, three: list[Deployment]) -> None:
    page = soup_of(client_as("viewer").get(reverse("fleet") + "?q=nothing-like-it"))
    assert "Nothing matches" in page.text
    assert page.select_one(f'#fleet-rows a[href="{reverse("fleet")}"]') is not None


def test_the_first_line_says_what_needs_attention(client_as: ClientAs, three: list[Deployment]) -> None:
    strip = soup_of(client_as("viewer").get(reverse("fleet"))).select_one("#fleet-summary")
    assert strip is not None
    assert "1 of 3 needs attention, none in prod" in " ".join(strip.text.split())
    assert "It ends with exit code 1." in strip.text


def test_the_queries_do_not_grow_with_the_fleet(client_as: ClientAs, people: People, places: Places) -> None:
    client = client_as("viewer")
    client.get(reverse("fleet"))  # the first request of a session writes it
    counts = []
    for number in range(2):
        for _ in range(1 + 12 * number):
            see(factories.make_deployment(author=people.editor, namespace=places.dev), State.CRASH_LOOPING)
        with CaptureQueriesContext(connection) as queries:
            client.get(reverse("fleet"))
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 15


def test_page_patched_equals_page_fresh(client_as: ClientAs, three: list[Deployment]) -> None:
    client, address = client_as("editor"), reverse("fleet") + "?sort=name"
    with time_machine.travel(now(), tick=False):
        fresh, patch = client.get(address), client.get(address, headers=HX)
    assert "<html" not in patch.content.decode()
    for selector in ("#fleet-rows", "#fleet-summary"):
        assert part(patch, selector) == part(fresh, selector)


def test_it_polls_often_while_something_is_under_way(client_as: ClientAs, three: list[Deployment]) -> None:
    client = client_as("viewer")
    assert 'hx-trigger="every 2s"' in part(client.get(reverse("fleet")), "#fleet-rows")
    see(three[2])
    assert 'hx-trigger="every 20s"' in part(client.get(reverse("fleet"), headers=HX), "#fleet-rows")


def test_what_people_typed_is_shown_and_not_run(client_as: ClientAs, three: list[Deployment]) -> None:
    hostile = '"><script>alert(1)</script>{{ 7 }}'
    Observation.objects.filter(deployment=three[1]).update(sentence=hostile, why=hostile)
    page = soup_of(client_as("viewer").get(reverse("fleet"), {"q": hostile, "view": "attention"}))
    assert not [script for script in page.select("script") if not script.get("src")]
    assert not page.select("[hx-get='/logout/']")


def test_stale_states_say_so(client_as: ClientAs, three: list[Deployment]) -> None:
    client = client_as("viewer")
    assert "as of" not in client.get(reverse("fleet")).content.decode()
    with time_machine.travel(now().timestamp() + settings.BARISTA.observation_stale_s + 30):
        assert "as of" in client.get(reverse("fleet")).content.decode()
        ClusterHealth.objects.update(watched_at=now())
        assert "as of" not in client.get(reverse("fleet")).content.decode()


def test_usage_is_measured_or_a_dash(client_as: ClientAs, three: list[Deployment]) -> None:
    Observation.objects.filter(deployment=three[0]).update(
        view={"usage": {"calm-1": {"cpu_m": 250, "memory_b": 1 << 29}}}
    )
    page = soup_of(client_as("viewer").get(reverse("fleet") + "?q=calm"))
    labels = [bar["aria-label"] for bar in page.select("svg.use")]
    assert labels == ["CPU: 250m of 500m reserved", "Memory: 512 MiB of 1 GiB reserved"]
    assert not soup_of(client_as("viewer").get(reverse("fleet") + "?q=fresh")).select("svg.use")


def test_sorted_by_use_the_unmeasured_come_last(client_as: ClientAs, three: list[Deployment]) -> None:
    for row, cpu, memory in ((three[0], 450, 1 << 28), (three[1], 100, 1 << 29)):
        Observation.objects.filter(deployment=row).update(view={"usage": {"pod-1": {"cpu_m": cpu, "memory_b": memory}}})
    client = client_as("viewer")
    assert names(client, "?sort=cpu") == ["calm", "broken", "fresh"]
    assert names(client, "?sort=-cpu") == ["broken", "calm", "fresh"]
    assert names(client, "?sort=memory") == ["broken", "calm", "fresh"]
    assert names(client, "?sort=memory&environment=prod") == ["calm"]
    head = soup_of(client.get(reverse("fleet") + "?sort=cpu")).select_one("thead [aria-sort]")
    assert head is not None
    assert (head.text.strip(), head["aria-sort"]) == ("CPU / request", "descending")


def test_every_column_can_be_sorted(client_as: ClientAs, three: list[Deployment]) -> None:
    heads = soup_of(client_as("viewer").get(reverse("fleet"))).select("thead th")
    assert len(heads) == 11
    for head in heads:
        link = head.select_one("a")
        assert link is not None
        assert str(link["href"]).removeprefix("?sort=") in {*SORT_WORDS, *queries.orders()}


def test_a_crash_names_its_reason_and_one_press_reads_its_last_logs(
    client_as: ClientAs, three: list[Deployment]
) -> None:
    pod = make_pod("broken-5c-x7", ready=False)
    why = "broken-5c-x7 keeps crashing: exit code 1; it restarted 4 times."
    Observation.objects.filter(deployment=three[1]).update(worst_pod="broken-5c-x7", why=why, view={"pods": [pod]})
    client = client_as("viewer")
    strip = soup_of(client.get(reverse("fleet"))).select_one("#fleet-summary")
    assert strip is not None
    assert "Keeps crashing: exit code 1; it restarted 4 times." in strip.text
    form = strip.select_one("form")
    assert form is not None
    sent = {str(field["name"]): str(field["value"]) for field in form.select("input[name]")}
    client.post(str(form["action"]), sent)
    asked = LogRequest.objects.get()
    assert (asked.deployment, asked.pod, asked.previous) == (three[1], "broken-5c-x7", True)


SCENES: list[tuple[str, dict[str, Any], dict[str, Any], State]] = [
    ("seen running", {}, {}, State.RUNNING),
    ("newer intent", {"observed_generation": 0}, {}, State.SAVED_NOT_APPLIED),
    ("conflict", {"phase": Phase.CONFLICT, "observed_generation": 0}, {}, State.CONFLICT),
    ("refused", {"phase": Phase.BLOCKED}, {}, State.BLOCKED),
    ("gave up", {"phase": Phase.PARKED}, {}, State.FAILED),
    ("away", {"phase": Phase.UNREACHABLE}, {}, State.UNREACHABLE),
    ("retired", {"phase": Phase.RETIRED}, {}, State.RETIRED),
    ("retiring", {"phase": Phase.RETIRING}, {}, State.RETIRING),
    ("applied, unseen", {}, {"observed_at": None}, State.STARTING),
    ("never applied, unseen", {"applied_at": None}, {"observed_at": None}, State.UNKNOWN),
    ("seen before it was applied", {}, {"state": "saved-not-applied"}, State.STARTING),
    (
        "paused, and crashing",
        {"phase": Phase.PAUSED},
        {"state": "crash-looping", "severity": State.CRASH_LOOPING.severity},
        State.CRASH_LOOPING,
    ),
    ("paused, and drifted", {"phase": Phase.PAUSED}, {"state": "drifted", "severity": 60}, State.PAUSED),
    ("paused, unseen", {"phase": Phase.PAUSED}, {"observed_at": None, "severity": 100}, State.PAUSED),
    ("stalled", {}, {"state": "stalled", "severity": State.STALLED.severity}, State.STALLED),
]


@pytest.mark.parametrize("scene", SCENES, ids=[name for name, *_ in SCENES])
def test_lists_and_pages_agree_on_the_state(people: People, places: Places, scene: Any) -> None:
    """The order of what decides exists in SQL and in Python."""
    _, state, observation, expected = scene
    deployment = see(factories.make_deployment(author=people.editor, namespace=places.dev))
    DeploymentState.objects.filter(deployment=deployment).update(**state)
    Observation.objects.filter(deployment=deployment).update(**observation)
    row = shown_to(people.viewer).related().get(pk=deployment.pk)
    assert row.shown == expected == summary_of(row, at=now()).state
    assert row.severity == expected.severity


# How far the sleep is, whether its write has reached the cluster, what the cluster shows, and what a person sees.
SLEEPS: list[tuple[str, dict[str, Any], bool, State, State]] = [
    ("falls asleep", {}, False, State.RUNNING, State.FALLING_ASLEEP),
    ("its pods end", {}, True, State.FALLING_ASLEEP, State.FALLING_ASLEEP),
    ("sleeps", {}, True, State.ASLEEP, State.ASLEEP),
    ("edited in the night", {"generation": 0}, False, State.ASLEEP, State.SAVED_NOT_APPLIED),
    ("is about to wake", {"wake_started_at": now()}, False, State.ASLEEP, State.WAKING),
    ("wakes", {"wake_started_at": now()}, True, State.ASLEEP, State.WAKING),
    ("its pods start", {"wake_started_at": now()}, True, State.STARTING, State.WAKING),
    ("crashes on waking", {"wake_started_at": now()}, True, State.CRASH_LOOPING, State.CRASH_LOOPING),
    ("is awake", {"wake_started_at": now(), "closed_at": now()}, True, State.STARTING, State.STARTING),
    ("is held", {"hold_since": now(), "hold_replicas": 1}, True, State.RUNNING, State.HELD_AWAKE),
    ("is held, and scaled down again", {"hold_since": now(), "hold_replicas": 0}, True, State.ASLEEP, State.ASLEEP),
    ("is fought over", {"hold_since": now(), "conflict_at": now()}, True, State.RUNNING, State.CONFLICT),
    ("held pods crash", {"hold_since": now()}, True, State.CRASH_LOOPING, State.CRASH_LOOPING),
    ("did not wake", {"wake_started_at": now(), "wake_failed_at": now()}, True, State.STARTING, State.WAKE_FAILED),
    ("has no node", {"wake_started_at": now(), "wake_failed_at": now()}, True, State.UNSCHEDULABLE, State.WAKE_FAILED),
    ("woke late", {"wake_started_at": now(), "wake_failed_at": now()}, True, State.RUNNING, State.RUNNING),
]


@pytest.mark.parametrize("scene", SLEEPS, ids=[name for name, *_ in SLEEPS])
def test_lists_and_pages_agree_on_sleep(people: People, places: Places, scene: Any) -> None:
    _, fields, is_written, observed, expected = scene
    deployment = see(factories.make_deployment(author=people.editor, namespace=places.dev), observed)
    factories.put_to_sleep(deployment, is_written=is_written, **fields)
    row = shown_to(people.viewer).related().get(pk=deployment.pk)
    assert row.shown == expected == summary_of(row, at=now()).state
    assert row.severity == expected.severity


def test_a_pause_shows_at_once(people: People, places: Places) -> None:
    deployment = see(factories.make_deployment(author=people.editor, namespace=places.dev))
    actions.pause(deployment=deployment, by=factories.BY, note="freeze", until=None)
    row = shown_to(people.viewer).related().get(pk=deployment.pk)
    assert row.shown == State.PAUSED == summary_of(row, at=now()).state
    ClusterHealth.objects.update(state="away")
    row = shown_to(people.viewer).related().get(pk=deployment.pk)
    assert row.shown == State.UNREACHABLE == summary_of(row, at=now()).state
