"""What is wrong with a well-shaped spec, in the words the form shows. One message per dotted path."""

from __future__ import annotations

from collections.abc import Sequence

from deployments.domain.catalogue import Environment, HardwareProfile, Runtime
from deployments.domain.permits import Permits
from deployments.domain.spec.checks import container, metadata, network, permits, scaling, size
from deployments.domain.spec.checks.values import Errors, check_rows
from deployments.domain.spec.spec import Spec, effective_resources


def validate(
    spec: Spec,
    *,
    environment: Environment,
    runtime: Runtime | None,
    profile: HardwareProfile | None,
    allowlist: Sequence[str],
    max_replicas: int,
    metadata_prefixes: Sequence[str] = (),
    permitted: Permits | None = None,
) -> Errors:
    """Empty when the spec may be saved. `runtime` and `profile` are what the slugs resolve to, None when unknown.

    `metadata_prefixes` are the prefixes of labels and annotations that the platform team allows, with their slash;
    `permitted` is what it permits in the namespace, None for nothing.
    """
    errors: Errors = {}
    check_rows(spec, errors)
    container.check(spec, runtime, allowlist, errors)
    size.check(spec, profile, errors)
    known = spec.resources is not None or profile is not None
    scaling.check(spec, environment, max_replicas, errors, size=effective_resources(spec, profile) if known else None)
    network.check(spec, runtime, errors)
    metadata.check(spec, metadata_prefixes, errors)
    permits.check(spec, profile, permitted or Permits(), errors)
    return errors
