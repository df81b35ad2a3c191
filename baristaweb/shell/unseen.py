"""Characters that hide in a page or turn its text round are written out, whoever typed them: nothing looks like else.

Only text between tags is touched. What a field of a form holds stays as it is, or sending the form would change it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from django.http import HttpRequest, HttpResponse

from deployments.domain.text.unseen import prose_shown

# A byte of each such character, as UTF-8 writes them: most pages hold none and are not read further.
_BYTES: Final = re.compile(rb"\xd8\x9c|\xe2\x80[\x8b-\x8f\xa8-\xae]|\xe2\x81[\xa0-\xaf]|\xef\xbb\xbf")
_KEPT: Final = re.compile(r"(<(textarea|script|style)\b.*?</\2\s*>|<[^>]*>)", re.DOTALL | re.IGNORECASE)


def marked(page: str) -> str:
    """The page with what hides in its text as its number."""
    parts = _KEPT.split(page)
    # Between two texts stand the kept piece and the group within it.
    parts[::3] = [prose_shown(text) for text in parts[::3]]
    del parts[2::3]
    return "".join(part for part in parts if part)


class UnseenMiddleware:
    """Of answers in HTML; what is downloaded is written by `baristaweb.lib.visible`."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        answer = self.get_response(request)
        is_page = not answer.streaming and answer.headers.get("Content-Type", "").startswith("text/html")
        if is_page and _BYTES.search(answer.content):
            answer.content = marked(answer.content.decode()).encode()
        return answer
