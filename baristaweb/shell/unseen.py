"""Characters that hide in a page or turn its text round are written out, whoever typed them: nothing looks like else.

Only text between tags is touched. What a field of a form holds stays as it is, or sending the form would change it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from django.http import HttpRequest, HttpResponse

from deployments.domain.text.unseen import prose_shown

# As UTF-8 writes them: most pages hold none and are not read further.
_HIDING: Final = tuple(
    chr(code).encode()
    for code in (0x61C, *range(0x200B, 0x2010), *range(0x2028, 0x202F), *range(0x2060, 0x2070), 0xFEFF)
)
# What stands in these is data of the browser's, not text of the page.
_RAW: Final = frozenset({"textarea", "script", "style"})


def marked(page: str) -> str:
    """The page with what hides in its text as its number."""
    text, *pieces = page.split("<")
    parts, inside = [prose_shown(text)], ""
    for piece in pieces:
        tag, end, text = piece.partition(">")
        name = next(iter(tag.split(maxsplit=1)), "").lower()
        if inside and name == f"/{inside}":
            inside = ""
        elif not inside and name in _RAW:
            inside = name
        parts += ["<", piece] if inside else ["<", tag, end, prose_shown(text)]
    return "".join(parts)


class UnseenMiddleware:
    """Of answers in HTML; what is downloaded is written by `baristaweb.lib.visible`."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        answer = self.get_response(request)
        is_page = not answer.streaming and answer.headers.get("Content-Type", "").startswith("text/html")
        if is_page and any(character in answer.content for character in _HIDING):
            answer.content = marked(answer.content.decode()).encode()
        return answer
