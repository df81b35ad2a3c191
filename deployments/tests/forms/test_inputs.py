"""The form of a spec against the rows of its settings."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django import forms

from deployments.domain.catalogue import Environment
from deployments.domain.permits import Permits
from deployments.domain.spec.fields.field import SECTIONS
from deployments.domain.spec.fields.rollout import PROBE_BOUNDS, PROBES
from deployments.domain.spec.fields.table import FIELDS, INPUTS, field_for
from deployments.domain.spec.spec import Spec
from deployments.forms.admin.runtime import RuntimeForm
from deployments.forms.choices import Choices
from deployments.forms.spec import form as spec_forms
from deployments.forms.spec import texts
from deployments.forms.spec.form import Show, SpecForm
from deployments.forms.spec.layout import sections_of
from deployments.tests.domain.examples import ALLOWLIST, PREFIXES, PROFILE, RUNTIME, make_spec, permits_for
from deployments.tests.domain.seeded_specs import seeded_spec

CHOICES = Choices(
    environment=Environment.DEV,
    runtimes={RUNTIME.slug: RUNTIME},
    profiles={PROFILE.slug: PROFILE},
    allowlist=ALLOWLIST,
    max_replicas=50,
    metadata_prefixes=PREFIXES,
    permits=Permits(),
)


def form_of(spec: Spec, baseline: Spec | None = None) -> SpecForm:
    data = spec_forms.data_of(texts.of_spec(spec, PROFILE if spec.profile else None), spec.env)
    return SpecForm(
        data,
        choices=replace(CHOICES, permits=permits_for(spec)),
        baseline=baseline or spec,
        baseline_profile=PROFILE,
        show=Show.ALL,
    )


def test_every_setting_is_in_the_form_once_in_its_section() -> None:
    sections = sections_of(form_of(make_spec()))
    shown = [(row.input.path, section.name) for section in sections for row in (*section.rows, *section.folded)]
    assert sorted(shown) == sorted((path, row.section) for row in FIELDS for path in (i.path for i in row.inputs))
    assert [section.name for section in sections] == list(SECTIONS)


def test_variables_are_the_only_setting_without_an_input() -> None:
    assert [row.path for row in FIELDS if not row.inputs] == ["env"]
    assert [section.name for section in sections_of(form_of(make_spec())) if section.is_env] == [
        field_for("env").section
    ]


def test_folded_settings_are_folded() -> None:
    for section in sections_of(form_of(make_spec())):
        assert not any(row.field.is_folded for row in section.rows)
        assert all(row.field.is_folded for row in section.folded)


@pytest.mark.parametrize("seed", range(100))
def test_a_spec_passes_through_its_texts_unchanged(seed: int) -> None:
    spec = seeded_spec(seed)
    assert form_of(spec).spec == spec


def test_a_setting_that_is_not_set_starts_as_its_inputs_say() -> None:
    assert {path: item.start for path, item in INPUTS.items()} == texts.DEFAULTS


@pytest.mark.parametrize("probe", PROBES)
@pytest.mark.parametrize("name", PROBE_BOUNDS)
def test_a_runtime_takes_the_same_probes_as_a_spec(probe: str, name: str) -> None:
    field = RuntimeForm.base_fields[f"{probe}_{name}"]
    assert isinstance(field, forms.IntegerField)
    item = field_for(probe).member(name)
    assert item.bounds is PROBE_BOUNDS[name]
    assert (field.min_value, field.max_value, field.initial) == (item.bounds.least, item.bounds.most, item.default)
