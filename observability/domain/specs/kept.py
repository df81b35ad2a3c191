"""The spec that a source is folded by: what it must not keep of values is left out of it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from observability.domain.specs.spec import FeatureSpec, Kind, Spec


def kept_spec(spec: Spec, sensitive: Collection[str]) -> Spec:
    """The same spec without values of sensitive columns, and of ids, in vocabularies and tables. Given again, it
    stays."""
    return Spec(tuple(_kept(one, one.name in sensitive) for one in spec), spec.version)


def _kept(feature: FeatureSpec, is_sensitive: bool) -> FeatureSpec:
    if not is_sensitive and feature.kind is not Kind.ID:
        return feature
    bare = replace(feature, vocabulary=(), atoms=(), table_limit=0)
    return replace(bare, kind=Kind.CATEGORY) if is_sensitive and feature.kind in (Kind.CODE, Kind.ID) else bare
