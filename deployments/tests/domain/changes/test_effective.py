"""Before and after as they run: nothing is "not set" where something is."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given

from deployments.domain.changes.diff import spec_diff
from deployments.domain.changes.effective import Side, effective, filled
from deployments.domain.spec.parts import Autoscale, Fixed, Resources
from deployments.domain.spec.spec import Spec
from deployments.domain.spec.wording import values
from deployments.tests.domain.examples import GIB, PROFILE, RUNTIME, make_spec, specs

BY_PROFILE = make_spec(profile=PROFILE.slug, resources=None, replicas=Fixed(3), image_override=None)


def seen(old: Spec, new: Spec) -> dict[str, tuple[str, str]]:
    sides = [Side(spec, RUNTIME, PROFILE if spec.profile else None) for spec in (old, new)]
    return {change.path: (change.before, change.after) for change in filled(spec_diff(old, new), *sides)}


def test_a_size_of_its_own_replaces_the_profiles() -> None:
    own = Resources(cpu_request=1000, cpu_limit=None, memory_request=GIB, memory_limit=GIB, gpu_count=0, gpu_type=None)
    found = seen(BY_PROFILE, replace(BY_PROFILE, profile=None, resources=own))
    before, after = found["resources.cpu_request"]
    assert before.endswith(f", by {PROFILE.slug}")
    assert after == "1 core"
    assert found["profile"][0].startswith(f"{PROFILE.slug}: ")


def test_an_image_of_its_own_replaces_the_runtimes() -> None:
    found = seen(BY_PROFILE, replace(BY_PROFILE, image_override="docker.io/x/y:2"))
    assert found["image_override"] == (f"{RUNTIME.image}, the runtime's", "docker.io/x/y:2")


def test_an_autoscaler_begins_from_the_fixed_number() -> None:
    found = seen(BY_PROFILE, replace(BY_PROFILE, replicas=Autoscale(2, 5)))
    assert found["replicas.min"] == ("3, fixed", "2")
    assert found["replicas.count"] == ("3", "2 to 5, by the autoscaler")


@given(specs())
def test_only_what_the_spec_leaves_out_is_filled_in(spec: Spec) -> None:
    side = Side(spec, RUNTIME, PROFILE if spec.profile else None)
    assert not effective(side).keys() & values(spec).keys()
