"""Peers' verdicts with their defaults: `PYTHON -m benchmarks.peer_verdicts TOOL REPEATS`, JSON on stdout.

Runs in a peer's interpreter. A score is larger the more the sides differ; a list that stays empty is no verdict.
"""

import json
import sys
import time
import warnings
import zlib

warnings.filterwarnings("ignore")
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

from benchmarks.verdict_data import PEER_SAME, PEER_SIZES, SHIFTS, SUBTLE, named  # noqa: E402


def evidently():
    """The test that Evidently chooses for each column, with its threshold."""
    from evidently.legacy.calculations.stattests import get_stattest
    from evidently.legacy.core import ColumnType

    def verdict(ref, cur):
        is_number = ref.dtype.kind in "fi"
        kind = ColumnType.Numerical if is_number else ColumnType.Categorical
        test = get_stattest(ref, cur, kind, None)
        found = test(ref.dropna(), cur.dropna(), kind, None)
        is_p_value = "p_value" in test.display_name
        return [(-found.drift_score if is_p_value else found.drift_score, bool(found.drifted))]

    return verdict


def nannyml():
    """Jensen-Shannon, ten chunks a side, thresholds from the reference's chunks. A verdict a chunk."""
    import nannyml as nml

    def verdict(ref, cur):
        is_number = ref.dtype.kind in "fi"
        frames = [pd.DataFrame({"x": side if is_number else side.astype(str)}) for side in (ref, cur)]
        chosen = {} if is_number else {"treat_as_categorical": ["x"]}
        calculator = nml.UnivariateDriftCalculator(column_names=["x"], **chosen)
        found = calculator.fit(frames[0]).calculate(frames[1]).filter(period="analysis").to_df()
        part = found[("x", "jensen_shannon")]
        return [(float(value), bool(alert)) for value, alert in zip(part["value"], part["alert"], strict=True)]

    return verdict


def whylogs():
    """Drift scores of two profiles, DRIFT by the thresholds of whylogs; None is no verdict."""
    import whylogs as why
    from whylogs.viz.drift.column_drift_algorithms import calculate_drift_scores

    def verdict(ref, cur):
        is_number = ref.dtype.kind in "fi"
        frames = [pd.DataFrame({"x": side if is_number else side.astype(str)}) for side in (ref, cur)]
        views = [why.log(frame).view() for frame in frames]
        found = calculate_drift_scores(target_view=views[1], reference_view=views[0], with_thresholds=True)["x"]
        if found is None:
            return []
        value = found["pvalue"] if found.get("pvalue") is not None else None
        score = -value if value is not None else found["statistic"]
        return [(float(score), found["drift_category"] == "DRIFT")]

    return verdict


TOOLS = {"evidently": evidently, "nannyml": nannyml, "whylogs": whylogs}


def rng_of(key):
    return np.random.default_rng(zlib.crc32(key.encode()))


def repeated(verdict, first, second, size, repeats, rng):
    found = []
    for _ in range(repeats):
        sides = [pd.Series(draw(rng, rows)) for draw, rows in zip((first, second), size, strict=True)]
        try:
            found += verdict(*sides)
        except Exception as error:  # a peer that fails has no verdict here
            print(f"{type(error).__name__}: {error}", file=sys.stderr)
    return found


def main(tool, repeats):
    verdict = TOOLS[tool]()
    began = time.process_time()
    answer = {"same": {}, "shifts": {}}
    for start in PEER_SAME:
        source = named(start)
        for size in PEER_SIZES:
            key = f"{source.name}|{size[0]}|{size[1]}"
            found = repeated(verdict, source.draw, source.draw, size, repeats, rng_of(key))
            answer["same"][key] = [drifted for _, drifted in found]
    for name, (first, second, sizes) in {**SHIFTS, **SUBTLE}.items():
        for size in sizes:
            key = f"{name}|{size[0]}|{size[1]}"
            answer["shifts"][key] = both = {}
            for which, draw in (("same", first), ("shift", second)):
                found = repeated(verdict, first, draw, size, repeats, rng_of(key))
                both[which] = {"scores": [score for score, _ in found], "drift": [drifted for _, drifted in found]}
    print(json.dumps({**answer, "seconds": time.process_time() - began}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
