"""What a promotion takes over, and what it leaves."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.domain.catalogue import Environment
from deployments.domain.changes import promotion
from deployments.domain.changes.diff import spec_diff
from deployments.domain.changes.environments import other_environment
from deployments.domain.changes.standing import Standing, standing
from deployments.domain.spec.parts import Autoscale, EnvRef, Fixed, Resources
from deployments.domain.spec.spec import Spec
from deployments.domain.status.states import State
from deployments.tests.domain.examples import GIB, make_spec, specs

SOURCE = make_spec(
    model_version="43",
    env=(("LOG_LEVEL", "debug"), ("BATCH", "8")),
    replicas=Fixed(1),
    ingress_host="ranker.dev.example.com",
    labels=(("example.com/tier", "dev"),),
)
TARGET = make_spec(
    env=(("LOG_LEVEL", "info"), ("ONLY_PROD", "1")),
    replicas=Autoscale(4, 8),
    profile=None,
    resources=Resources(cpu_request=4000, memory_request=8 * GIB, memory_limit=8 * GIB),
    ingress_host="ranker.example.com",
    ingress_class="nginx",
)


def settings(source: Spec, target: Spec | None, to: Environment = Environment.PROD) -> tuple[promotion.Setting, ...]:
    return promotion.settings(source, target, environment=to)


def ticked(source: Spec, target: Spec | None) -> dict[str, bool]:
    return {setting.key: setting.is_on for setting in settings(source, target)}


def test_what_is_served_moves_and_what_belongs_to_the_place_stays() -> None:
    assert ticked(SOURCE, TARGET) == {
        "model": True,
        "env.LOG_LEVEL": True,
        "env.BATCH": True,
        "env.ONLY_PROD": False,
        "size": False,
        "replicas": False,
        "ingress": False,
        "labels.example.com/tier": False,
    }
    by_key = {setting.key: setting for setting in settings(SOURCE, TARGET)}
    assert by_key["env.ONLY_PROD"].only_in_target
    assert not by_key["env.BATCH"].only_in_target
    assert [change.path for change in by_key["ingress"].changes] == ["ingress_host", "ingress_class"]


def test_carried_settings_are_the_sources_and_the_others_the_targets() -> None:
    made = promotion.carry(SOURCE, TARGET, {"model", "env.BATCH", "size"})
    assert made == replace(
        TARGET,
        model_version="43",
        env=(("BATCH", "8"), ("LOG_LEVEL", "info"), ("ONLY_PROD", "1")),
        profile=SOURCE.profile,
        resources=None,
    )


def test_a_setting_that_only_the_target_has_is_removed_when_ticked() -> None:
    made = promotion.carry(SOURCE, TARGET, {"env.ONLY_PROD", "labels.example.com/tier"})
    assert dict(made.env) == {"LOG_LEVEL": "info"}
    assert made.labels == (("example.com/tier", "dev"),)


def test_a_variable_moves_whole_whether_plain_or_from_a_secret() -> None:
    source = make_spec(env=(), env_refs=(EnvRef("TOKEN", "secret", "ranker", "token"),))
    target = make_spec(env=(("TOKEN", "none"),))
    assert ticked(source, target) == {"env.TOKEN": True}
    made = promotion.carry(source, target, {"env.TOKEN"})
    assert (made.env, made.env_refs) == ((), source.env_refs)


def test_a_new_deployment_takes_everything_but_the_host() -> None:
    found = {setting.key: setting for setting in settings(SOURCE, None)}
    assert [key for key, setting in found.items() if not setting.is_on] == ["labels.example.com/tier", "ingress"]
    assert {key for key, setting in found.items() if setting.is_fixed} >= {"model", "size"}
    assert not found["env.BATCH"].is_fixed
    made = promotion.carry(SOURCE, None, {key for key, setting in found.items() if setting.is_on})
    assert made == replace(SOURCE, ingress_host=None, labels=())


@given(specs(), specs())
def test_all_settings_together_make_the_source_and_none_the_target(source: Spec, target: Spec) -> None:
    keys = {setting.key for setting in settings(source, target)}
    assert promotion.carry(source, target, keys) == source
    assert promotion.carry(source, target, set()) == target


@given(specs(), specs(), st.data())
def test_exactly_what_is_ticked_changes(source: Spec, target: Spec, data: st.DataObject) -> None:
    found = settings(source, target)
    keys = data.draw(st.sets(st.sampled_from([item.key for item in found]))) if found else set()
    made = promotion.carry(source, target, keys)
    assert {promotion.key_of(change.path) for change in spec_diff(target, made)} == keys
    assert {item.key for item in settings(source, made)} == {item.key for item in found} - keys


def test_a_removal_is_never_ticked() -> None:
    source = make_spec(env=())
    target = make_spec(description="Ranks the page", grpc_port=9000, env=(("A", "1"),))
    assert ticked(source, target) == {"description": False, "grpc_port": False, "env.A": False}


def test_what_names_another_environment_is_never_ticked() -> None:
    source = make_spec(
        env=(("FEATURE_STORE", "http://features.staging.svc:80"), ("BATCH", "8")),
        image_override="europe-docker.pkg.dev/acme/ranker:3",
        artifact_uri="gs://acme-stg-models/ranker/7",
        model_version="7",
    )
    found = {item.key: item for item in settings(source, make_spec(env=()))}
    assert {key: item.is_on for key, item in found.items()} == {
        "model": False,
        "image_override": True,
        "env.FEATURE_STORE": False,
        "env.BATCH": True,
    }
    assert found["env.FEATURE_STORE"].names == "staging"
    new = {item.key: item for item in settings(source, None)}
    assert not new["env.FEATURE_STORE"].is_on
    assert new["model"].is_fixed
    assert new["model"].names == "stg", "it cannot be left out, so it is said"


@pytest.mark.parametrize(
    ("value", "to", "word"),
    [
        ("http://features.staging.svc", Environment.PROD, "staging"),
        ("http://features.prod.svc", Environment.PROD, ""),
        ("http://features.prod.svc", Environment.STAGING, "prod"),
        ("rankerDevTopic", Environment.PROD, "Dev"),
        ("STAGING_BUCKET", Environment.PROD, "STAGING"),
        ("dev2", Environment.PROD, "dev"),
        ("qa", Environment.STAGING, "qa"),
        ("europe-docker.pkg.dev/a/b", Environment.PROD, ""),
        ("devices, latest, production-line", Environment.PROD, ""),
        ("", Environment.PROD, ""),
    ],
)
def test_the_word_by_which_a_value_names_another_environment(value: str, to: Environment, word: str) -> None:
    assert other_environment(value, to) == word


def test_version_and_artifact_move_together() -> None:
    source = make_spec(artifact_uri="gs://m/ranker/9", model_version="9")
    made = promotion.carry(source, TARGET, {"model"})
    assert (made.artifact_uri, made.model_version) == ("gs://m/ranker/9", "9")


@pytest.mark.parametrize(
    ("state", "was_complete", "is_current", "expected"),
    [
        (State.RUNNING, True, True, Standing.SERVES),
        (State.RUNNING, False, True, Standing.SERVES),
        (State.CRASH_LOOPING, True, True, Standing.BROKEN),
        (State.STALLED, False, True, Standing.BROKEN),
        (State.CONFLICT, False, True, Standing.BROKEN),
        (State.MISSING, True, True, Standing.BROKEN),
        (State.DEGRADED, True, True, Standing.SERVED),
        (State.DRIFTED, True, True, Standing.SERVED),
        (State.OVERLOADED, True, True, Standing.SERVED),
        (State.ASLEEP, True, True, Standing.SERVED),
        (State.ASLEEP, False, True, Standing.BROKEN),
        (State.UNKNOWN, False, True, Standing.BROKEN),
        (State.ROLLING_OUT, False, True, Standing.BROKEN),
        (State.RUNNING, True, False, Standing.SERVED),
        (State.RUNNING, False, False, Standing.BROKEN),
    ],
)
def test_whether_a_revision_serves_where_it_comes_from(
    state: State, was_complete: bool, is_current: bool, expected: Standing
) -> None:
    assert standing(state, was_complete=was_complete, is_current=is_current) is expected
