"""The edit form: marks, errors in words, nothing lost, and a proposal at the end."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from baristaweb.lib.clock import now
from deployments.actions import deployments as actions
from deployments.audit import Actor
from deployments.domain.spec.parts import Autoscale, Resources
from deployments.forms.spec import texts
from deployments.models import Deployment, Observation, Proposal, Rollout
from deployments.tests import factories
from deployments.tests.fixtures import People, Places
from deployments.tests.views.helpers import body, decide, newest, posted, send_edit

ClientAs = Callable[[str], Client]


def test_edit_review_apply(client_as: ClientAs, people: People, places: Places) -> None:
    deployment = factories.make_deployment(author=people.editor, namespace=places.dev, name="ranker")
    client = client_as("editor")
    page = client.get(reverse("deployment-edit", args=[deployment.slug]))
    assert page.status_code == 200
    assert 'value="gs://acme-models/ranker"' in body(page)

    response = send_edit(client, deployment, model_version="2")
    assert response.status_code == 302
    review = client.get(response["Location"])
    assert review.status_code == 200
    assert "Apply 1 change to ranker in dev" in body(review)
    assert "Model version" in body(review)

    response = decide(client, newest())
    assert response.status_code == 302
    assert response["Location"] == reverse("deployment-detail", args=[deployment.slug])
    deployment = Deployment.objects.related().get(pk=deployment.pk)
    assert deployment.current.number == 2
    assert deployment.current.to_spec().model_version == "2"


def test_what_does_not_fit_is_said_twice_and_nothing_is_lost(
    client_as: ClientAs, people: People, places: Places
) -> None:
    deployment = factories.make_deployment(author=people.editor, namespace=places.dev)
    response = send_edit(
        client_as("editor"),
        deployment,
        model_version="7",
        replicas__count="\u0661",  # a digit, but not one of ours
        service="70000",
        env_name=["1A", "GOOD"],
        env_value=["x", "kept\nlines"],
    )
    assert response.status_code == 422
    html = body(response)
    assert "3 problems to fix before review" in html
    assert html.count("Must be a whole number, such as 3.") == 2
    assert html.count("Must be a port between 1 and 65535.") == 2
    assert 'value="7"' in html
    assert 'value="70000"' in html
    assert "kept\nlines</textarea>" in html
    assert not Proposal.objects.filter(deployment=deployment, kind="edit").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"artifact_uri": "gs://x/\x00y"}, "cannot be stored"),
        ({"artifact_uri": "not a place"}, "Must be a place such as"),
        ({"image_override": "allowed.io.evil.com/x:1"}, "is not allowed"),
        ({"image_override": "http://x"}, "Leave out http://"),
        ({"runtime": "made-up"}, "Choose one from the list."),
        ({"profile": "made-up"}, "Choose one from the list."),
        ({"profile": "-own", "resources__memory_limit": "1GB"}, 'is not a unit of memory. Use Gi, for example "4Gi".'),
        ({"profile": "-own", "resources__cpu_request": "1e3"}, "is not"),
        ({"profile": "-own", "resources__memory_request": "2Gi"}, "Must be at least the request (2 GiB)."),
        ({"replicas__mode": "autoscale", "replicas__min": "5", "replicas__max": "2"}, "Must be at least the minimum"),
        ({"replicas__count": "10000"}, "Must be at most"),
        ({"replicas__count": "9" * 5000}, "Must be a whole number"),
        ({"strategy__max_surge": "0", "strategy__max_unavailable": "0%"}, "cannot both be 0"),
        ({"ingress_host": "Not A Host"}, "full DNS name"),
        ({"env_name": ["LD_PRELOAD"], "env_value": ["x"]}, "cannot be set here"),
        ({"env_name": ["A", "A"], "env_value": ["1", "2"]}, "A is set twice: keep one of the two."),
        ({"env_name": [""], "env_value": ["x"]}, "The variable has no name: fill it in, such as LOG_LEVEL."),
        ({"env_name": ["A"], "env_value": ["x" * 40_000]}, "may have at most 32 KiB"),
        ({"env_name": ["A"], "env_value": ["x\x00y"]}, "cannot be stored"),
    ],
)
def test_bad_input_is_refused_in_words(
    client_as: ClientAs, people: People, places: Places, changes: dict[str, Any], message: str
) -> None:
    deployment = factories.make_deployment(author=people.editor, namespace=places.dev)
    response = send_edit(client_as("editor"), deployment, **changes)
    assert response.status_code == 422
    assert message in unescape(body(response))
    assert Proposal.objects.count() == 1


def test_text_that_looks_like_markup_is_shown_as_it_is(client_as: ClientAs, people: People, places: Places) -> None:
    deployment = factories.make_deployment(author=people.editor, namespace=places.dev)
    nasty = '"><img src=x onerror=alert(1)>{{7*7}}'
    response = send_edit(client_as("editor"), deployment, env_name=["A"], env_value=[nasty])
    assert response.status_code == 302
    html = body(client_as("editor").get(response["Location"]))
    assert nasty not in html
    assert "&lt;img src=x onerror=alert(1)&gt;{{7*7}}" in html


def test_an_unchanged_form_makes_no_proposal(client_as: ClientAs, people: People, places: Places) -> None:
    deployment = factories.make_deployment(author=people.editor, namespace=places.dev)
    response = client_as("editor").post(
        reverse("deployment-edit", args=[deployment.slug]), posted(deployment), follow=True
    )
    assert "Nothing changed" in body(response)
    assert not Proposal.objects.filter(kind="edit").exists()


def test_another_spelling_of_the_same_size_is_no_change(client_as: ClientAs, people: People, places: Places) -> None:
    own = factories.make_spec(
        profile=None, resources=Resources(cpu_request=500, memory_request=1 << 30, memory_limit=1 << 30)
    )
    deployment = factories.make_deployment(author=people.editor, namespace=places.dev, spec=own)
    send_edit(client_as("editor"), deployment, resources__cpu_request="0.5", resources__memory_request="1024Mi")
    assert not Proposal.objects.filter(kind="edit").exists()


def test_marks_undo_and_rows_work_without_script(client_as: ClientAs, people: People, places: Places) -> None:
    spec = factories.make_spec(env=(("LEVEL", "info"), ("OLD", "1")))
    deployment = factories.make_deployment(author=people.editor, namespace=places.dev, spec=spec)
    client, url = client_as("editor"), reverse("deployment-edit", args=[deployment.slug])
    typed = posted(deployment, model_version="2", env_name=["LEVEL", "", ""], env_value=["debug", "", ""])

    html = body(client.post(url, typed | {"more": "1"}))
    assert html.count('name="env_name"') == 3 + 4
    assert "was info" in html
    assert "Bring back OLD" in html
    assert "Your 3 changes" in html

    html = body(client.post(url, typed | {"undo": "model_version"}))
    assert "Your 2 changes" in html
    html = body(client.post(url, typed | {"undo": "env.OLD"}))
    assert 'value="OLD"' in html
    html = body(client.post(url, typed | {"undo": "env.LEVEL"}))
    assert "was info" not in html
    html = body(client.post(url, typed | {"remove": "1"}))
    assert "Bring back LEVEL" in html
    assert not Proposal.objects.filter(kind="edit").exists()


def test_typing_answers_beside_the_fields_only(client_as: ClientAs, people: People, places: Places) -> None:
    deployment = factories.make_deployment(author=people.editor, namespace=places.dev)
    response = client_as("editor").post(
        reverse("deployment-edit", args=[deployment.slug]),
        posted(deployment, replicas__count="0", artifact_uri="", step="1"),
        headers={"hx-request": "true", "hx-trigger-name": "replicas__count"},
    )
    html = body(response)
    assert response.status_code == 200
    assert "HX-Request" in response["Vary"]
    assert re.findall(r"<input[^>]* name=.(\w+)", html) == ["draft_id"], "the only one, and hidden"
    assert "<html" not in html
    assert "Must be at least 1." in html
    assert "Must be a place" not in html, "an untouched empty field is not scolded while another is typed in"
    assert "kind: Deployment" in html


def test_patched_marks_equal_fresh_ones(client_as: ClientAs, people: People, places: Places) -> None:
    deployment = factories.make_deployment(author=people.editor, namespace=places.dev)
    client, url = client_as("editor"), reverse("deployment-edit", args=[deployment.slug])
    changes = {"model_version": "5", "service": "99999"}
    patch = body(client.post(url, posted(deployment, step="1", **changes), headers={"hx-request": "true"}))
    fresh = body(client.post(url, posted(deployment, more="1", **changes)))
    for element in ("id_model_version_mark", "id_service_error", "id_service_mark", "spec-changes"):
        assert _element(patch, element) == _element(fresh, element)


def _element(html: str, element_id: str) -> str:
    """The text of an element, without the attributes that only a patch has."""
    found = re.search(
        rf'<(\w+)[^>]* id="{element_id}"[^>]*>(.*?)</\1>|<(\w+) id="{element_id}"[^>]*>(.*?)</\3>', html, re.S
    )
    assert found, element_id
    return " ".join((found.group(2) or found.group(4) or "").split())


def test_who_may_edit(client_as: ClientAs, people: People, places: Places) -> None:
    deployment = factories.make_deployment(author=people.editor, namespace=places.dev)
    url = reverse("deployment-edit", args=[deployment.slug])
    expected = {"viewer": 403, "auditor": 403, "stranger": 404, "editor": 200, "platform": 200, "anonymous": 302}
    assert {name: client_as(name).get(url).status_code for name in expected} == expected
    assert client_as("viewer").post(url, posted(deployment, model_version="2")).status_code == 403


def test_a_get_writes_nothing(
    client_as: ClientAs, people: People, places: Places, django_assert_max_num_queries: Any
) -> None:
    deployment = factories.make_deployment(author=people.editor, namespace=places.dev)
    client = client_as("editor")
    with django_assert_max_num_queries(26) as asked:
        client.get(reverse("deployment-edit", args=[deployment.slug]))
    writes = [query["sql"] for query in asked.captured_queries if re.match("INSERT|UPDATE|DELETE", query["sql"])]
    assert [sql for sql in writes if "django_session" not in sql] == []


def test_what_the_form_does_not_know_is_kept() -> None:
    kept = {"schema": 1, "later": {"a": 1}, "replicas": {"mode": "autoscale", "min": 1, "max": 3, "later": 2}}
    values = texts.DEFAULTS | {"replicas.mode": "autoscale"}
    data, errors = texts.to_json(values, [], kept=kept)
    assert errors == {}
    assert data["later"] == {"a": 1}
    assert data["replicas"]["later"] == 2
    data, _ = texts.to_json(values | {"replicas.mode": "fixed"}, [], kept=kept)
    assert data["replicas"] == {"mode": "fixed", "count": 1}


def test_a_retired_deployment_is_not_edited(client_as: ClientAs, people: People, places: Places) -> None:
    deployment = factories.make_deployment(author=people.editor, namespace=places.dev)
    actions.retire(deployment=deployment, by=Actor.as_user(people.maintainer), note="")
    response = client_as("editor").get(reverse("deployment-edit", args=[deployment.slug]), follow=True)
    assert "Restore it before you edit it" in body(response)


def test_settings_that_few_need(client_as: ClientAs, people: People, places: Places) -> None:
    factories.make_permits()
    deployment = factories.make_deployment(author=people.editor, namespace=places.dev)
    client = client_as("editor")
    response = send_edit(
        client,
        deployment,
        description="Ranks\r\nqueries",
        readiness__kind="http",
        readiness__path="/healthz",
        readiness__period_s="5",
        env_refs="TOKEN=secret/feature-store/token\nFLAGS=configmap/flags/all",
        node_selector="disk=ssd",
        tolerations="nvidia.com/gpu=present:NoSchedule\nspot:NoExecute",
        spread__over="zones",
        budget__kind="min_available",
        budget__value="50%",
        progress_deadline_s="900",
        grpc_port="9000",
    )
    assert response.status_code == 302
    spec = newest().spec
    assert spec["description"] == "Ranks\nqueries"
    assert spec["readiness"]["path"] == "/healthz"
    assert spec["readiness"]["period_s"] == 5
    assert [item["kind"] for item in spec["env_refs"]] == ["config_map", "secret"]
    assert spec["node_selector"] == {"disk": "ssd"}
    assert [item["operator"] for item in spec["tolerations"]] == ["Equal", "Exists"]
    assert spec["spread"]["over"] == "zones"
    assert spec["budget"] == {"min_available": "50%"}
    assert decide(client, newest()).status_code == 302

    saved = Deployment.objects.related().get(pk=deployment.pk)
    again = client.post(reverse("deployment-edit", args=[deployment.slug]), posted(saved), follow=True)
    assert "Nothing changed" in body(again), "what was saved opens as it was typed"
    html = body(client.post(reverse("deployment-edit", args=[deployment.slug]), posted(saved, readiness__kind="")))
    assert newest().spec.get("readiness") is None
    assert html == ""


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"env_refs": "TOKEN"}, "is not NAME=secret/name/key"),
        ({"env_refs": "TOKEN=secret/Bad_Name/key"}, "TOKEN: "),
        ({"node_selector": "disk"}, "is not key=value"),
        ({"tolerations": ":NoSchedule"}, "Must be the key of a taint"),
        ({"progress_deadline_s": "soon"}, "Must be a whole number between 1 and 86400."),
        ({"budget__kind": "min_available", "budget__value": "many"}, "Must be a count from 0"),
        ({"readiness__kind": "grpc"}, "There is no gRPC port"),
        ({"readiness__kind": "made-up"}, "Choose one from the list."),
        ({"ingress_path": "/v1"}, "Needs an Ingress host"),
        ({"ingress_host": "a.example.com"}, "Host a.example.com is not allowed in search-dev. Allowed: none yet."),
        ({"env_refs": "TOKEN=secret/other/token"}, "Ask the platform team to allow it."),
        ({"runbook": "javascript:alert(1)"}, "Must be a link that begins with"),
        ({"pre_stop_sleep_s": "999"}, "less than the termination grace period"),
    ],
)
def test_settings_that_few_need_are_checked(
    client_as: ClientAs, people: People, places: Places, changes: dict[str, Any], message: str
) -> None:
    deployment = factories.make_deployment(author=people.editor, namespace=places.dev)
    response = send_edit(client_as("editor"), deployment, **changes)
    html = unescape(body(response))
    assert response.status_code == 422
    assert html.count(message) == 2, "next to the field and once on top"


def test_undo_of_a_field_of_several_parts(client_as: ClientAs, people: People, places: Places) -> None:
    deployment = factories.make_deployment(author=people.editor, namespace=places.dev)
    sent = posted(deployment, readiness__kind="tcp", readiness__period_s="3")
    url = reverse("deployment-edit", args=[deployment.slug])
    assert "Your 1 change" in body(client_as("editor").post(url, sent | {"more": "1"}))
    assert "No changes yet" in body(client_as("editor").post(url, sent | {"undo": "readiness"}))


def test_an_old_tab_does_not_reset_what_it_does_not_know(client_as: ClientAs, people: People, places: Places) -> None:
    spec = factories.make_spec(contact="#search-oncall", progress_deadline_s=900)
    deployment = factories.make_deployment(author=people.editor, namespace=places.dev, spec=spec)
    sent = posted(deployment, model_version="2")
    del sent["contact"], sent["progress_deadline_s"]
    assert client_as("editor").post(reverse("deployment-edit", args=[deployment.slug]), sent).status_code == 302
    assert (newest().spec["contact"], newest().spec["progress_deadline_s"]) == ("#search-oncall", 900)


def test_what_is_measured_stands_beside_the_field(client_as: ClientAs, people: People, places: Places) -> None:
    deployment = factories.make_deployment(author=people.editor, namespace=places.dev)
    client, url = client_as("editor"), reverse("deployment-edit", args=[deployment.slug])
    assert "uses" not in body(client.get(url)), "nothing is said of what was not measured"

    view = {"usage": {"pod-a": {"memory_b": 3 << 30, "cpu_m": 250}, "pod-b": {"memory_b": 1 << 30, "cpu_m": 1500}}}
    began = now()
    Observation.objects.filter(deployment=deployment).update(view=view, observed_at=began, ready=1, desired=2)
    for revision, seconds in ((11, 40), (12, 100), (13, 60)):
        Rollout.objects.create(
            deployment=deployment,
            revision=revision,
            saved_at=began,
            first_pod_at=began,
            first_ready_at=began + timedelta(seconds=seconds),
        )
    html = body(client.get(url))
    for words in (
        "The largest pod uses 3 GiB now.",
        "The busiest pod uses 1.5 cores now.",
        "Now ready: 1 of 2.",
        "240 s would fit: the slowest of 3 starts took 100 s.",
    ):
        assert words in html


def test_turning_the_autoscaler_off_begins_with_the_number_that_runs(
    client_as: ClientAs, people: People, places: Places
) -> None:
    scaled = factories.make_spec(replicas=Autoscale(min=2, max=9))
    deployment = factories.make_deployment(author=people.editor, namespace=places.dev, spec=scaled)
    client, url = client_as("editor"), reverse("deployment-edit", args=[deployment.slug])

    def count() -> str:
        found = re.search(r'<input[^>]*name="replicas__count"[^>]*>', body(client.get(url)))
        assert found is not None
        return found.group()

    assert 'value="2"' in count()
    Observation.objects.filter(deployment=deployment).update(observed_at=now(), ready=6, desired=7)
    assert 'value="7"' in count()
    Observation.objects.filter(deployment=deployment).update(desired=0)
    assert 'value="2"' in count(), "asleep, it says nothing about how many are wanted"


def test_what_nobody_sees_in_a_value_is_said_and_cleaned(client_as: ClientAs, people: People, places: Places) -> None:
    deployment = factories.make_deployment(author=people.editor, namespace=places.dev)
    client, url = client_as("editor"), reverse("deployment-edit", args=[deployment.slug])
    sent = posted(deployment, env_name=["LEVEL"], env_value=["in\u200bfo\u00a0"])
    page = body(client.post(url, sent | {"step": "1"}, headers={"HX-Request": "true"}))
    assert "holds a zero-width character and a no-break space: in\u27e8U+200B\u27e9fo\u27e8U+00A0\u27e9" in page
    page = body(client.post(url, sent | {"clean": "1"}))
    assert ">\ninfo</textarea>" in page
    assert "zero-width" not in page
