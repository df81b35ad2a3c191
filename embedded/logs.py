"""Logs that other programs write, kept from growing without end while they are being written."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

LONGEST = 20 * 1024 * 1024


def rotate(file: Path, longest: int = LONGEST) -> bool:
    """Move what a program has written to `.1` beside it, when it is longer. True when it was.

    The program goes on writing into the same file, which it must have opened for appending. Lines that it writes
    between the copy and the cut are lost; where there is no room for a copy, all of it is: that makes room.
    """
    with contextlib.suppress(OSError):
        if file.stat().st_size <= longest:
            return False
        older = file.with_name(f"{file.name}.1")
        try:
            shutil.copyfile(file, older)
        except OSError:
            older.unlink(missing_ok=True)
        os.truncate(file, 0)
        return True
    return False
