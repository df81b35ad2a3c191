"""A TCP proxy that breaks on demand, to stand in front of the real apiserver."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading
import time
from enum import StrEnum
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import yaml

LOOPBACK = "127.0.0.1"


class Fault(StrEnum):
    NONE = "none"
    LATENCY = "latency"  # every answer comes late
    BLACK_HOLE = "black-hole"  # connections are accepted and nothing ever comes back, also on open ones
    RESET = "reset"  # connections are reset as soon as something is sent
    REFUSE = "refuse"  # nobody listens
    CUT = "cut"  # the answer ends in the middle


class FaultProxy:
    """`with FaultProxy(host, port) as proxy: proxy.fault = Fault.RESET`."""

    def __init__(self, host: str, port: int, *, latency_s: float = 1.0, cut_after: int = 40) -> None:
        self.upstream = (host, port)
        self.latency_s = latency_s
        self.cut_after = cut_after
        self.connections = 0
        self._fault = Fault.NONE
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._listener = self._listen(0)
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stopping.set()
        self._listener.close()
        self._drop(reset=False)
        self._thread.join(5)

    @property
    def fault(self) -> Fault:
        return self._fault

    @fault.setter
    def fault(self, fault: Fault) -> None:
        before, self._fault = self._fault, fault
        if fault is Fault.REFUSE:
            self._listener.close()
        elif before is Fault.REFUSE:
            self._listener = self._listen(self.port)
        if fault in (Fault.REFUSE, Fault.RESET, Fault.CUT) or before is Fault.BLACK_HOLE:
            self._drop(reset=True)

    def kubeconfig(self, original: str, target: Path) -> Path:
        """A copy of a kubeconfig that leads through this proxy."""
        config = yaml.safe_load(Path(original).read_text())
        for entry in config["clusters"]:
            entry["cluster"]["server"] = f"https://{LOOPBACK}:{self.port}"
        target.write_text(json.dumps(config))
        return target

    @classmethod
    def before(cls, kubeconfig: str) -> FaultProxy:
        """In front of the apiserver of a kubeconfig."""
        server = yaml.safe_load(Path(kubeconfig).read_text())["clusters"][0]["cluster"]["server"]
        address = urlsplit(server)
        assert address.hostname is not None
        assert address.port is not None
        return cls(address.hostname, address.port)

    def _listen(self, port: int) -> socket.socket:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((LOOPBACK, port))
        listener.listen(128)
        listener.settimeout(0.1)
        return listener

    def _serve(self) -> None:
        while not self._stopping.is_set():
            try:
                client, _ = self._listener.accept()
            except TimeoutError:
                continue
            except OSError:
                time.sleep(0.02)
                continue
            self.connections += 1
            threading.Thread(target=self._connect, args=(client,), daemon=True).start()

    def _connect(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection(self.upstream, timeout=5)
            server.settimeout(None)
        except OSError:
            client.close()
            return
        client.settimeout(None)
        with self._lock:
            self._open |= {client, server}
        for source, target, is_answer in ((client, server, False), (server, client, True)):
            threading.Thread(target=self._pump, args=(source, target, is_answer), daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket, is_answer: bool) -> None:
        sent = 0
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                fault = self._fault
                if fault is Fault.LATENCY and is_answer:
                    time.sleep(self.latency_s)
                while self._fault is Fault.BLACK_HOLE and not self._stopping.is_set():
                    time.sleep(0.05)
                if fault is Fault.RESET:
                    break
                # The handshake must pass, or it is no answer that is cut but a connection.
                if fault is Fault.CUT and is_answer and (sent := sent + len(data)) > 4000:
                    target.sendall(data[: self.cut_after])
                    break
                target.sendall(data)
        for end in (source, target):
            _close(end, reset=self._fault in (Fault.RESET, Fault.CUT))
        with self._lock:
            self._open -= {source, target}

    def _drop(self, *, reset: bool) -> None:
        with self._lock:
            doomed, self._open = self._open, set()
        for end in doomed:
            _close(end, reset=reset)


def _close(end: socket.socket, *, reset: bool) -> None:
    with contextlib.suppress(OSError):
        if reset:
            # Linger for 0 s: the other side gets a reset instead of an orderly end.
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        end.shutdown(socket.SHUT_RDWR)
    with contextlib.suppress(OSError):
        end.close()
