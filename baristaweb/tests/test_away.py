"""Without the database every page says so; none fails while saying it."""

from collections.abc import Callable
from typing import Any, NoReturn

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.db import OperationalError, connection
from django.test import Client, RequestFactory
from django.urls import reverse

from baristaweb.shell.errors import server_error
from deployments.tests.fixtures import People


def refuse(*args: Any, **kwargs: Any) -> NoReturn:
    raise OperationalError("connection refused")


@pytest.mark.parametrize("name", ["home", "fleet", "audit", "login", "theme"])
def test_the_page_of_an_outage(
    client_as: Callable[[str], Client], people: People, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    request = RequestFactory().get(reverse(name), headers={"host": "localhost"})
    request.COOKIES.update({key: morsel.value for key, morsel in client_as("viewer").cookies.items()})
    handler = WSGIHandler()
    with monkeypatch.context() as patch:
        patch.setattr(connection, "cursor", refuse)
        answer = handler.get_response(request)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    assert b"Your models keep serving" in answer.content


def test_a_mistake_of_ours_is_told_without_asking_the_database() -> None:
    request = RequestFactory().get("/fleet/")
    try:
        raise ValueError("a mistake")
    except ValueError:
        answer = server_error(request)
    assert answer.status_code == 500
    assert b"Something broke on our side" in answer.content
