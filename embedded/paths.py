"""Where the stack keeps things: the state of one demo (its home), what is shared by all (the cache), and its ports."""

from __future__ import annotations

import json
import os
import secrets
import socket
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parent.parent
LOOPBACK = "127.0.0.1"


def home_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """State of one stack: BARISTA_HOME, or `.barista` in the checkout."""
    return Path(environ.get("BARISTA_HOME") or REPOSITORY / ".barista").expanduser().resolve()


def cache_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """What all stacks of this user share: the built binaries and the Go toolchain."""
    base = environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
    return Path(base) / "barista"


@dataclass(frozen=True)
class Home:
    """One stack's folder. Everything in it belongs to the user who started the stack, and to nobody else."""

    path: Path

    @classmethod
    def open(cls, path: Path) -> Home:
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(0o700)
        return cls(path.resolve())

    def folder(self, *parts: str) -> Path:
        folder = self.path.joinpath(*parts)
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def secret(self, name: str, make: Callable[[], str] = lambda: secrets.token_urlsafe(32)) -> str:
        """A random value made at the first call and kept, readable by its owner alone."""
        file = self.folder("secrets") / name
        if file.exists():
            return file.read_text()
        value = make()
        write_private(file, value)
        return value

    def port(self, name: str) -> int:
        """A free loopback port, chosen at the first call and kept, so that addresses survive a restart."""
        file = self.path / "ports.json"
        ports: dict[str, int] = json.loads(file.read_text()) if file.exists() else {}
        if name not in ports:
            ports[name] = free_port(taken=set(ports.values()))
            write_private(file, json.dumps(ports, indent=1))
        return ports[name]


def write_private(file: Path, text: str) -> None:
    """Replace a file in one step, never readable by others and never half written."""
    handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(handle, "w") as stream:
            stream.write(text)
        Path(temporary).replace(file)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def write_json(file: Path, value: Mapping[str, Any]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    write_private(file, json.dumps(value))


def free_port(taken: set[int] | None = None) -> int:
    """A port that is free now and lies outside the range from which the kernel serves outgoing connections.

    A port of that range could be taken by any client between two starts of the stack.
    """
    for _ in range(200):
        port = 20000 + secrets.randbelow(12000)
        if port not in (taken or set()) and is_free(port):
            return port
    raise RuntimeError("No free port between 20000 and 32000 on 127.0.0.1. Stop other servers and try again.")


def is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # Like the servers do: a port in TIME_WAIT after a quick restart counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True
