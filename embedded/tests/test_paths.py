"""What a home keeps, and for whom."""

from __future__ import annotations

import socket
import stat
from pathlib import Path

import pytest

from embedded.paths import LOOPBACK, Home, cache_folder, home_folder, is_free, write_private
from embedded.product import Existing, password


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_secrets_are_kept_and_private(tmp_path: Path) -> None:
    home = Home.open(tmp_path / "home")
    secret = home.secret("one")
    assert Home.open(tmp_path / "home").secret("one") == secret
    assert home.secret("two") != secret
    assert mode(home.path) == 0o700
    assert mode(home.path / "secrets" / "one") == 0o600


def test_ports_are_kept_and_distinct(tmp_path: Path) -> None:
    home = Home.open(tmp_path)
    ports = {name: home.port(name) for name in ("a", "b", "c")}
    assert len(set(ports.values())) == 3
    assert {name: Home.open(tmp_path).port(name) for name in ports} == ports


def test_a_port_in_use_is_not_free() -> None:
    with socket.socket() as server:
        server.bind((LOOPBACK, 0))
        server.listen()
        assert not is_free(server.getsockname()[1])


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    file = tmp_path / "file"
    write_private(file, "old")
    with pytest.raises(TypeError):
        write_private(file, None)  # type: ignore[arg-type]
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_the_environment_chooses_the_folders(tmp_path: Path) -> None:
    assert home_folder({"BARISTA_HOME": str(tmp_path)}) == tmp_path.resolve()
    assert home_folder({}).name == ".barista"
    assert cache_folder({"XDG_CACHE_HOME": "/var/cache"}) == Path("/var/cache/barista")


def test_a_password_is_kept_until_another_is_given(tmp_path: Path) -> None:
    home = Home.open(tmp_path)
    first = password(home, {})
    assert len(first) >= 12
    assert password(home, {}) == first
    assert password(home, {"BARISTA_DEMO_PASSWORD": "chosen-by-hand"}) == "chosen-by-hand"
    assert password(home, {}) == "chosen-by-hand"


def test_a_cluster_of_ones_own_is_checked_first(tmp_path: Path) -> None:
    assert Existing.from_environ({}) is None
    with pytest.raises(SystemExit, match="no file"):
        Existing.from_environ({"BARISTA_KUBECONFIG": str(tmp_path / "missing")})
    (tmp_path / "config").touch()
    given = {"BARISTA_KUBECONFIG": str(tmp_path / "config"), "BARISTA_KUBE_CONTEXT": "gke"}
    assert Existing.from_environ(given) == Existing(tmp_path / "config", "gke", seeded=False)
    seeded = Existing.from_environ({**given, "SEED": "1"})
    assert seeded is not None
    assert seeded.seeded
