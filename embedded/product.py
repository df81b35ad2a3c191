"""The product's six processes and its two set-up commands, as the stack runs them."""

from __future__ import annotations

import hashlib
import os
import secrets
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from embedded.paths import LOOPBACK, REPOSITORY, Home
from embedded.postgres import Urls
from embedded.processes import Command

CLUSTER = "demo"  # the slug under which the seed registers it
ACCOUNTS = ("platform", "maintainer", "editor", "viewer", "auditor", "stranger")


@dataclass(frozen=True)
class Existing:
    """A cluster of the user's own, used instead of ours. Nothing is put into it unless `seeded`."""

    kubeconfig: Path
    context: str
    seeded: bool

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] = os.environ) -> Existing | None:
        given = environ.get("BARISTA_KUBECONFIG")
        if not given:
            return None
        kubeconfig = Path(given).expanduser().absolute()
        if not kubeconfig.is_file():
            raise SystemExit(f"BARISTA_KUBECONFIG names {kubeconfig}, which is no file.")
        return cls(kubeconfig, environ.get("BARISTA_KUBE_CONTEXT", ""), environ.get("SEED") == "1")


@dataclass(frozen=True)
class Product:
    """Everything the processes are told. `owner` is the only one that may migrate."""

    home: Home
    port: int
    urls: Urls
    redis_url: str
    password: str
    existing: Existing | None = None

    def environ(self) -> dict[str, str]:
        return {
            "DJANGO_SETTINGS_MODULE": "baristaweb.settings",
            "BARISTA_ENV": "demo",
            "BARISTA_DEMO_PASSWORD": self.password,
            "BARISTA_METRICS_TOKEN": self.home.secret("metrics"),
            "SECRET_KEY": self.home.secret("django", lambda: secrets.token_urlsafe(60)),
            "DATABASE_URL": self.urls.app,
            "REDIS_URL": self.redis_url,
            "ALLOWED_HOSTS": "127.0.0.1,localhost",
            "CSRF_TRUSTED_ORIGINS": f"http://127.0.0.1:{self.port},http://localhost:{self.port}",
            "PORT": str(self.port),
            "BARISTA_STATIC_ROOT": str(self.home.path / "static"),
            "PYTHONUNBUFFERED": "1",
            "BARISTA_KUBECONFIG": str(self.existing.kubeconfig) if self.existing else "",
            "BARISTA_KUBECONFIG_ROOT": str(self._kubeconfig_root()),
            "BARISTA_EXEC_PLUGINS": os.environ.get("BARISTA_EXEC_PLUGINS", ""),
            "BARISTA_KUBE_CONTEXT": self.existing.context if self.existing else "",
            "SEED": "1" if self.existing and self.existing.seeded else "",
        }

    def _kubeconfig_root(self) -> Path:
        if self.existing is None:
            return self.home.path / "kubernetes"
        # The tools that write ~/.kube/config keep their certificates beside it, such as in ~/.minikube.
        own = self.existing.kubeconfig
        return Path.home() if own.is_relative_to(Path.home()) else own.parent

    def seed_key(self) -> str:
        """Changes when the seed has something new to do."""
        parts = (self.password, str(self.home.path), str(self.existing))
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def web(self, listener: int) -> Command:
        """`listener` is the socket of the site's port: ours, so that who asks during a restart waits for its end."""
        arguments = (
            "--bind",
            f"fd://{listener}",
            "--config",
            "python:baristaweb.serving",
            "--timeout",
            "60",
            "--graceful-timeout",
            "4",
            "--log-level",
            "warning",
            "--no-control-socket",
        )
        command = self._program("web", "gunicorn", "baristaweb.wsgi", *arguments, stop_seconds=6)
        return replace(command, sockets=(listener,))

    def worker(self) -> Command:
        """Brings changes to the clusters."""
        return self._worker("worker", "reconcile")

    def answers(self) -> Command:
        """Answers what pages ask, with slots of its own: a flood of questions delays no change."""
        return self._worker("answers", "dry-runs,logs")

    def importer(self) -> Command:
        """Reads prediction logs: whatever their size, no change and no question waits for them."""
        return replace(self._worker("importer", "samples,imports"), niceness=10)

    def _worker(self, name: str, queues: str) -> Command:
        arguments = ("--hostname", f"{name}@%h", "--concurrency", "2", "--queues", queues)
        command = self._program(name, "celery", "-q", "-A", "baristaweb", "worker", *arguments, stop_seconds=8)
        # A demo on a machine that has only root is all right; the task format cannot carry code.
        environ = {**command.environ, "PYTHONWARNINGS": "ignore:You're running the worker with superuser privileges"}
        return replace(command, environ=environ)

    def relay(self) -> Command:
        return self._manage("relay", "relay")

    def watch(self) -> Command:
        return self._manage("watch", "watch")

    def migrate(self) -> Command:
        command = self._manage("migrate", "migrate", "--database=owner", "--verbosity=1")
        environ = {**command.environ, "DATABASE_OWNER_URL": self.urls.owner}
        return replace(command, environ=environ)

    def collect(self) -> Command:
        """Gives static files names that browsers may keep for good."""
        left_out = (f"--ignore={pattern}" for pattern in ("tabler.min.css", "*.py", "*.txt"))
        return self._manage("static", "collectstatic", "--noinput", "--clear", "--verbosity=0", *left_out)

    def seed(self) -> Command:
        return self._manage("seed", "seed_demo", "--kubeconfig", str(self._kubeconfig("barista")))

    def finish(self, kubectl: Path | None) -> Command:
        """`kubectl` is the folder of the one that was built with the cluster."""
        command = self._manage("seed", "seed_demo", "--finish", "--admin-kubeconfig", str(self._kubeconfig("admin")))
        folders = filter(None, (str(kubectl or ""), os.environ.get("KUBEBUILDER_ASSETS"), os.environ.get("PATH")))
        return replace(command, environ={**command.environ, "PATH": os.pathsep.join(folders)})

    def logs(self, wheels: Path) -> Command:
        """Replays real logs out of wheels, and connects them."""
        arguments = ("--wheels", str(wheels), "--folder", str(self.home.folder("logs")))
        return replace(self._manage("logs", "seed_logs", *arguments), niceness=10)

    def costs(self) -> Command:
        """What the demo's deployments cost before it was started, made up and labelled."""
        return self._manage("costs", "seed_costs")

    def progress(self) -> Command:
        """Takes lines of what is being done to the cluster."""
        log = self.home.path / "kubernetes" / "logs" / "progress.log"
        return replace(self._manage("progress", "cluster_progress", CLUSTER), has_input=True, log=log)

    def _kubeconfig(self, name: str) -> Path:
        return self.existing.kubeconfig if self.existing else self.home.path / "kubernetes" / f"{name}.kubeconfig"

    def namespaces(self) -> Command:
        return self._manage("seed", "seed_demo", "--namespaces")

    def is_up(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://{LOOPBACK}:{self.port}/healthz", timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def _manage(self, name: str, *arguments: str) -> Command:
        return Command(name, (sys.executable, "manage.py", *arguments), self.environ(), REPOSITORY)

    def _program(self, name: str, program: str, *arguments: str, stop_seconds: float) -> Command:
        # `python -m` rather than the script: a virtual environment that was moved keeps working.
        argv = (sys.executable, "-m", program, *arguments)
        return Command(name, argv, self.environ(), REPOSITORY, stop_seconds=stop_seconds)


def password(home: Home, environ: Mapping[str, str] = os.environ) -> str:
    """BARISTA_DEMO_PASSWORD, else a random one that stays the same for this home."""
    given = environ.get("BARISTA_DEMO_PASSWORD")
    if given:
        file: Path = home.folder("secrets") / "demo-password"
        file.unlink(missing_ok=True)
        return home.secret("demo-password", lambda: given)
    return home.secret("demo-password", lambda: secrets.token_urlsafe(12))
