"""A poll that would bring what the page shows already is answered 304, without a body.

Fragments carry a validator of what they say. Tokens of forms are masked anew in each answer and the words of a time
age, so both are left out of it. The page ages times itself (static/js/times.js); when a cluster was last heard is new
at each poll of a quiet page, so these instants travel in a header.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Final

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified

HEARD: Final = "Barista-Heard"
_TOKEN = re.compile(rb'(name="csrfmiddlewaretoken" value=")[^"]*')
_AGE = re.compile(rb'(<time datetime="[^"]*" title="[^"]*" data-ago>)[^<]*')
_HEARD = re.compile(rb'<time datetime="([^"]*)" title="[^"]*" data-ago data-heard="([\w.-]+)">[^<]*')
_KEPT = ("Cache-Control", "Vary", "ETag")


class PollMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        answer = self.get_response(request)
        if not _is_fragment(request, answer):
            return answer
        answer.headers["ETag"] = tag = validator(answer.content)
        if request.headers.get("If-None-Match") != tag:
            return answer
        same = HttpResponseNotModified()
        for name in _KEPT:
            if name in answer.headers:
                same.headers[name] = answer.headers[name]
        same.cookies = answer.cookies
        if heard := _HEARD.findall(answer.content):
            same.headers[HEARD] = " ".join(f"{key.decode()}={instant.decode()}" for instant, key in heard)
        return same


def validator(body: bytes) -> str:
    """The same for two bodies that say the same. Weak: they differ in tokens and ages."""
    said = _AGE.sub(rb"\1", _HEARD.sub(rb"<time \2>", _TOKEN.sub(rb"\1", body)))
    return f'W/"{hashlib.sha256(said).hexdigest()[:32]}"'


def _is_fragment(request: HttpRequest, answer: HttpResponse) -> bool:
    return (
        request.method == "GET"
        and "HX-Request" in request.headers
        and answer.status_code == 200
        and not answer.streaming
        and answer.headers.get("Content-Type", "").startswith("text/html")
        and not any(name.lower().startswith("hx-") for name in answer.headers)
    )
