"""What a promotion takes over, and what it leaves."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from deployments.domain.changes import promotion
from deployments.domain.changes.diff import spec_diff
from deployments.domain.spec.parts import Autoscale, EnvRef, Fixed, Resources
from deployments.domain.spec.spec import Spec
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


def ticked(source: Spec, target: Spec | None) -> dict[str, bool]:
    return {setting.key: setting.is_on for setting in promotion.settings(source, target)}


def test_what_is_served_moves_and_what_belongs_to_the_place_stays() -> None:
    assert ticked(SOURCE, TARGET) == {
        "model_version": True,
        "env.LOG_LEVEL": True,
        "env.BATCH": True,
        "env.ONLY_PROD": False,
        "size": False,
        "replicas": False,
        "ingress": False,
        "labels.example.com/tier": False,
    }
    by_key = {setting.key: setting for setting in promotion.settings(SOURCE, TARGET)}
    assert by_key["env.ONLY_PROD"].only_in_target
    assert not by_key["env.BATCH"].only_in_target
    assert [change.path for change in by_key["ingress"].changes] == ["ingress_host", "ingress_class"]


def test_carried_settings_are_the_sources_and_the_others_the_targets() -> None:
    made = promotion.carry(SOURCE, TARGET, {"model_version", "env.BATCH", "size"})
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
    found = {setting.key: setting for setting in promotion.settings(SOURCE, None)}
    assert [key for key, setting in found.items() if not setting.is_on] == ["ingress"]
    assert {key for key, setting in found.items() if setting.is_fixed} >= {"artifact_uri", "model_version", "size"}
    assert not found["env.BATCH"].is_fixed
    made = promotion.carry(SOURCE, None, {key for key, setting in found.items() if setting.is_on})
    assert made == replace(SOURCE, ingress_host=None)


@given(specs(), specs())
def test_all_settings_together_make_the_source_and_none_the_target(source: Spec, target: Spec) -> None:
    keys = {setting.key for setting in promotion.settings(source, target)}
    assert promotion.carry(source, target, keys) == source
    assert promotion.carry(source, target, set()) == target


@given(specs(), specs(), st.data())
def test_exactly_what_is_ticked_changes(source: Spec, target: Spec, data: st.DataObject) -> None:
    found = promotion.settings(source, target)
    keys = data.draw(st.sets(st.sampled_from([item.key for item in found]))) if found else set()
    made = promotion.carry(source, target, keys)
    assert {promotion.key_of(change.path) for change in spec_diff(target, made)} == keys
    assert {item.key for item in promotion.settings(source, made)} == {item.key for item in found} - keys
