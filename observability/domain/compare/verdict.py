"""From statistics to a verdict and the sentence that gives its reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from observability.domain.compare.definitions import LABELS
from observability.domain.compare.floors import LEAST_ROWS
from observability.domain.compare.result import Comparison, Statistic, Verdict
from observability.domain.profile.states import State
from observability.domain.specs.spec import FeatureSpec

NUMBERS: Final = ("psi", "ks", "w1", "linf", "tvd", "null_rate")
WORDS: Final = ("psi", "linf", "tvd", "unseen_rate", "odds_ratio", "null_rate")
TIMES: Final = ("hour", "weekday", "gap", "null_rate")
IDS: Final = ("null_rate",)
# Those that look at the whole distribution: without one of them nothing is called stable.
BASIS: Final = frozenset({"psi", "ks", "w1", "hour", "weekday", "gap"})
WORDS_BASIS: Final = frozenset({"psi", "tvd", "linf"})
_BY_MOMENTS: Final = frozenset({"psi", "w1", "tvd"})


def decide(
    spec: FeatureSpec,
    ref: State,
    cur: State,
    found: Mapping[str, Statistic],
    quality: Mapping[str, float | int | None],
    deciding: Sequence[str],
    *,
    basis: Iterable[str] = BASIS,
    lacking: str = "",
) -> Comparison:
    """Drift when a deciding statistic is over its threshold and its noise, whatever the others can tell; else stable
    when one of `basis` can be judged. `lacking` says why there is no distribution to compare."""
    found = _with_minimum(found, min(ref.rows, cur.rows))
    asked = [found[name] for name in deciding if name in found]
    over = [one for one in asked if one.is_over]
    rows = f"{ref.rows:,} and {cur.rows:,} rows"
    if over:
        verdict = Verdict.DRIFT
        reason = "; ".join([_over(one) for one in over] + ([lacking] if lacking else []))
    elif lacking:
        verdict, reason = Verdict.NOT_ENOUGH_DATA, lacking
    elif not any(one.is_judged for one in asked if one.name in basis):
        verdict, reason = _nothing(asked, rows)
    else:
        verdict, reason = _quiet(asked, rows)
    return Comparison(spec.name, spec.kind.value, (ref.rows, cur.rows), found, verdict, reason, quality)


def _with_minimum(found: Mapping[str, Statistic], rows: int) -> dict[str, Statistic]:
    """Statistics whose floor needs more rows than there are say so and decide nothing."""
    if rows >= LEAST_ROWS:
        return dict(found)
    short = f"{rows} rows on one side, and it needs {LEAST_ROWS}"
    return {
        name: replace(one, few_rows=short) if name in _BY_MOMENTS and one.value is not None else one
        for name, one in found.items()
    }


def _over(one: Statistic) -> str:
    least = "at least " if one.is_bound else ""
    limit = f"at or over its threshold of {one.threshold:g}"
    noise = one.noise_floor or 0.0
    return f"{named(one)} is {least}{one.value:.3f}, {limit} and beyond noise ({noise:.3f})"


def _short(one: Statistic) -> str:
    return f"{named(one)} ({one.few_rows or f'noise alone reaches {one.noise_floor or 0.0:.2f}'})"


def _nothing(asked: Sequence[Statistic], rows: str) -> tuple[Verdict, str]:
    """No statistic of the distribution can be judged: for lack of rows, or because none is defined."""
    short = [_short(one) for one in asked if one.value is not None and not one.is_judged]
    if short:
        return Verdict.NOT_ENOUGH_DATA, f"{rows} are too few to judge {listed(short)}"
    undefined = [f"{named(one)} ({one.reason})" for one in asked if one.value is None]
    return Verdict.UNKNOWN, f"nothing can be compared: {listed(undefined)}" if undefined else "nothing can be compared"


def _quiet(asked: Sequence[Statistic], rows: str) -> tuple[Verdict, str]:
    """What was judged is below its threshold or within noise."""
    defined = [one for one in asked if one.value is not None]
    bounds = [f"{named(one)} is at least {one.value:.3f}" for one in defined if one.is_bound]
    short = [_short(one) for one in defined if not one.is_judged]
    undefined = [f"{named(one)} ({one.reason})" for one in asked if one.value is None]
    judged = [one for one in defined if one.is_judged]
    within = [one for one in judged if (one.value or 0.0) >= (one.threshold or 0.0)]
    said = []
    if within:
        said.append("what is over its threshold is within noise: " + listed([_within(one) for one in within]))
    else:
        said.append(f"{listed([named(one) for one in judged])} {'is' if len(judged) == 1 else 'are'} below threshold")
    if bounds:
        said.append(f"{listed(bounds)}: lower bounds, the true value may be over the threshold")
    if short:
        said.append(f"{rows} are too few to judge {listed(short)}")
    if undefined:
        said.append(f"not defined here: {listed(undefined)}")
    return (Verdict.NO_DRIFT_SEEN if bounds else Verdict.STABLE), "; ".join(said)


def _within(one: Statistic) -> str:
    return f"{named(one)} is {one.value:.3f}, and noise alone reaches {one.noise_floor or 0.0:.3f}"


def named(one: Statistic) -> str:
    return LABELS.get(one.name, one.name)


def listed(parts: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}" if parts else ""
