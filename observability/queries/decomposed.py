"""Why a mean or a null rate moved where two model versions serve: traffic between them, or a version itself."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import cast

from observability.domain.compare import decompose
from observability.domain.compare.decompose import Decomposition
from observability.domain.profile.states import NumericState, State
from observability.domain.specs.spec import FeatureSpec, Kind
from observability.models import StoredWindow
from observability.queries import shelves
from observability.queries.observed import Scope
from observability.queries.sides import Side, Sides


def null_rate_and_mean(scope: Scope, place: int, spec: FeatureSpec, sides: Sides) -> list[Decomposition]:
    """Splits that sum exactly; empty where one version serves, or one side has no times of its own."""
    keys = [_keys_by_version(scope, side) for side in (sides.against, sides.current)]
    if len({*keys[0], *keys[1]}) < 2 or not all(keys):
        return []  # before any state is read
    before, after = (_merged(side, place) for side in keys)
    if len({*before, *after}) < 2 or not before or not after:
        return []
    found = [decompose.null_rate(before, after)]
    is_numeric = all(isinstance(state, NumericState) for side in (before, after) for state in side.values())
    if is_numeric and spec.kind is Kind.NUMERIC:
        numbers = [cast("Mapping[str, NumericState]", side) for side in (before, after)]
        if all(any(state.finite for state in side.values()) for side in numbers):
            found.append(decompose.mean(numbers[0], numbers[1], spec))
    return found


def _keys_by_version(scope: Scope, side: Side) -> dict[str, list[int]]:
    if side.since is None or side.until is None:
        return {}
    found: dict[str, list[int]] = {}
    for key, version in _keys(scope, side.since, side.until):
        found.setdefault(version, []).append(key)
    return found


def _merged(keys: Mapping[str, list[int]], place: int) -> dict[str, State]:
    """By version, those that have the feature."""
    return {version: state for version, some in keys.items() if (state := shelves.merged(some, place)) is not None}


def _keys(scope: Scope, since: datetime, until: datetime) -> list[tuple[int, str]]:
    rows = StoredWindow.objects.filter(
        source=scope.source,
        spec=scope.spec,
        length=scope.spec.window,
        start__gte=since,
        start__lt=until,
        shelf__isnull=False,
    )
    return list(rows.order_by("start").values_list("pk", "version"))
