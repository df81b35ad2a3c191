"""The real packages' statistics on stored pairs: `PYTHON -m benchmarks.peer_accuracy PAIRS.npz`, JSON on stdout."""

import json
import sys
import warnings

warnings.filterwarnings("ignore")
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from evidently.legacy.calculations.stattests import (  # noqa: E402
    hellinger_distance,
    jensenshannon,
    kl_div,
    psi,
    wasserstein_distance_norm,
)
from evidently.legacy.core import ColumnType  # noqa: E402
from nannyml.drift.univariate import methods  # noqa: E402
from nannyml.thresholds import ConstantThreshold  # noqa: E402

LIMIT = 0.1


def evidently(ref, cur, kind):
    found = {
        "psi": psi._psi(ref, cur, kind, LIMIT)[0],
        "js": jensenshannon._jensenshannon(ref, cur, kind, LIMIT)[0],
        "kl": kl_div._kl_div(ref, cur, kind, LIMIT)[0],
        "hellinger": hellinger_distance._hellinger_distance(ref.copy(), cur.copy(), kind, LIMIT)[0],
    }
    if kind is ColumnType.Numerical:
        found["w1"] = wasserstein_distance_norm._wasserstein_distance_norm(ref, cur, kind, LIMIT)[0]
    return found


NUMERIC = {
    "js": methods.ContinuousJensenShannonDistance,
    "ks": methods.KolmogorovSmirnovStatistic,
    "w1": methods.WassersteinDistance,
    "hellinger": methods.ContinuousHellingerDistance,
}
WORDS = {
    "js": methods.CategoricalJensenShannonDistance,
    "hellinger": methods.CategoricalHellingerDistance,
    "linf": methods.LInfinityDistance,
    "chi2": methods.Chi2Statistic,
}


def nannyml(ref, cur, kind):
    found = {}
    for name, method in (NUMERIC if kind is ColumnType.Numerical else WORDS).items():
        one = method(chunker=None, threshold=ConstantThreshold(upper=LIMIT))
        one._fit(ref)
        found[name] = one._calculate(cur)
    return found


def main(path):
    pairs = np.load(path)
    answer = {}
    for name in sorted({key.rsplit("__", 1)[0] for key in pairs.files}):
        sides = [pd.Series(pairs[f"{name}__{side}"]) for side in "ab"]
        kind = ColumnType.Numerical if sides[0].dtype.kind in "fi" else ColumnType.Categorical
        answer[name] = {
            tool.__name__: {key: float(value) for key, value in tool(*sides, kind).items()}
            for tool in (evidently, nannyml)
        }
    print(json.dumps(answer))


if __name__ == "__main__":
    main(sys.argv[1])
