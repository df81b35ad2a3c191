"""The stored verdict is read as it was written, by older workers too."""

from datetime import UTC, datetime

import pytest

from baristaweb.lib.looks import Tone
from deployments.domain.apiserver.quota import Quota
from deployments.domain.changes.drift import DriftItem
from deployments.domain.changes.dry_run import DryRun, Outcome, TriedObject
from deployments.domain.changes.held import HeldField

AT = datetime(2026, 11, 27, 9, 30, tzinfo=UTC)
HELD = HeldField("Deployment", "spec.replicas", "kubectl", {"a": 1}, None, AT, "replicas.count")
WHOLE = DryRun(
    objects=(
        TriedObject(kind="Deployment", name="ranker", outcome=Outcome.CHANGED, warnings=("old API",)),
        TriedObject(kind="Service", name="ranker", outcome=Outcome.REFUSED, message="no"),
    ),
    restarts=True,
    warnings=("old API",),
    held=(HELD,),
    quota=Quota(cpu=500),
    manifest_lines=("# Deployment ranker", "-a"),
    problem="",
    checked_at=AT,
)


def test_what_is_written_is_read_again() -> None:
    assert DryRun.from_json(WHOLE.to_json()) == WHOLE


def test_a_row_of_an_older_worker_reads() -> None:
    stored = {
        "objects": [{"kind": "Pod", "name": "ranker", "outcome": "created", "message": "", "warnings": []}],
        "restarts": False,
        "refused": False,
        "refusals": [],
        "warnings": ["w"],
        "conflicts": [{"kind": "Deployment", "path": "spec.x", "manager": "m", "live": 1, "desired": 2, "at": None}],
        "quota": {"pods": 3},
        "manifest_diff": ["+x"],
        "problem": "",
        "checked_at": AT.isoformat(),
    }
    found = DryRun.from_json(stored)
    assert found.objects[0].words == "Quota, priority and admission let a pod like this in."
    assert found.held == (HeldField("Deployment", "spec.x", "m", 1, 2),)
    assert (found.restarts, found.quota, found.manifest_lines) == (False, Quota(pods=3), ("+x",))


@pytest.mark.parametrize("stored", [None, [], {}, {"objects": "x", "quota": 5, "warnings": [1], "checked_at": "no"}])
def test_what_is_no_verdict_says_nothing(stored: object) -> None:
    assert DryRun.from_json(stored) == DryRun()


def test_an_outcome_of_a_newer_worker_reads_as_not_checked() -> None:
    assert TriedObject.from_json({"kind": "Job", "outcome": "postponed"}).outcome is Outcome.CANNOT_CHECK


def test_every_outcome_has_a_look() -> None:
    assert {outcome.tone for outcome in Outcome} <= set(Tone)
    assert all(outcome.label for outcome in Outcome)


def test_drift_is_read_as_it_was_written() -> None:
    item = DriftItem("HorizontalPodAutoscaler.spec.maxReplicas", 3, 9, "kubectl", AT)
    assert DriftItem.from_json(item.to_json()) == item
    assert item.as_held() == HeldField(
        "HorizontalPodAutoscaler", "spec.maxReplicas", "kubectl", 9, 3, AT, "replicas.max"
    )


def test_a_held_field_is_read_as_it_was_written() -> None:
    assert HeldField.from_json(HELD.to_json()) == HELD
