"""Both dialects answer as the real programs did; the vectors were made by running them on random specifications."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from deployments.domain.sleep.dialects import instants
from deployments.domain.sleep.dialects.match import answer, answer_line
from deployments.domain.sleep.dialects.spans import Defaults, Dialect

VECTORS = Path(__file__).with_name("vectors.tsv")
ESCAPES = {r"\t": "\t", r"\n": "\n", r"\\": "\\"}
AT = "2026-11-27T12:00:00Z"  # a Friday


def vectors() -> list[tuple[str, ...]]:
    rows = [line.split("\t") for line in VECTORS.read_text().split("\n")[1:] if line]
    assert len(rows) > 300
    return [tuple(row) for row in rows]


def plain(text: str) -> str:
    return re.sub(r"\\[tn\\]", lambda found: ESCAPES[found[0]], text)


def default(text: str) -> str | None:
    return None if text == "-" else plain(text.replace('""', ""))


def say(dialect: str, spec: str, at: str = AT, zone: str | None = None, frame: str | None = None) -> str:
    found = answer(Dialect(dialect), spec, instants.parse(at), Defaults(zone=zone, weekframe=frame))
    return found.split(":")[0]


@pytest.mark.parametrize(("dialect", "column"), [("go", 4), ("py", 5)])
def test_answers_equal_those_of_the_real_program(dialect: str, column: int) -> None:
    wrong = [
        row for row in vectors() if say(dialect, plain(row[0]), row[1], default(row[2]), default(row[3])) != row[column]
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("spec", "at", "go", "py"),
    [
        ("always", AT, "true", "true"),
        (" always", AT, "true", "error"),
        ("true", AT, "true", "error"),
        ("NEVER", AT, "false", "false"),
        ("", AT, "error", "error"),
        ("Mon-Fri 08:00-20:00 UTC", "2026-11-27T08:00:00Z", "true", "true"),
        ("Mon-Fri 08:00-20:00 UTC", "2026-11-27T20:00:00Z", "false", "false"),
        ("Mon-Fri 08:00-20:00 UTC", "2026-11-27T19:59:59.999Z", "true", "true"),
        ("Sun-Fri 00:00-24:00 UTC", AT, "true", "true"),
        ("Sat-Mon 00:00-24:00 UTC", AT, "false", "false"),
        ("mon-fri 08:00-20:00 utc", AT, "error", "true"),
        ("Mon-Fri 00:00-25:99 UTC", AT, "error", "true"),
        ("Mon-Fri 00:00-24:30 UTC", AT, "true", "true"),
        ("Fri-Fri 20:00-08:00 UTC", "2026-11-27T07:00:00Z", "true", "false"),
        ("Fri-Fri 20:00-08:00 UTC", "2026-11-28T07:00:00Z", "false", "false"),
        ("Mon-Fri 08:00-08:00 UTC", "2026-11-27T08:00:00Z", "false", "false"),
        ("Mon-Fri 20:00-00:00 UTC", "2026-11-27T23:00:00Z", "true", "false"),
        ("Mon-Fri 08:00-20:00 UTC,garbage", AT, "error", "true"),
        ("Mon-Fri 08:00-20:00 UTC,garbage", "2026-11-28T12:00:00Z", "error", "error"),
        ("Mon-Fri 08:00-20:00 Etc/GMT+5", AT, "false", "error"),
        ("Mon-Fri 08:00-20:00 PST", AT, "error", "error"),
        ("Mon-Fri 08:00-20:00 Local", AT, "true", "error"),
        ("Mon-Fri \u0660\u0668:\u0660\u0660-\u0662\u0660:\u0660\u0660 UTC", AT, "error", "true"),
        ("Mon-Fri  08:00-20:00\tUTC", AT, "true", "error"),
        ("2026-11-27T11:00:00+00:00-2026-11-27T12:00:00+00:00", AT, "false", "true"),
        ("2026-11-27T12:00:00+00:00 - 2026-11-27T13:00:00Z", AT, "true", "error"),
        ("2026-11-27T0:00:00.5Z-2026-11-28T00:00:00+24:00", "2026-11-27T00:00:00.4Z", "false", "error"),
        ("from 2026-11-27T12:00:00Z", AT, "true", "error"),
        ("from2026-11-27T12:00:00Z", AT, "true", "error"),
        ("from - 2026-11-27T12:00:01Z", AT, "false", "error"),
        ("until 2026-11-27T12:00:00Z", AT, "false", "error"),
        ("From 2026-11-27T12:00:00Z", AT, "error", "error"),
        ("from 2026-11-27T12:00:00Z - 2026-11-28T12:00:00Z", AT, "error", "error"),
        ("always,08:00-20:00", AT, "true", "error"),
        ("08:00-20:00,always", AT, "error", "error"),
        ("Sun-Sun 02:00-03:00 Europe/Berlin", "2026-03-29T01:00:00Z", "false", "false"),
        ("Sun-Sun 02:30-04:00 Europe/Berlin", "2026-03-29T01:00:00Z", "true", "true"),
        ("Sun-Sun 02:00-03:00 Europe/Berlin", "2026-10-25T00:30:00Z", "true", "true"),
        ("Sun-Sun 02:00-03:00 Europe/Berlin", "2026-10-25T01:30:00Z", "true", "true"),
        ("Sun-Sun 12:00-13:00 Europe/Berlin", "2050-07-03T10:30:00Z", "true", "false"),
    ],
)
def test_quirks_of_each_dialect(spec: str, at: str, go: str, py: str) -> None:
    assert (say("go", spec, at), say("py", spec, at)) == (go, py)


@pytest.mark.parametrize(
    ("zone", "frame", "go", "py"),
    [
        ("UTC", "Mon-Fri", "true", "true"),
        ("utc", "mon-fri", "error", "true"),
        ("", "Mon-Fri", "true", "error"),
        ("UTC", "", "error", "error"),
        ("UTC", "Mon - Fri", "error", "error"),
        ("PST", "Mon-Fri", "error", "error"),
        ("UTC", None, "error", "error"),
        (None, "Mon-Fri", "error", "error"),
    ],
)
def test_defaults_fill_what_is_missing(zone: str | None, frame: str | None, go: str, py: str) -> None:
    spec = "08:00-20:00"
    assert (say("go", spec, zone=zone, frame=frame), say("py", spec, zone=zone, frame=frame)) == (go, py)


@pytest.mark.parametrize(
    ("line", "answered"),
    [
        ("py\talways\t2026-11-27T12:00:00Z", "true"),
        (f"go\tMon-Fri\\t08:00-20:00 UTC\t{AT}", "true"),
        (f"go\tMon-Fri\\n08:00-20:00 UTC\t{AT}", "true"),
        (f"go\tMon-Fri\\\\t08:00-20:00 UTC\t{AT}", "error"),
        ("", "error"),
        ("go\talways", "error"),
        (f"go\talways\t{AT}\t", "error"),
        (f"GO\talways\t{AT}", "error"),
        ("go\talways\t2026-11-27T12:00:00", "error"),
        ("go\talways\t2026-11-27T12:00:60Z", "error"),
        ("go\talways\t0001-01-01T00:00:00+01:00", "error"),
        ("py\t\udcff\u2028\r\n\t" + AT, "error"),
    ],
)
def test_a_line_of_a_batch_gives_one_line(line: str, answered: str) -> None:
    found = answer_line(line, Defaults())
    assert found.split(":")[0] == answered
    assert found.isascii()
    assert len(found.splitlines()) == 1


def test_a_hostile_specification_of_256_kib_is_answered_in_linear_time() -> None:
    """Read as written, this pattern tries every place against every other: minutes instead of milliseconds."""
    hostile = ("Z-" * 131_000 + "!", "+00:00-" * 37_000, "0" * 262_144, ", " * 131_000, "a" * 262_144 + "Z")
    assert {say(dialect, spec) for dialect in ("go", "py") for spec in hostile} == {"error"}
