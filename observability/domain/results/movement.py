"""What moved, in one plain sentence: values that came or went, a factor, the median, the spread, the hour."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

from observability.domain.charts.scales import share
from observability.domain.compare.align import common_cells
from observability.domain.compare.measures import few_quantiles
from observability.domain.compare.result import Bins, Comparison
from observability.domain.profile.states import CategoryState, EmbeddingState, NumericState, State
from observability.domain.specs.spec import FeatureSpec

QUANTILES: Final = (0.05, 0.25, 0.5, 0.75, 0.95)
BIG: Final = 0.1  # of all rows: a single value that gained or lost so much is what there is to say
SAME: Final = 0.05  # quartiles changed by one factor when their factors differ by less than this part
FACTOR: Final = 3.0  # from here on it looks like another unit
PART: Final = 0.1  # of the middle half: the median moved
UNITS: Final = (7, 10, 12, 24, 60, 100, 365, 1_000, 1_440, 3_600, 10_000, 86_400, 10**6, 10**9)
NEAR: Final = 0.2  # of the logarithm
WIDER: Final = 1.1
LONGEST: Final = 40  # characters of a value that is quoted


def movement(ref: State, cur: State, spec: FeatureSpec, made: Comparison, over: Sequence[str]) -> str:
    """How `cur` differs from `ref`, by the statistics that say so, the largest first; without a full stop.

    Empty where it cannot be said.
    """
    if "null_rate" in over:
        now, before = (_part(side.nulls, side.rows) for side in (cur, ref))
        return f"{now} of the rows have no value, before {before}"
    if over and over[0] in _BY_CLOCK:
        return _by_clock(made, over[0])
    if isinstance(ref, EmbeddingState) and isinstance(cur, EmbeddingState):
        return "the vectors have moved"
    if isinstance(ref, NumericState) and isinstance(cur, NumericState):
        return _of_numbers(ref, cur, spec)
    if isinstance(ref, CategoryState) and isinstance(cur, CategoryState):
        unseen = made.statistics.get("unseen_rate") if "unseen_rate" in over else None
        return _of_words(ref, cur, spec, (unseen.value if unseen else None) or 0.0)
    return ""


def _by_clock(made: Comparison, statistic: str) -> str:
    found = made.statistics[statistic].bins
    if statistic == "gap" or found is None:
        return "the times lie otherwise before the end of the window than they did"
    place = max(range(len(found.names)), key=lambda at: abs(_shares(found, at)[1] - _shares(found, at)[0]))
    before, now = _shares(found, place)
    return f"{_BY_CLOCK[statistic]}: {found.names[place]} has {share(now)} of the rows, before {share(before)}"


_BY_CLOCK: Final[Mapping[str, str]] = {
    "hour": "another time of the day",
    "weekday": "other days of the week",
    "gap": "",
}


def _shares(bins: Bins, place: int) -> tuple[float, float]:
    n, m = float(sum(bins.ref)) or 1.0, float(sum(bins.cur)) or 1.0
    return float(bins.ref[place]) / n, float(bins.cur[place]) / m


def _of_words(ref: CategoryState, cur: CategoryState, spec: FeatureSpec, unseen: float) -> str:
    """`unseen` is the share of values that are new, 0 where they do not matter."""
    before, now = _counts(ref, spec), _counts(cur, spec)
    n, m = max(ref.rows, 1), max(cur.rows, 1)
    moves = {name: now.get(name, 0) / m - before.get(name, 0) / n for name in {**before, **now}}
    if not moves:
        return "other values than before"
    name = max(moves, key=lambda one: (abs(moves[one]), one))
    gone = [one for one in moves if before.get(one) and not now.get(one)]
    came = [one for one in moves if now.get(one) and not before.get(one)]
    if name in gone or name in came:
        others = came if name in gone else gone
        pair = min(others, key=lambda one: abs(moves[one] + moves[name]), default=None)
        if pair is not None and abs(moves[pair] + moves[name]) <= 0.15 * abs(moves[name]):
            old, new = (name, pair) if name in gone else (pair, name)
            if now[new] / m >= unseen / 2:
                return f"{_quoted(new)} came as {_quoted(old)} went: {share(now[new] / m)} of the rows"
    if unseen and now.get(name, 0) / m < unseen / 2:
        return f"{share(unseen)} are values that were not there before"
    return _one_value(_quoted(name), before.get(name, 0) / n, now.get(name, 0) / m, "rows")


def _counts(state: CategoryState, spec: FeatureSpec) -> dict[str, int]:
    """By value; of the frozen vocabulary where there are too many values to know all."""
    if not state.table.overflow:
        return dict(zip(state.table.values, state.table.counts.tolist(), strict=True))
    return dict(zip(spec.vocabulary, state.vocabulary.tolist(), strict=False))


def _quoted(value: str) -> str:
    return repr(value if len(value) <= LONGEST else f"{value[:LONGEST]}…")


def _one_value(name: str, before: float, now: float, what: str) -> str:
    if not before:
        return f"{name} is new, with {share(now)} of the {what}"
    if not now:
        return f"{name} is gone, before {share(before)} of the {what}"
    return f"{name} is {share(now)} of the {what}, before {share(before)}"


def _of_numbers(ref: NumericState, cur: NumericState, spec: FeatureSpec) -> str:
    if not ref.finite or not cur.finite:
        return "there is no number" if ref.finite else "there were no numbers before"
    if cur.minimum == cur.maximum and ref.minimum != ref.maximum and cur.minimum is not None:
        return f"every value is {cur.minimum:.6g}"
    single = _single(ref, cur, spec)
    if single:
        return single
    cells = common_cells([ref, cur], spec)
    sides = [
        few_quantiles(cells.low, cells.high, counts, counts.cumsum(), QUANTILES)
        for counts in (cells.counts[0], cells.counts[1])
    ]
    return _by_quantiles(*sides)


def _single(ref: NumericState, cur: NumericState, spec: FeatureSpec) -> str:
    """One exact value that gained or lost most of what moved."""
    found: list[dict[float, int]] = []
    for side in (ref, cur):
        if ref.table.overflow or cur.table.overflow:
            found.append({0.0: side.zeros} | dict(zip(spec.atoms, side.atoms.tolist(), strict=True)))
        else:
            found.append(dict(zip(side.table.values.tolist(), side.table.counts.tolist(), strict=True)))
    before, now = found
    moves = {one: now.get(one, 0) / cur.finite - before.get(one, 0) / ref.finite for one in {**before, **now}}
    if not moves:
        return ""
    value = max(moves, key=lambda one: (abs(moves[one]), one))
    total = sum(abs(move) for move in moves.values()) / 2
    is_exact = not (ref.table.overflow or cur.table.overflow)
    if abs(moves[value]) < BIG or (is_exact and abs(moves[value]) < 0.75 * total):
        return ""
    return _one_value(f"{value:.6g}", before.get(value, 0) / ref.finite, now.get(value, 0) / cur.finite, "values")


def _by_quantiles(before: list[float], now: list[float]) -> str:
    factor = _factor(before[1:4], now[1:4])
    if factor is not None and not 1 / FACTOR < factor < FACTOR:
        how = f"{_plain(factor)} times as large" if factor > 1 else f"{_plain(1 / factor)} times smaller"
        return f"values are about {how}, as after another unit: the median went from {_both(before[2], now[2])}"
    middle = before[3] - before[1]
    if middle <= 0 or abs(now[2] - before[2]) >= PART * middle:
        return f"the median went from {_both(before[2], now[2])}"
    widths = [(side[3] - side[1], side[4] - side[0]) for side in (before, now)]
    for place, (low, high) in enumerate(((1, 3), (0, 4))):
        old, new = widths[0][place], widths[1][place]
        if old > 0 and (new >= WIDER * old or new <= old / WIDER):
            words = "half" if place == 0 else "90%"
            spans = [f"{_text(side[low], digits=3)} to {_text(side[high], digits=3)}" for side in (now, before)]
            return f"the middle {words} lies within {spans[0]}, before {spans[1]}"
    place = max(range(len(before)), key=lambda at: abs(now[at] - before[at]))
    return f"another shape: {QUANTILES[place]:.0%} lie below {_text(now[place])}, before below {_text(before[place])}"


def _factor(before: list[float], now: list[float]) -> float | None:
    """By which all quartiles changed; None when they did not change by one."""
    if any(a == 0 or b == 0 or (a > 0) != (b > 0) for a, b in zip(before, now, strict=True)):
        return None
    logs = [math.log(b / a) for a, b in zip(before, now, strict=True)]
    spread = max(logs) - min(logs)
    return math.exp(logs[1]) if spread <= math.log1p(SAME) + SAME * abs(logs[1]) else None


def _plain(factor: float) -> str:
    """Between units there are few factors: one of them where it is near."""
    near = min(UNITS, key=lambda unit: abs(math.log(unit / factor)))
    if abs(math.log(near / factor)) <= NEAR:
        return f"{near:,}"
    return f"{float(f'{factor:.2g}'):,.0f}" if factor >= 10 else f"{factor:.1f}"


def _both(before: float, now: float) -> str:
    """Two numbers with as many digits as tell them apart."""
    digits = next((some for some in (3, 5, 8, 12) if _text(before, some) != _text(now, some)), 15)
    return f"{_text(before, digits)} to {_text(now, digits)}"


def _text(value: float, digits: int = 4) -> str:
    size = abs(value)
    if size and not 1e-4 <= size < 1e15:
        return f"{value:.{digits}g}"
    decimals = max(digits - 1 - (math.floor(math.log10(size)) if size else 0), 0)
    text = f"{value:,.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _part(part: int, whole: int) -> str:
    return share(part / whole) if whole else "none"
