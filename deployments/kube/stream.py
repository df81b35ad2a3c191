"""A watch's stream of JSON lines, and connection problems in plain words."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, Self

import orjson
import urllib3

from deployments.kube.api import Change, Unreachable
from deployments.kube.refusals import refusal

LINE_LIMIT = 16 * 1024 * 1024


class Stream:
    """Implements kube.api.Watch over an open response."""

    def __init__(self, response: Any) -> None:
        self._response = response

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def wake(self) -> None:
        with contextlib.suppress(urllib3.exceptions.HTTPError, OSError, ValueError, RuntimeError):
            # Closing here would pull the socket from under the reader, and leak it; it closes when it wakes.
            self._response.shutdown()

    def close(self) -> None:
        with contextlib.suppress(urllib3.exceptions.HTTPError, OSError, ValueError):
            self._response.close()

    def __iter__(self) -> Iterator[Change]:
        rest = b""
        try:
            for part in self._response.stream(65536):
                *lines, rest = (rest + part).split(b"\n")
                for line in lines:
                    if line.strip():
                        yield _change(line)
                if len(rest) > LINE_LIMIT:
                    raise Unreachable("The watch sent a line without end.")
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise Unreachable(plain_problem(error)) from error


def _change(line: bytes) -> Change:
    try:
        event = orjson.loads(line)
        kind, found = str(event["type"]), event["object"]
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise Unreachable("The watch sent something that is not an event.") from error
    if kind == "ERROR":
        # A version that is too old arrives here, inside an answer with status 200.
        raise refusal(int(found.get("code") or 500), orjson.dumps(found), {})
    return Change(kind, found)


def plain_problem(error: BaseException) -> str:
    """What went wrong with a connection, without the library's class names and addresses of memory."""
    chain: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and len(chain) < 8:
        chain.append(link)
        reason = getattr(link, "reason", None)
        link = reason if isinstance(reason, BaseException) else link.__cause__ or link.__context__
    for item in chain:
        if isinstance(item, ConnectionRefusedError):
            return "The cluster refuses connections."
        if isinstance(item, ConnectionResetError | BrokenPipeError):
            return "The cluster cut the connection."
        if isinstance(item, urllib3.exceptions.NameResolutionError):
            return f"The name of the cluster cannot be resolved: {item}"
        if isinstance(item, urllib3.exceptions.SSLError):
            return f"The TLS connection to the cluster failed: {item}"
        if isinstance(item, urllib3.exceptions.ConnectTimeoutError):
            return "The cluster did not accept a connection in time."
        if isinstance(item, urllib3.exceptions.TimeoutError | TimeoutError):
            return "The cluster did not answer in time."
        if isinstance(item, urllib3.exceptions.ProtocolError | urllib3.exceptions.IncompleteRead):
            return "The cluster cut the connection in the middle of an answer."
    return f"The connection to the cluster failed: {error}"
