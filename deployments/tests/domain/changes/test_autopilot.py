"""What Autopilot does to our objects is neither drift nor a surprise. Ownership is as the API server writes it when a
mutating webhook changes an apply: what it adds belongs to nobody, what it raises stays ours."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from deployments.domain.changes.adjusted import ADJUSTMENT, adjustments
from deployments.domain.changes.drift import find_drift
from deployments.tests.domain.examples import rendered

BASE = "spec.template.spec.containers[model]"


def fields_of(value: Any) -> dict[str, Any]:
    """fieldsV1 of an object that one manager applied whole."""
    if isinstance(value, dict):
        return {f"f:{key}": fields_of(item) for key, item in value.items()}
    if isinstance(value, list) and value and all(isinstance(item, dict) and "name" in item for item in value):
        return {f'k:{{"name":"{item["name"]}"}}': {".": {}} | fields_of(item) for item in value}
    return {}


def defaulter(applied: dict[str, Any], *, cpu: str = "250m", storage: str = "1Gi", **selector: str) -> dict[str, Any]:
    """What the API server stores, or answers to a dry run, with Autopilot's webhook in between."""
    made = deepcopy(applied)
    pod = made["spec"]["template"]["spec"]
    resources = pod["containers"][0].setdefault("resources", {})
    resources.setdefault("requests", {})["cpu"] = cpu
    for section in ("requests", "limits"):
        resources.setdefault(section, {})["ephemeral-storage"] = storage
    pod["nodeSelector"] = pod.get("nodeSelector", {}) | selector
    pod["tolerations"] = [*pod.get("tolerations", []), {"key": "kubernetes.io/arch", "operator": "Exists"}]
    made["metadata"].setdefault("annotations", {})[ADJUSTMENT] = f'{{"modified": "cpu {cpu}"}}'
    return made


def applied() -> dict[str, Any]:
    made = deepcopy(rendered().deployment)
    made["spec"]["replicas"] = 2
    return made


def stored(**rules: str) -> dict[str, Any]:
    """The live object after our apply under these rules."""
    live = defaulter(applied(), **rules)
    ours = fields_of({"spec": rendered().deployment["spec"], "metadata": {"labels": {}, "annotations": {}}})
    live["metadata"]["managedFields"] = [
        {"manager": "barista-config", "operation": "Apply", "time": "2026-01-05T11:00:00Z", "fieldsV1": ours}
    ]
    return live


def drift(live: dict[str, Any], dry: dict[str, Any]) -> list[tuple[str, str]]:
    found = find_drift(
        desired=[rendered().deployment], live={"Deployment": live}, dry_run={"Deployment": dry}, replicas=2
    )
    return [(item.path.removeprefix("Deployment."), item.manager) for item in found]


def resources(deployment: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = deployment["spec"]["template"]["spec"]["containers"][0]["resources"]
    return found


def test_its_defaults_are_no_drift() -> None:
    assert drift(stored(), defaulter(applied())) == []


def test_new_rules_of_it_are_no_drift() -> None:
    live = stored()
    dry = defaulter(applied(), cpu="500m", storage="2Gi", compute="balanced")
    dry["metadata"]["annotations"]["autopilot.gke.io/warden-version"] = "3"
    dry["spec"]["template"]["metadata"].setdefault("annotations", {})["cloud.google.com/x"] = "1"
    assert drift(live, dry) == []


def test_what_somebody_else_set_is_drift_there_as_well() -> None:
    live = stored()
    resources(live)["requests"]["cpu"] = "4"
    member: dict[str, Any] = {'k:{"name":"model"}': {"f:resources": {"f:requests": {"f:cpu": {}}}}}
    taken = {"f:spec": {"f:template": {"f:spec": {"f:containers": member}}}}
    live["metadata"]["managedFields"].append(
        {"manager": "kubectl-edit", "operation": "Update", "time": "2026-01-06T11:00:00Z", "fieldsV1": taken}
    )
    assert drift(live, defaulter(applied())) == [(f"{BASE}.resources.requests.cpu", "kubectl-edit")]


def test_what_somebody_removed_of_ours_is_drift_without_a_name() -> None:
    live = stored()
    dry = defaulter(applied())
    del live["spec"]["template"]["spec"]["containers"][0]["image"]
    containers = live["metadata"]["managedFields"][0]["fieldsV1"]["f:spec"]["f:template"]["f:spec"]["f:containers"]
    del containers['k:{"name":"model"}']["f:image"]
    assert drift(live, dry) == [(f"{BASE}.image", "")]


def test_the_review_says_what_it_will_raise_and_add() -> None:
    wanted = applied()
    resources(wanted)["requests"] = {"cpu": "100m", "memory": "1Gi"}
    said = adjustments(wanted, defaulter(wanted, cpu="500m"))
    assert said[0] == "Autopilot makes the CPU request 500m instead of 100m."
    assert "sets a limit of ephemeral storage of 1Gi: a model that downloads more" in " ".join(said)


def test_the_same_amount_in_another_spelling_is_no_change() -> None:
    wanted, dry = applied(), applied()
    resources(wanted)["requests"]["cpu"], resources(dry)["requests"]["cpu"] = "1000m", "1"
    assert adjustments(wanted, dry) == ()


def test_another_webhook_than_autopilots_is_not_called_so() -> None:
    wanted, dry = applied(), applied()
    resources(wanted)["requests"]["cpu"], resources(dry)["requests"]["cpu"] = "100m", "200m"
    assert adjustments(wanted, dry) == ("The cluster makes the CPU request 200m instead of 100m.",)


@pytest.mark.parametrize("odd", [{}, {"spec": None}, {"spec": {"template": {"spec": {"containers": ["x", {}]}}}}])
def test_an_odd_answer_says_nothing(odd: dict[str, Any]) -> None:
    assert adjustments(applied(), odd) == ()
