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
    before, after = _by_version(scope, place, sides.against), _by_version(scope, place, sides.current)
    if len({*before, *after}) < 2 or not before or not after:
        return []
    found = [decompose.null_rate(before, after)]
    is_numeric = all(isinstance(state, NumericState) for side in (before, after) for state in side.values())
    if is_numeric and spec.kind is Kind.NUMERIC:
        numbers = [cast("Mapping[str, NumericState]", side) for side in (before, after)]
        if all(any(state.finite for state in side.values()) for side in numbers):
            found.append(decompose.mean(numbers[0], numbers[1], spec))
    return found


def _by_version(scope: Scope, place: int, side: Side) -> dict[str, State]:
    if side.since is None or side.until is None:
        return {}
    found: dict[str, list[int]] = {}
    for key, version in _keys(scope, side.since, side.until):
        found.setdefault(version, []).append(key)
    return {version: state for version, keys in found.items() if (state := shelves.merged(keys, place)) is not None}


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
