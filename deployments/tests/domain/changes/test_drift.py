import json
from copy import deepcopy
from typing import Any

from deployments.domain.apiserver.managed_fields import owned_fields, owners_of, path_of_cause
from deployments.domain.changes.drift import conflicts_from_causes, find_drift, left_by_others
from deployments.domain.changes.held import HeldField
from deployments.domain.spec.parts import Autoscale, EnvRef, Recreate
from deployments.tests.domain.examples import make_spec, rendered

BASE = "spec.template.spec.containers[model]"
AT = "2026-01-05T11:00:00Z"


def entry(manager: str, fields: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"manager": manager, "operation": "Update", "time": AT, "fieldsType": "FieldsV1", "fieldsV1": fields} | more


def container_fields(fields: dict[str, Any]) -> dict[str, Any]:
    member = {'k:{"name":"model"}': fields}
    return {"f:spec": {"f:template": {"f:spec": {"f:containers": member}}}}


def live_and_dry() -> tuple[dict[str, Any], dict[str, Any]]:
    dry = deepcopy(rendered().deployment)
    dry["spec"]["replicas"] = 2
    live = deepcopy(dry)
    live["metadata"]["managedFields"] = [entry("barista-config", {"f:spec": {}})]
    return live, dry


def drift(
    live: dict[str, Any] | None, dry: dict[str, Any], replicas: int | None = 2
) -> list[tuple[str, Any, Any, str]]:
    found = find_drift(
        desired=[rendered().deployment], live={"Deployment": live}, dry_run={"Deployment": dry}, replicas=replicas
    )
    return [(item.path, item.desired, item.live, item.manager) for item in found]


def test_nothing_differs() -> None:
    live, dry = live_and_dry()
    live["metadata"]["annotations"]["barista.io/revision"] = "2"
    live["metadata"]["annotations"]["barista.io/generation"] = "2"
    dry["metadata"]["annotations"]["barista.io/generation"] = "3"
    assert drift(live, dry) == []


def test_changed_field_is_named_with_its_writer() -> None:
    live, dry = live_and_dry()
    live["spec"]["template"]["spec"]["containers"][0]["image"] = "other"
    live["metadata"]["managedFields"].append(entry("kubectl-edit", container_fields({"f:image": {}})))
    image = dry["spec"]["template"]["spec"]["containers"][0]["image"]
    assert drift(live, dry) == [(f"Deployment.{BASE}.image", image, "other", "kubectl-edit")]


def test_added_variable_is_seen_though_the_dry_run_keeps_it() -> None:
    live, dry = live_and_dry()
    for item in (live, dry):
        item["spec"]["template"]["spec"]["containers"][0]["env"].append({"name": "DEBUG", "value": "1"})
    fields = container_fields({"f:env": {'k:{"name":"DEBUG"}': {".": {}, "f:name": {}, "f:value": {}}}})
    live["metadata"]["managedFields"].append(entry("kubectl-set", fields))
    assert {(path, live_value, who) for path, _, live_value, who in drift(live, dry)} == {
        (f"Deployment.{BASE}.env[DEBUG].name", "DEBUG", "kubectl-set"),
        (f"Deployment.{BASE}.env[DEBUG].value", "1", "kubectl-set"),
    }


def test_sidecars_status_and_system_writers_are_not_drift() -> None:
    live, dry = live_and_dry()
    for item in (live, dry):
        item["spec"]["template"]["spec"]["containers"].append({"name": "proxy", "image": "mesh"})
    sidecar: dict[str, Any] = {
        "f:spec": {"f:template": {"f:spec": {"f:containers": {'k:{"name":"proxy"}': {"f:image": {}}}}}}
    }
    system = container_fields({"f:terminationMessagePath": {}})
    live["metadata"]["managedFields"] += [
        entry("mesh-injector", sidecar),
        entry("kube-controller-manager", system),
        entry("someone", {"f:status": {"f:replicas": {}}}, subresource="status"),
    ]
    assert drift(live, dry) == []


def test_scaled_by_hand() -> None:
    live, dry = live_and_dry()
    live["spec"]["replicas"] = dry["spec"]["replicas"] = 7
    live["metadata"]["managedFields"].append(entry("kubectl", {"f:spec": {"f:replicas": {}}}, subresource="scale"))
    assert drift(live, dry) == [("Deployment.spec.replicas", 2, 7, "kubectl")]
    assert drift(live, dry, replicas=None) == []


def test_missing_objects() -> None:
    objects = rendered(make_spec(replicas=Autoscale(1, 3))).objects()
    live, dry = live_and_dry()
    found = find_drift(desired=objects, live={"Deployment": live}, dry_run={"Deployment": dry}, replicas=None)
    assert [(item.path, item.live) for item in found] == [("Service", None), ("HorizontalPodAutoscaler", None)]


def test_conflict_rows_name_holder_and_both_values() -> None:
    live, _ = live_and_dry()
    live["spec"]["template"]["spec"]["containers"][0]["resources"]["requests"]["memory"] = "9Gi"
    fields = container_fields({"f:resources": {"f:requests": {"f:memory": {}}}})
    live["metadata"]["managedFields"].append(entry("kubectl-edit", fields))
    causes = [
        {
            "reason": "FieldManagerConflict",
            "message": 'conflict with "kubectl-edit" using apps/v1 at 2026-01-05T11:00:00Z',
            "field": '.spec.template.spec.containers[name="model"].resources.requests.memory',
        },
        {"reason": "Other", "message": "x", "field": ".spec"},
    ]
    rows = conflicts_from_causes(causes, live, rendered().deployment)
    assert len(rows) == 1
    row = rows[0]
    assert (row.path, row.manager, row.live, row.desired) == (
        f"{BASE}.resources.requests.memory",
        "kubectl-edit",
        "9Gi",
        "4Gi",
    )
    assert row.spec_path == "resources.memory_request"
    assert row.at is not None


