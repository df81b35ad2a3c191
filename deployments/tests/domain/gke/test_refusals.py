"""What is missing, by Google's own reasons, and what to do about it."""

from __future__ import annotations

from typing import Any

import pytest

from deployments.domain.gke.place import Place
from deployments.domain.gke.refusals import Problem, problem_of
from deployments.domain.gke.remedies import remedy
from deployments.domain.gke.steps import Outcome, Step

PLACE = Place("acme-models", "europe-west4", "serving")
WHO = "barista@acme-models.iam.gserviceaccount.com"


def body(message: str = "", reason: str = "") -> dict[str, Any]:
    return {"error": {"message": message, "details": [{"reason": reason}] if reason else []}}


@pytest.mark.parametrize(
    ("status", "answer", "problem"),
    [
        (401, body("invalid credentials"), Problem.IDENTITY),
        (403, body(reason="SERVICE_DISABLED"), Problem.API_OFF),
        (403, body('Required "container.clusters.get" permission(s)', "IAM_PERMISSION_DENIED"), Problem.RIGHT),
        (403, body(), Problem.RIGHT),
        (403, body(reason="CONSUMER_INVALID"), Problem.PROJECT),
        (404, body("Not found: projects/p/locations/l/clusters/n."), Problem.CLUSTER),
        (404, body("Requested entity was not found."), Problem.PROJECT),
        (429, body(), Problem.BUSY),
        (503, {}, Problem.AWAY),
        (400, {"error": "text"}, Problem.MALFORMED),
        (403, {"error": {"details": "text", "message": 7}}, Problem.RIGHT),
    ],
)
def test_a_refusal_is_told_apart_by_its_reason(status: int, answer: dict[str, Any], problem: Problem) -> None:
    assert problem_of(status, answer)[0] is problem


@pytest.mark.parametrize("problem", list(Problem))
def test_every_problem_has_words(problem: Problem) -> None:
    found = remedy(problem, PLACE, identity=WHO)
    assert found.words.endswith(".")
    assert all(line.split()[0] in ("gcloud", "kubectl") for line in found.commands)


def test_the_command_for_a_right_names_project_and_identity() -> None:
    found = remedy(Problem.RIGHT, PLACE, identity=WHO)
    assert "container.clusters.get" in found.commands[0]
    assert f"serviceAccount:{WHO}" in found.commands[1]
    assert "acme-models" in found.commands[1]


def test_who_is_impersonated_gets_the_rights_not_who_impersonates() -> None:
    other = "deployer@acme-models.iam.gserviceaccount.com"
    assert other in remedy(Problem.RIGHT, PLACE, identity=WHO, account=other).commands[1]
    assert (
        f"--member=serviceAccount:{WHO}"
        in remedy(Problem.IMPERSONATION, PLACE, identity=WHO, account=other).commands[0]
    )


def test_a_step_survives_its_row() -> None:
    step = Step.missing("Right", remedy(Problem.RIGHT, PLACE, identity=WHO), "no")
    assert Step.from_json(step.to_json()) == step
    assert Step.from_json({}) == Step("", Outcome.NOT_TRIED)
