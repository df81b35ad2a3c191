"""Every refusal of a form names what was typed, and says what would be accepted."""

from __future__ import annotations

import importlib
import pkgutil
import re
from datetime import datetime
from typing import Any

import pytest
from django import forms
from hypothesis import given
from hypothesis import strategies as st

from baristaweb.lib.refusals import SaysWhatFits, fitting, named, says_what_fits
from deployments.domain.text.images import ImageReference, InvalidImage
from deployments.domain.text.naming import InvalidName, check_env_name, check_host, check_name, check_object_name
from deployments.domain.text.quantities import QuantityError, parse_cpu, parse_memory

SAMPLE = re.compile(r"(?:such as|for example|Did you mean) [\"“]?([^\"”,;) ]+?)[\"”]?(?:[.,;?)]* |[.,;?)]*$)")
typed_texts = st.text(alphabet=st.sampled_from("019.,-_ /:@aAzZmMGikKbBvcpuoresT=%ü"), min_size=1, max_size=20)


def load(package: str) -> None:
    for found in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}."):
        importlib.import_module(found.name)


def of_ours(found: type[forms.BaseForm]) -> set[type[forms.BaseForm]]:
    every = {found} | {inner for one in found.__subclasses__() for inner in of_ours(one)}
    return {one for one in every if one.__module__.startswith(("deployments.forms", "observability.forms"))}


def test_every_form_completes_its_messages() -> None:
    for package in ("deployments.forms", "observability.forms"):
        load(package)
    found = of_ours(forms.BaseForm)
    assert len(found) > 30
    assert {one.__name__ for one in found if not issubclass(one, SaysWhatFits)} == set()


@pytest.mark.parametrize(
    ("parse", "problem"),
    [
        (parse_cpu, QuantityError),
        (parse_memory, QuantityError),
        (ImageReference.parse, InvalidImage),
        (check_name, InvalidName),
        (check_object_name, InvalidName),
        (check_host, InvalidName),
        (check_env_name, InvalidName),
    ],
)
def test_a_refused_text_comes_with_one_that_is_accepted(parse: Any, problem: type[Exception]) -> None:
    @given(typed_texts)
    def refused(text: str) -> None:
        try:
            parse(text)
        except problem as error:
            message = str(error)
            assert says_what_fits(message), message
            sample = SAMPLE.search(message)
            if sample and not sample[1].startswith(("@sha256", ":")) and "characters; at most" not in message:
                parse(sample[1].rstrip("."))

    refused()


@pytest.mark.parametrize(
    ("typed", "accepted"),
    [("2 cores", "2"), ("1.5 vCPU", "1.5"), ("1,5", "1.5"), ("-2", "500m"), ("2 m", "2m")],
)
def test_what_people_write_for_cores(typed: str, accepted: str) -> None:
    with pytest.raises(QuantityError) as problem:
        parse_cpu(typed)
    message = named(str(problem.value), typed)
    assert typed in message
    assert f'"{accepted}"' in message
    parse_cpu(accepted)


def test_what_was_typed_is_named_once_and_only_when_it_is_short() -> None:
    assert named("Must be at least the minimum (5).", "5") == "You typed “5”. Must be at least the minimum (5)."
    assert named('"80a" is no port.', "80a") == '"80a" is no port.'
    assert named("acme.com/x is not allowed.", "acme.com/x") == "acme.com/x is not allowed."
    assert named("Is too long.", "x" * 61) == "Is too long."
    assert named("Is required.", "  ") == "Is required."
    assert named("Must be one line.", "a\n b") == "You typed “a b”. Must be one line."


class Sample(SaysWhatFits, forms.Form):
    days = forms.IntegerField(min_value=1, max_value=90)
    at_least = forms.IntegerField(min_value=3, required=False)
    share = forms.DecimalField(max_value=100, required=False)
    when = forms.DateTimeField()
    role = forms.ChoiceField(choices=(("", "Choose"), ("a", "Viewer"), ("b", "Editor")))
    password = forms.CharField(widget=forms.PasswordInput, max_length=5)


def test_django_s_own_messages_are_completed() -> None:
    form = Sample(
        {"days": "80a", "at_least": "2", "share": "many", "when": "soon", "role": "owner", "password": "secret"}
    )
    assert not form.is_valid()
    said = {name: " ".join(found) for name, found in form.errors.items()}
    assert said["days"] == "You typed “80a”. Enter a whole number. Allowed: a whole number from 1 to 90, such as 1."
    assert "“2”" in said["at_least"]
    assert "greater than or equal to 3" in said["at_least"]
    assert said["share"].endswith("Allowed: a number, at most 100, such as 100.")
    assert said["when"] == "You typed “soon”. Enter a valid date/time. Write it such as 2026-12-01T18:00."
    assert "owner" in said["role"]
    assert said["role"].endswith("Choose one of: Viewer, Editor.")
    assert "secret" not in said["password"]
    assert form.errors.as_data()["days"][0].code == "invalid"


def test_the_example_of_a_field_is_accepted_by_it() -> None:
    for field in Sample.base_fields.values():
        sample = re.search(r"such as (\S+?)\.?$", fitting(field))
        if sample:
            assert field.clean(sample[1]) is not None
    assert isinstance(forms.DateTimeField().clean("2026-12-01T18:00"), datetime)


def test_nothing_is_required_in_silence() -> None:
    form = Sample({})
    assert not form.is_valid()
    assert form.errors["days"] == ["This field is required. Allowed: a whole number from 1 to 90, such as 1."]
    assert form.errors["role"] == ["This field is required. Choose one of: Viewer, Editor."]
