"""Text that no part of the product can hold is refused here, once, and not in every view.

PostgreSQL stores no NUL, and no UTF-8 writes half of a surrogate pair: either is an error of the database wherever a
view lets it through. Nobody types them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from baristaweb.lib.numbers import whole
from baristaweb.shell.carried import FORMS

BAD = re.compile("[\x00\ud800-\udfff]")
FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data")


class GateMiddleware:
    """400 with the name of what is wrong. The form of a spec is let through: it says it beside its own field."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        wrong = first_wrong(_before_the_body(request))
        if whole(request.META.get("CONTENT_LENGTH") or "0") is None:
            wrong = "the header Content-Length"
        return refusal(request, wrong) if wrong else self.get_response(request)

    def process_view(self, request: HttpRequest, *view: Any) -> HttpResponse | None:
        match = request.resolver_match
        if request.method in ("GET", "HEAD") or (match is not None and match.url_name in FORMS):
            return None
        wrong = first_wrong(_of_the_body(request))
        return refusal(request, wrong) if wrong else None


def first_wrong(pairs: Iterable[tuple[str, str]]) -> str:
    """The first name whose text cannot be kept; empty when all can."""
    return next((name for name, text in pairs if BAD.search(text)), "")


def refusal(request: HttpRequest, wrong: str) -> HttpResponse:
    return render(request, "400.html", {"wrong": BAD.sub("", wrong)[:100]}, status=400)


def _before_the_body(request: HttpRequest) -> Iterator[tuple[str, str]]:
    yield "the address", request.path_info
    for name, values in request.GET.lists():
        yield "the address", name
        for value in values:
            yield f"{name} in the address", value
    for name, value in request.META.items():
        if name.startswith("HTTP_") and isinstance(value, str):
            yield f"the header {name[5:].replace('_', '-').title()}", value
    for name, value in request.COOKIES.items():
        yield f"the cookie {name}", value


def _of_the_body(request: HttpRequest) -> Iterator[tuple[str, str]]:
    if request.content_type in FORM_TYPES:
        for name, values in request.POST.lists():
            yield "the name of a field", name
            for value in values:
                yield f"the field {name}", value
        for name, files in request.FILES.lists():
            for file in files:
                yield f"the file {name}", str(getattr(file, "name", ""))
