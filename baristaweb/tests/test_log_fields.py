"""Log lines as Cloud Logging reads them: level, text and instant under its names, one JSON object a line."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from baristaweb.lib.log_fields import for_cloud_logging
from baristaweb.tests.test_house import PRODUCTION, run

SAY = """
import django, logging, structlog
django.setup()
structlog.get_logger("deployments.x").warning("cluster_state", cluster="eu", request_id="r1")
logging.getLogger("other").error("plain %s", "text")
try:
    1 / 0
except ZeroDivisionError:
    structlog.get_logger("deployments.x").exception("it_broke")
"""


def lines(**environment: str) -> list[dict[str, Any]]:
    done = run(sys.executable, "-W", "ignore", "-c", SAY, **PRODUCTION | {"LOG_LEVEL": "INFO"} | environment)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stderr.splitlines()]


def test_cloud_logging_reads_severity_message_and_time() -> None:
    first, second, third = lines(LOG_FIELDS="google")
    assert (first["severity"], first["message"], first["request_id"]) == ("WARNING", "cluster_state", "r1")
    assert (second["severity"], second["message"]) == ("ERROR", "plain text")
    assert third["severity"] == "ERROR"
    assert "ZeroDivisionError" in third["exception"]
    assert all("time" in line and "event" not in line for line in (first, second, third))


def test_plain_lines_are_as_ever() -> None:
    first, *_ = lines()
    assert (first["level"], first["event"]) == ("warning", "cluster_state")
    assert "severity" not in first


@pytest.mark.parametrize(
    ("level", "severity"),
    [("debug", "DEBUG"), ("info", "INFO"), ("critical", "CRITICAL"), ("odd", "DEFAULT"), (None, "DEFAULT")],
)
def test_every_level_has_a_severity(level: str | None, severity: str) -> None:
    assert for_cloud_logging(None, "", {"level": level, "event": "x"})["severity"] == severity


def test_a_value_of_the_same_name_is_not_lost() -> None:
    assert for_cloud_logging(None, "", {"event": "x", "message": "mine"})["message"] == "mine"
