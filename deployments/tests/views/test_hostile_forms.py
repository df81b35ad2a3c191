"""Hostile text in every field of the form and every place of what is stored: refused by name, or kept as it is."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from html import unescape
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from deployments.domain.spec.fields.table import field_for
from deployments.domain.spec.reader import SpecInvalid
from deployments.domain.spec.spec import Spec
from deployments.forms.choices import Choices
from deployments.forms.spec import form as spec_forms
from deployments.forms.spec import texts
from deployments.forms.spec.form import SpecForm
from deployments.models import Proposal
from deployments.tests import factories
from deployments.tests.domain import bad_inputs
from deployments.tests.domain.spec.test_schema import FULL
from deployments.tests.fixtures import People, Places
from deployments.tests.views.helpers import body, posted, send_edit
from deployments.tests.views.seen import soup_of

QUANTITIES = bad_inputs.load("quantities")
HOSTILE = (
    "a\x00b",
    "\ud800",
    "a\u202eb",
    "a\u200bb",
    "\u00a0\u2003",
    "\u0661",
    "1e3",
    "1e400",
    "NaN",
    "-1",
    "9" * 5000,
    "x" * 40_000,
    "=cmd|' /C calc'!A0",
    "<script>alert(1)</script>",
    "{{7*7}}{% debug %}%(x)s{0.__class__}",
    "';DROP TABLE x;--",
    "../../etc/passwd",
    "a=b=c\n\n=\n:x\n/",
    "\r\n\t",
)
VALUES: tuple[Any, ...] = (
    None,
    True,
    -1,
    2**80,
    1.5,
    float("nan"),
    float("inf"),
    "",
    "\x00",
    "\ud800",
    [],
    [[]],
    [None],
    {},
    {"": 1},
    {"a": {"b": []}},
    "x" * 100_000,
)


@pytest.mark.parametrize("entry", QUANTITIES, ids=bad_inputs.ids(QUANTITIES))
def test_a_bad_quantity_is_refused_at_its_field(
    client_as: Callable[[str], Client], people: People, places: Places, entry: dict[str, Any]
) -> None:
    deployment = factories.make_deployment(author=people.editor, namespace=places.dev)
    name = "resources__cpu_request" if entry["field"] == "cpu" else "resources__memory_limit"
    text = bad_inputs.text_of(entry)
    response = send_edit(client_as("editor"), deployment, profile="-own", **{name: text})
    if text.strip() in ("1", "1Gi"):
        assert response.status_code == (302 if text.strip() != text else 422)  # spaces around it are nobody's mistake
        return
    assert response.status_code == 422
    assert f'href="#id_{name}"' in body(response)
    if text.strip():
        assert Proposal.objects.count() == 1


def test_every_field_of_the_form_survives_everything(people: People, places: Places) -> None:
    deployment = factories.make_deployment(author=people.editor, namespace=places.dev)
    choices = Choices.of(places.dev, kept=deployment.current)
    base = factories.make_spec()
    start = spec_forms.data_of(texts.of_spec(base, None), base.env)
    for path in texts.PATHS:
        for text in HOSTILE:
            data = start.copy()
            data[texts.path_name(path)] = text
            form = SpecForm(data, choices=choices, baseline=base)
            if form.spec is None:
                assert all(form.errors.values()), (path, text)
                owner = path.split(".")[0]
                assert any(wrong.split(".")[0] == owner or wrong in DEPENDS.get(owner, ()) for wrong in form.errors), (
                    path,
                    text,
                    form.errors,
                )
            else:
                json.dumps(form.spec.to_json(), allow_nan=False).encode()


# A field may be fine in itself and wrong beside another, which is then the one that is named.
DEPENDS = {"service": ("ingress_host",), "min_ready_s": ("progress_deadline_s",)}


def places_of(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from places_of(inner, (*path, key))


def test_every_place_of_a_stored_spec_survives_everything() -> None:
    document = FULL.to_json()
    for place in list(places_of(document))[1:]:
        for value in VALUES:
            damaged: Any = copy.deepcopy(document)
            *parents, last = place
            inner = damaged
            for step in parents:
                inner = inner[step]
            inner[last] = value
            spec, errors = read(damaged)
            assert all(path.split(".")[0] in document for path in errors), (place, value, errors)
            if spec is not None:
                json.dumps(spec.to_json(), allow_nan=False).encode()
                assert spec.digest()


def read(document: Any) -> tuple[Spec | None, dict[str, str]]:
    try:
        return Spec.from_json(document), {}
    except SpecInvalid as problem:
        return None, problem.errors


def test_the_page_names_what_is_wrong_in_a_field_of_lines(
    client_as: Callable[[str], Client], people: People, places: Places
) -> None:
    deployment = factories.make_deployment(author=people.editor, namespace=places.dev)
    for path in ("labels", "annotations", "env_refs", "node_selector", "tolerations"):
        response = client_as("editor").post(
            reverse("deployment-edit", args=[deployment.slug]), posted(deployment, **{path: "=\n:x\n/\n\x00"})
        )
        assert response.status_code == 422
        assert field_for(path).label in unescape(body(response))


def test_what_is_rounded_is_said_beside_the_field(
    client_as: Callable[[str], Client], people: People, places: Places
) -> None:
    deployment = factories.make_deployment(author=people.editor, namespace=places.dev)
    url = reverse("deployment-edit", args=[deployment.slug])
    typed = {"profile": "-own", "resources__cpu_request": "1.0000000001"}
    data = {name: value for name, value in posted(deployment, **typed).items() if name != "review"} | {"step": "1"}
    answer = client_as("editor").post(url, data, headers={"HX-Request": "true"})
    assert "Rounded up to 1001m." in body(answer)


def test_a_form_above_what_is_read_is_refused_in_one_sentence(
    client_as: Callable[[str], Client], people: People, places: Places
) -> None:
    deployment = factories.make_deployment(author=people.editor, namespace=places.dev)
    client = client_as("editor")
    names, values = [f"A{number}" for number in range(80)], ["x" * 40_000] * 80
    answer = send_edit(client, deployment, env_name=names, env_value=values)
    assert answer.status_code == 413
    said = " ".join(soup_of(answer).text.split())
    assert "What was sent has 3.1 MB, and at most 2.5 MB are read" in said
    assert "nothing was changed" in said
    assert not Proposal.objects.filter(kind="edit").exists()
    form = soup_of(client.get(reverse("deployment-edit", args=[deployment.slug]))).select_one("form[data-most]")
    assert form is not None
    assert int(str(form["data-most"])) == settings.DATA_UPLOAD_MAX_MEMORY_SIZE
