"""What is folded stays the same bytes, whatever is moved: other bytes would not merge with what is stored."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from observability.domain.fold.feature import FeatureAccumulator
from observability.domain.loops.grouping import single
from observability.domain.profile.encoding import encode
from observability.domain.specs.spec import FeatureSpec, Spec
from observability.engines.base import Options
from observability.tests.logs import DAY, profile, table, write

GOLDEN = Path(__file__).parent / "golden"
COLUMNS = ("score", "price", "rating", "user_id", "country", "query", "clicked", "vector")


@pytest.fixture(scope="module")
def spec() -> Spec:
    return Spec.loads((GOLDEN / "spec.json").read_bytes())


@pytest.mark.parametrize("seed", range(3))
def test_a_log_folds_to_the_profile_it_always_did(seed: int, spec: Spec, tmp_path: Path) -> None:
    path = write(tmp_path / "log.parquet", table(20_000, seed))
    folded = profile(path, spec, Options(keys=DAY))
    assert folded.identity == (GOLDEN / "profiles.txt").read_text().splitlines()[seed]


@pytest.mark.parametrize("column", range(len(COLUMNS)))
def test_a_column_folds_to_the_state_it_always_did(column: int, spec: Spec) -> None:
    feature: FeatureSpec = next(item for item in spec.features if item.name == COLUMNS[column])
    accumulator = FeatureAccumulator(feature)
    array = table(20_000, 7).column(feature.name).combine_chunks()
    accumulator.fold(array, single(len(array)))
    written = hashlib.sha256(encode(accumulator.state(0))).hexdigest()
    assert written == (GOLDEN / "states.txt").read_text().splitlines()[column]
