"""The command as a shell calls it: without settings in the environment, and without a database."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

AT = "2026-11-27T12:00:00+00:00"
ROOT = Path(settings.BASE_DIR)


def call(*arguments: str, stdin: bytes = b"") -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "manage.py", "downscaler_match", *arguments],
        cwd=ROOT,
        env={"DEFAULT_TIMEZONE": "UTC", "DEFAULT_WEEKFRAME": "Mon-Fri", "LC_ALL": "C"},
        input=stdin,
        capture_output=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout.decode("ascii")


@pytest.mark.parametrize(
    ("arguments", "code", "printed"),
    [
        (("--dialect", "py", "Mon-Fri 08:00-20:00 Europe/Berlin", AT), 0, "true\n"),
        (("Mon-Fri 08:00-12:00 Europe/Berlin", AT, "--dialect", "go"), 0, "false\n"),
        (
            ("--dialect", "py", "--default-timezone", "UTC", "--default-weekframe", "Mon-Fri", "08:00-20:00", AT),
            0,
            "true\n",
        ),
        (("--dialect", "py", "08:00-20:00", AT), 0, "error"),
        (("--dialect", "go", "-x", AT), 0, "error"),
        (("--dialect", "go", "", AT), 0, "error"),
        (("--dialect", "go", "always", "yesterday"), 2, ""),
        (("--dialect", "go", "always"), 2, ""),
        (("--dialect", "rust", "always", AT), 2, ""),
        (("always", AT), 2, ""),
        (("--batch", "always"), 2, ""),
        (("--dialect", "go", "always", AT, "more"), 2, ""),
    ],
)
def test_one_answer_or_a_refusal_of_wrong_arguments(arguments: tuple[str, ...], code: int, printed: str) -> None:
    returned, output = call(*arguments)
    assert (returned, output[: len(printed)] if printed == "error" else output) == (code, printed)


def test_every_line_of_a_batch_is_answered_with_the_same_defaults() -> None:
    lines = [
        b"py\t08:00-20:00\t2026-11-27T12:00:00Z",
        b"",
        b"go\t08:00-20:00\t2026-11-28T12:00:00Z",
        b"go\tMon-Fri\xc2\x8508:00-20:00 \xff\t2026-11-27T12:00:00Z\r",
        b"go\tMon-Fri\\n08:00-20:00\t2026-11-27T12:00:00Z",
    ]
    code, output = call(
        "--batch", "--default-timezone", "UTC", "--default-weekframe", "Mon-Fri", stdin=b"\n".join(lines)
    )
    assert code == 0
    assert [line.split(":")[0] for line in output.split("\n")] == ["true", "error", "false", "error", "true", ""]


def test_an_empty_batch_prints_nothing() -> None:
    assert call("--batch") == (0, "")
