"""Peers' verdicts on days with planted incidents: `PYTHON -m benchmarks.peer_incidents TOOL FOLDER`, JSON on stdout.

Runs in a peer's interpreter, with the peer's defaults: each day against the whole reference. Gives, by day, the columns
with their score (larger: more different) and whether the peer calls it drift; columns it cannot compare are absent.
"""

import json
import sys
import time
import warnings

warnings.filterwarnings("ignore")
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

from benchmarks.incident_data import KEYS, ROWS, make  # noqa: E402


def evidently():
    """The test that Evidently chooses for each column of 7 x 3,000 reference rows, with its threshold."""
    from evidently.legacy.calculations.stattests import get_stattest
    from evidently.legacy.core import ColumnType

    def day(ref, cur):
        found = {}
        for name in ref.columns.intersection(cur.columns):
            kind = ColumnType.Numerical if ref[name].dtype.kind in "fi" else ColumnType.Categorical
            test = get_stattest(ref[name], cur[name], kind, None)
            result = test(ref[name].dropna(), cur[name].dropna(), kind, None)
            is_p_value = "p_value" in test.display_name
            ratio = -result.drift_score if is_p_value else result.drift_score
            found[name] = [float(ratio), bool(result.drifted)]
        return found

    return day


def nannyml():
    """Jensen-Shannon with thresholds from reference chunks of a day's rows; beside it missing and unseen values."""
    import nannyml as nml

    fitted = {}

    def day(ref, cur):
        if not fitted:
            names = list(ref.columns)
            words = [name for name in names if ref[name].dtype.kind not in "fi"]
            drift = nml.UnivariateDriftCalculator(column_names=names, treat_as_categorical=words, chunk_size=ROWS)
            fitted["drift"] = drift.fit(ref)
            fitted["missing"] = nml.MissingValuesCalculator(column_names=names, chunk_size=ROWS).fit(ref)
            fitted["unseen"] = nml.UnseenValuesCalculator(column_names=words, chunk_size=ROWS).fit(ref)
        found = {}
        parts = {
            "drift": "jensen_shannon",
            "missing": None,
            "unseen": None,
        }
        for key, method in parts.items():
            table = fitted[key].calculate(cur).filter(period="analysis").to_df()
            for name in ref.columns:
                part = (
                    table[(name, method)]
                    if method
                    else table[name]
                    if name in table.columns.get_level_values(0)
                    else None
                )
                if part is None:
                    continue
                value, alert = float(np.nanmax(part["value"])), bool(part["alert"].any())
                limit = part["upper_threshold"].iloc[0] if "upper_threshold" in part else None
                ratio = value / float(limit) if limit else value
                held = found.get(name, [-np.inf, False])
                found[name] = [max(held[0], ratio), held[1] or alert]
        return found

    return day


def whylogs():
    """Drift scores of two profiles, DRIFT by the thresholds of whylogs."""
    import whylogs as why
    from whylogs.viz.drift.column_drift_algorithms import calculate_drift_scores

    kept = {}

    def day(ref, cur):
        if not kept:
            kept["view"] = why.log(ref).view()
        made = calculate_drift_scores(
            target_view=why.log(cur).view(), reference_view=kept["view"], with_thresholds=True
        )
        found = {}
        for name, one in made.items():
            if one is not None:
                value = -one["pvalue"] if one.get("pvalue") is not None else one["statistic"]
                found[name] = [float(value), one["drift_category"] == "DRIFT"]
        return found

    return day


TOOLS = {"evidently": evidently, "nannyml": nannyml, "whylogs": whylogs}


def frame(paths):
    found = pd.concat([pd.read_parquet(path) for path in paths], ignore_index=True)
    found = found.drop(columns=[name for name in KEYS if name in found])
    for name in found.columns[found.dtypes == "bool"]:
        found[name] = found[name].astype(str)
    return found


def main(tool, folder):
    index = make(folder)
    judge = TOOLS[tool]()
    ref = frame(index["reference"])
    began = time.process_time()
    seen = {}

    def judged(path):
        if path not in seen:
            try:
                seen[path] = judge(ref, frame([path]))
            except Exception as error:  # a peer that fails on a day has no verdict on it
                print(f"{path}: {type(error).__name__}: {str(error)[:200]}", file=sys.stderr)
                seen[path] = None
        return seen[path]

    answer = {
        "clean": [judged(path) for path in index["clean"]],
        "incidents": {name: [judged(path) for path in paths] for name, paths in index["incidents"].items()},
    }
    print(json.dumps({**answer, "seconds": time.process_time() - began}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
