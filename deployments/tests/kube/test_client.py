"""A write whose connection is cut: at its own timeout it is one that did not end, before that it is anything."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from deployments.kube import client
from deployments.kube.api import Unanswered, Unreachable
from deployments.kube.client import KubernetesGateway

WRITE_S = 0.3
HALF = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 90\r\n\r\n{"


@contextmanager
def cutting(folder: Path, after_s: float, begun: bytes) -> Iterator[KubernetesGateway]:
    """The gateway of a server that sends `begun` and cuts the connection `after_s` after it was asked."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with listener.accept()[0] as connection:
                connection.recv(65536)
                time.sleep(after_s)
                connection.sendall(begun)

        thread = threading.Thread(target=serve)
        thread.start()
        config = {
            "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{listener.getsockname()[1]}"}}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
            "users": [{"name": "u", "user": {"token": "t"}}],
        }
        path = folder / "kubeconfig"
        path.write_text(yaml.safe_dump(config))
        yield replace(client.from_kubeconfig(str(path), "c"), write_s=WRITE_S)
        thread.join()


@pytest.mark.parametrize("begun", [b"", HALF], ids=["no answer", "half an answer"])
@pytest.mark.parametrize(("after_s", "is_unanswered"), [(WRITE_S + 0.05, True), (0, False)], ids=["over", "early"])
def test_a_write_that_is_cut(tmp_path: Path, begun: bytes, after_s: float, is_unanswered: bool) -> None:
    with cutting(tmp_path, after_s, begun) as gateway, pytest.raises(Unreachable, match="cut the connection") as raised:
        gateway.create_pod("team", b"{}")

    assert isinstance(raised.value, Unanswered) is is_unanswered
