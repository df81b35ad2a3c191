"""A watch's stream: whole lines from torn chunks, errors inside it, and an end that another thread may bring."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import urllib3

from deployments.kube.api import Change, Gone, Unreachable
from deployments.kube.stream import Stream, plain_problem


class Response:
    """What Stream uses of a response."""

    def __init__(self, *chunks: bytes | Exception) -> None:
        self.chunks = chunks
        self.is_closed = False

    def stream(self, amount: int) -> Iterator[bytes]:
        for chunk in self.chunks:
            if isinstance(chunk, Exception):
                raise chunk
            yield chunk

    def shutdown(self) -> None:
        raise ValueError("cannot shut down")

    def close(self) -> None:
        self.is_closed = True


def test_lines_come_whole() -> None:
    response = Response(b'{"type":"ADDED","obj', b'ect":{"a":1}}\n\n{"type":"DELETED","object":{}}\n{"type"')

    with Stream(response) as stream:
        stream.wake()
        assert list(stream) == [Change("ADDED", {"a": 1}), Change("DELETED", {})]
    assert response.is_closed


def test_a_version_that_is_too_old_arrives_in_the_stream() -> None:
    line = b'{"type":"ERROR","object":{"kind":"Status","code":410,"message":"too old resource version"}}\n'

    with pytest.raises(Gone):
        list(Stream(Response(line)))


@pytest.mark.parametrize("line", [b"not json\n", b"[]\n", b'{"type":"ADDED"}\n', b'"text"\n'])
def test_nonsense_ends_it(line: bytes) -> None:
    with pytest.raises(Unreachable):
        list(Stream(Response(line)))


def test_a_broken_connection_ends_it() -> None:
    with pytest.raises(Unreachable, match="in the middle of an answer"):
        list(Stream(Response(b'{"type":"ADDED","object":{}}\n', urllib3.exceptions.ProtocolError("broken"))))


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ConnectionRefusedError(111, "refused"), "refuses connections"),
        (ConnectionResetError(104, "reset"), "cut the connection"),
        (TimeoutError(), "did not answer in time"),
        (RuntimeError("odd"), "failed: odd"),
    ],
)
def test_problems_in_words(error: Exception, said: str) -> None:
    assert said in plain_problem(error)
