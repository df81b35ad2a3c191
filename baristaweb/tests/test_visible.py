"""What people download does nothing in their terminal."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from baristaweb.lib.csv_export import stream
from baristaweb.lib.visible import visible
from deployments.models import LogRequest
from deployments.tests import factories
from deployments.tests.fixtures import People, Places

HOSTILE = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202etxt.exe\u200b\r\x00\x7f"


def test_what_acts_is_written_out_and_the_rest_stays() -> None:
    assert visible(HOSTILE) == ("\\x1b]0;owned\\x07\\x1b[2J\\x9b31m\\u202etxt.exe\\u200b\\r\\x00\\x7f")
    assert visible("Łukasz\tsays\n👋 \uff1d") == "Łukasz\tsays\n👋 \uff1d"


def test_a_csv_acts_on_no_terminal() -> None:
    text = "".join(stream(["a"], [[HOSTILE], ["\r=1"], ["=1"]]))
    assert not set(text) & set("\x1b\x07\x9b\u202e\u200b\x00\x7f")
    assert text.splitlines()[2:] == ["'\\r=1", "'=1"]


@pytest.mark.django_db
def test_a_file_of_log_lines_acts_on_no_terminal(
    client_as: Callable[[str], Client], people: People, places: Places
) -> None:
    deployment = factories.make_deployment(author=people.maintainer, namespace=places.dev)
    row = LogRequest.objects.create(
        deployment=deployment, author=people.viewer, answer="done",
        lines=[["2026-11-27T10:00:00+00:00", "ranker-1", "model", HOSTILE.replace("\x00", "")]],
    )  # fmt: skip
    answer = client_as("viewer").get(reverse("deployment-log-download", args=[deployment.slug, row.pk]))
    text = answer.content.decode()
    assert "\\x1b]0;owned" in text
    assert not set(text) & set("\x1b\x07\x9b\u202e\u200b\x7f\r")
