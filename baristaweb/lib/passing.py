"""A message about something that is on its way: it goes as soon as a poll finds the page settled."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest


def say(request: HttpRequest, words: str) -> None:
    messages.success(request, words, extra_tags="passing")
