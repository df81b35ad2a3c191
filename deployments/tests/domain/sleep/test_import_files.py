"""Files of objects that other downscalers act on, as the page of imports reads them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import yaml

from deployments.domain.sleep.dialects.files import MOST_BYTES, MOST_OBJECTS, Found, kept, understood
from deployments.domain.sleep.dialects.spans import Defaults, Dialect

AT = datetime(2026, 11, 25, 12, tzinfo=UTC)
ONE = """
apiVersion: apps/v1
kind: Deployment
metadata:
  name: ranker
  namespace: search-dev
  annotations:
    other: kept
    downscaler/uptime: Mon-Fri 07:30-20:00 Europe/Berlin
    downscaler/downtime-replicas: "1"
    downscaler/exclude: "true"
"""
GREEN = """
apiVersion: kube-green.com/v1alpha1
kind: SleepInfo
metadata: {name: nights, namespace: vision-dev}
spec: {weekdays: "1-5", sleepAt: "20:00", wakeUpAt: "08:00", timeZone: Europe/Rome}
"""


def read(text: str, dialect: Dialect = Dialect.PY) -> list[Found]:
    return understood(list(yaml.safe_load_all(text)), dialect, Defaults(), at=AT)


def test_a_deployment_gives_windows_and_what_cannot_be() -> None:
    (found,) = read(ONE)
    assert (found.kind, found.namespace, found.name) == ("Deployment", "search-dev", "ranker")
    assert found.text.splitlines()[-1] == "Fri 20:00 -> Mon 07:30"
    assert (found.zone, found.target, found.is_complete) == ("Europe/Berlin", 1, False)
    assert [one.key for one in found.read if not one.is_used] == ["downscaler/exclude"]


def test_lists_and_several_documents_are_read() -> None:
    listed = {"kind": "List", "items": [yaml.safe_load(ONE), yaml.safe_load(GREEN)]}
    found = read(f"{GREEN}---\n{yaml.safe_dump(listed)}---\nkind: Service\nmetadata: {{name: x}}\n")
    assert [(one.kind, one.name) for one in found] == [
        ("SleepInfo", "nights"),
        ("Deployment", "ranker"),
        ("SleepInfo", "nights"),
    ]
    assert found[0].text.splitlines()[-1] == "Fri 20:00 -> Mon 08:00"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "- 1\n- 2",
        "just text",
        "{}",
        "metadata: 7",
        "metadata: {annotations: [1]}",
        "items: [1, null, {}]",
        "kind: SleepInfo",
    ],
)
def test_what_is_no_object_is_passed_over(text: str) -> None:
    for one in read(text):
        assert one.kind == "SleepInfo"
        assert one.windows is None


def test_values_that_are_no_text_are_named_and_not_read() -> None:
    (found,) = read("kind: Deployment\nmetadata:\n  name: x\n  annotations: {downscaler/uptime: 19:30, 7: 8}")
    assert found.windows is None
    assert "not text" in found.read[0].words


def test_no_more_than_some_hundred_objects_are_read() -> None:
    assert len(understood([yaml.safe_load(ONE)] * 600, Dialect.PY, Defaults(), at=AT)) == MOST_OBJECTS


def test_of_a_clusters_objects_no_more_is_kept_than_is_read() -> None:
    deployment, green = yaml.safe_load(ONE), yaml.safe_load(GREEN)
    plain = {"kind": "Deployment", "metadata": {"name": "plain", "namespace": "a", "annotations": {"other": "x"}}}
    deployment["spec"] = {"template": {"spec": {"containers": [{"env": [{"name": "TOKEN", "value": "secret"}]}]}}}
    found = kept([deployment, plain, green])
    assert "secret" not in str(found)
    assert "other" not in str(found)
    assert understood(found, Dialect.PY, Defaults(), at=AT) == read(f"{ONE}---\n{GREEN}")


def test_what_is_too_large_to_be_a_schedule_is_not_kept() -> None:
    large = {"kind": "SleepInfo", "metadata": {"name": "x"}, "spec": {"patches": ["x" * MOST_BYTES]}}
    long = {"kind": "Deployment", "metadata": {"name": "x", "annotations": {"downscaler/uptime": "x" * 10**6}}}
    (found,) = kept([large, long])
    assert len(found["metadata"]["annotations"]["downscaler/uptime"]) == MOST_BYTES
    assert len(kept([long] * (MOST_OBJECTS + 5))) == MOST_OBJECTS
