"""Virtual environments of the peers, made once in the cache folder."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
CACHE: Final = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "barista"
REQUIREMENTS: Final = {
    "drift": "requirements.txt",
    "whylogs": "requirements-whylogs.txt",
    "readers": "requirements-readers.txt",
}


def python_of(peer: str) -> str:
    """The peer's interpreter; installs it first when its requirements changed."""
    folder, wanted = CACHE / f"bench-{peer}", HERE / REQUIREMENTS[peer]
    stamp, digest = folder / "requirements.sha256", hashlib.sha256(wanted.read_bytes()).hexdigest()
    python = folder / "bin" / "python"
    if not python.exists() or not stamp.exists() or stamp.read_text() != digest:
        print(f"installing {wanted.name} into {folder}", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", "-r", str(wanted)], check=True)
        stamp.write_text(digest)
    return str(python)