def test_hostile_causes() -> None:
    rows = conflicts_from_causes([{}, {"field": 1, "message": None}, {"field": ".a[b"}], None, {})
    assert all(row.manager == "another writer" for row in rows)


def test_paths_of_causes() -> None:
    assert path_of_cause('.spec.template.spec.containers[name="model"].env[name="A"].value') == f"{BASE}.env[A].value"
    assert path_of_cause(".spec.strategy.type") == "spec.strategy.type"


def test_owner_of_a_part_and_of_a_whole() -> None:
    live, _ = live_and_dry()
    live["metadata"]["managedFields"] = [
        entry("a", container_fields({"f:resources": {"f:limits": {"f:memory": {}}}})),
        entry("b", {"f:spec": {"f:template": {"f:spec": {"f:nodeSelector": {}}}}}),
    ]
    owned = owned_fields(json.loads(json.dumps(live)))
    assert [item.manager for item in owners_of(f"{BASE}.resources", owned)] == ["a"]
    assert [item.manager for item in owners_of("spec.template.spec.nodeSelector[x/y]", owned)] == ["b"]
    assert owners_of("spec.paused", owned) == ()


def test_what_an_older_barista_did_not_send_is_no_drift() -> None:
    live, dry = live_and_dry()
    live["spec"]["template"]["spec"]["containers"][0]["terminationMessagePolicy"] = "File"
    found = find_drift(desired=[dry], live={"Deployment": live}, dry_run={"Deployment": dry}, replicas=2)
    assert found == ()


# As the API server says it.
ENV_SAID = (
    'Deployment.apps "ranker" is invalid: spec.template.spec.containers[0].env[0].valueFrom: Invalid value: "": '
    "may not be specified when `value` is not empty"
)
RECREATE_SAID = (
    'Deployment.apps "ranker" is invalid: spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy '
    "`type` is 'Recreate'"
)


def set_by_kubectl() -> dict[str, Any]:
    """A live object in which `kubectl set env` wrote two variables and `kubectl patch` the surge."""
    live, _ = live_and_dry()
    container = live["spec"]["template"]["spec"]["containers"][0]
    container["env"] = [{"name": "LOG_LEVEL", "value": "debug"}, {"name": "OTHER", "value": "1"}]
    live["spec"]["strategy"]["rollingUpdate"]["maxSurge"] = 3
    names: dict[str, Any] = {
        f'k:{{"name":"{name}"}}': {".": {}, "f:name": {}, "f:value": {}} for name in ("LOG_LEVEL", "OTHER")
    }
    live["metadata"]["managedFields"] += [
        entry("kubectl-set", container_fields({"f:env": names})),
        entry("kubectl-patch", {"f:spec": {"f:strategy": {"f:rollingUpdate": {"f:maxSurge": {}}}}}),
    ]
    return live


def left(said: str, **changes: Any) -> list[tuple[str, Any, str]]:
    found = left_by_others(said, set_by_kubectl(), rendered(make_spec(**changes)).deployment)
    assert all(item.is_left and item.is_ours and item.desired is None for item in found)
    return [(item.path, item.live, item.manager) for item in found]


def test_a_value_that_kubectl_keeps_beside_a_reference_is_named() -> None:
    refs = (EnvRef("LOG_LEVEL", "secret", "store", "level"),)
    assert left(ENV_SAID, env=(), env_refs=refs) == [(f"{BASE}.env[LOG_LEVEL].value", "debug", "kubectl-set")]


def test_steps_of_a_rollout_that_kubectl_keeps_beside_recreate_are_named() -> None:
    assert left(RECREATE_SAID, strategy=Recreate()) == [("spec.strategy.rollingUpdate.maxSurge", 3, "kubectl-patch")]


def test_a_refusal_of_something_else_blames_nobody() -> None:
    assert left("spec.template.spec.containers[0].image: Required value", strategy=Recreate()) == []
    assert left("the server is on fire", strategy=Recreate()) == []
    assert left_by_others(RECREATE_SAID, None, rendered().deployment) == ()


def test_a_left_field_keeps_that_it_was_left_in_its_json() -> None:
    (row,) = left_by_others(RECREATE_SAID, set_by_kubectl(), rendered(make_spec(strategy=Recreate())).deployment)
    assert HeldField.from_json(row.to_json()) == row
    assert "is_left" not in HeldField("Deployment", "a", "b", 1, 2).to_json()


def test_an_autoscaler_that_stands_at_none_is_somebodys_doing() -> None:
    def found(replicas: int, least: int | None) -> list[tuple[str, Any, Any]]:
        live, dry = live_and_dry()
        live["spec"]["replicas"] = replicas
        items = find_drift(
            desired=[rendered().deployment],
            live={"Deployment": live},
            dry_run={"Deployment": dry},
            replicas=None,
            least=least,
        )
        return [(item.path, item.desired, item.live) for item in items]

    assert found(0, 2) == [("Deployment.spec.replicas", 2, 0)]
    assert found(5, 2) == [], "its own number"
    assert found(0, None) == [], "asleep"
