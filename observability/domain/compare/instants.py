"""The shape of timestamps. They advance with their window, which is no drift: what may change is the hour of the day,
the day of the week and how far back from the end of the window they reach.

All of it comes from buckets: where these are too wide to tell the hour, it says so. Hours and days are of UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from observability.domain.compare import floors, measures
from observability.domain.compare.align import Numbers
from observability.domain.compare.definitions import statistic
from observability.domain.compare.result import Bins, Statistic, cannot
from observability.domain.loops.numeric import Floats, Ints
from observability.domain.profile.states import NumericState
from observability.domain.specs.spec import TIME_UNITS, FeatureSpec

HOUR: Final = 3_600
DAY: Final = 86_400
EPOCH_DAY: Final = 3  # 1970-01-01 was a Thursday; days are counted from Monday
DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
WIDE: Final = 0.05  # this share of rows may lie in buckets that are too wide
COVERED: Final = 0.75  # a side covers the cycle when it spans this share of it
SHARP: Final = 0.5  # below this share of rows that stay in their hour the value is a lower bound
ALIKE: Final = 1.5  # spans may differ by this factor


@dataclass(frozen=True)
class Span:
    """Start and end in seconds since 1970."""

    start: float
    end: float

    @property
    def length(self) -> float:
        return self.end - self.start


Windows = tuple[Span, Span]  # of the reference and of the current side


@dataclass(frozen=True, eq=False)
class _Side:
    """One side's rows on cells in seconds since 1970, and the time that they span but for the outermost 0.1 %."""

    low: Floats
    high: Floats
    counts: Ints
    span: Span

    @property
    def rows(self) -> int:
        return int(self.counts.sum())


@dataclass(frozen=True)
class _Cycle:
    name: str
    step: int
    steps: int
    offset: int
    labels: tuple[str, ...]
    whole: str


_HOURS: Final = _Cycle("hour", HOUR, 24, 0, tuple(f"{hour:02}:00" for hour in range(24)), "day")
_WEEK: Final = _Cycle("weekday", DAY, 7, EPOCH_DAY, DAYS, "week")


def shape(
    ref: NumericState, cur: NumericState, pair: Numbers, spec: FeatureSpec, windows: Windows | None
) -> dict[str, Statistic]:
    """Hour, weekday and gap to the end, each with its floor or the reason why it cannot be compared."""
    unit = TIME_UNITS[spec.time_unit]
    low, high = (pair.low + pair.origin) / unit, (pair.high + pair.origin) / unit
    first, second = (
        _side(low, high, pair.counts[row], pair.below[row], windows[row] if windows else None) for row in (0, 1)
    )
    tests = 3 + bool(ref.nulls or cur.nulls)
    alpha = floors.FAMILY / tests
    latest = tuple((float(state.maximum or 0) + 1) / unit for state in (ref, cur))
    found = [_cycle(cycle, first, second, alpha) for cycle in (_HOURS, _WEEK)]
    return {one.name: one for one in (*found, _gap(first, second, latest, windows, alpha))}


def _side(low: Floats, high: Floats, counts: Ints, below: Ints, window: Span | None) -> _Side:
    span = Span(*measures.few_quantiles(low, high, counts, below, (0.001, 0.999)))
    if window is not None and window.start <= span.start and span.end <= window.end:
        span = window  # the rows' own times: what the window covers
    kept = counts > 0
    return _Side(low[kept], high[kept], counts[kept], span)


def _cycle(cycle: _Cycle, ref: _Side, cur: _Side, alpha: float) -> Statistic:
    whole = cycle.step * cycle.steps
    for name, side in (("reference", ref), ("current side", cur)):
        if side.span.length < COVERED * whole:
            return cannot(cycle.name, f"the {name} spans {_length(side.span.length)}, less than a {cycle.whole}")
        wide = float(side.counts[side.high - side.low > whole / 2].sum()) / side.rows
        if wide > WIDE:
            return cannot(cycle.name, f"the {name} lies in buckets wider than half a {cycle.whole}")
    rows = [_spread(cycle, side.low, side.high, side.counts.astype(np.float64)) for side in (ref, cur)]
    covered = [_covered(cycle, side.span) for side in (ref, cur)]
    rates = [count / np.maximum(cover, 1e-9) * (cover > 0) for count, cover in zip(rows, covered, strict=True)]
    # Wide buckets blur a side; each is blurred as the other is, so that only a true difference remains.
    blurs = [_blur(cycle, side) for side in (ref, cur)]
    p, q = _circular(rates[0] / rates[0].sum(), blurs[1]), _circular(rates[1] / rates[1].sum(), blurs[0])
    total = measures.tvd(p, q)
    uneven = max(float(cover.max() / max(cover.mean(), 1e-9)) for cover in covered)
    pooled = np.rint(rows[0] + rows[1]).astype(np.int64).tolist()
    noise = min(floors.tvd(pooled, ref.rows, cur.rows, alpha) * uneven, 1.0)
    is_bound = bool(min(blur[0] for blur in blurs) < SHARP)
    reason = "wide buckets blur it: the true value is at least this" if is_bound else ""
    bins = Bins(cycle.labels, p * ref.rows, q * cur.rows, total.parts)
    return statistic(cycle.name, total.value, noise=noise, bins=bins, reason=reason, is_bound=is_bound)


def _covered(cycle: _Cycle, span: Span) -> Floats:
    """How long the span covers each step of the cycle: ten days hold some weekdays twice. Less than a lap is one."""
    whole = cycle.step * cycle.steps
    laps, rest = divmod(span.length, whole)
    if not laps:
        return np.ones(cycle.steps)
    cover = np.full(cycle.steps, laps * cycle.step)
    edges = np.arange(span.start, span.start + rest, cycle.step / 60)
    if len(edges):
        cover += _spread(cycle, edges, edges, np.full(len(edges), rest / len(edges)))
    return cover


def _spread(cycle: _Cycle, low: Floats, high: Floats, mass: Floats) -> Floats:
    """Rows per step, spread evenly in their bucket."""
    first = np.floor(low / cycle.step)
    width = np.maximum(high - low, 1e-9)
    found = np.zeros(cycle.steps)
    for step in range(int((width.max(initial=0.0)) // cycle.step) + 2):
        edge = (first + step) * cycle.step
        inside = np.clip(np.minimum(high, edge + cycle.step) - np.maximum(low, edge), 0.0, None) / width
        if step == 0:
            inside = np.where(high > low, inside, 1.0)
        place = ((first + step + cycle.offset) % cycle.steps).astype(np.int64)
        found += np.bincount(place, weights=inside * mass, minlength=cycle.steps)
    return found


def _blur(cycle: _Cycle, side: _Side) -> Floats:
    """Where a value may be shown when its bucket spreads it evenly: two uniform places in one bucket differ by a
    triangle of the bucket's width. Mixed over the buckets; by steps forward, around the cycle."""
    steps = np.arange(-cycle.steps // 2, cycle.steps // 2 + 1)
    width = np.maximum(side.high - side.low, 1e-9)[:, None] / cycle.step
    low, high = (np.clip((steps + move) / width, -1.0, 1.0) for move in (-0.5, 0.5))

    def below(at: Floats) -> Floats:
        return np.where(at < 0, (1 + at) ** 2 / 2, 1 - (1 - at) ** 2 / 2)

    weights = side.counts / side.rows @ (below(high) - below(low))
    found = np.bincount(steps % cycle.steps, weights=weights, minlength=cycle.steps)
    return np.asarray(found / found.sum())


def _circular(shares: Floats, blur: Floats) -> Floats:
    """Shares around a cycle, blurred."""
    return np.asarray(sum(weight * np.roll(shares, step) for step, weight in enumerate(blur)))


def _gap(ref: _Side, cur: _Side, latest: tuple[float, ...], windows: Windows | None, alpha: float) -> Statistic:
    """D of the time to the end. What buckets hide counts as noise."""
    if windows is not None:
        shifts = [windows[0].end - windows[1].end]
        lengths = [max(window.length, 1.0) for window in windows]
        if _factor(lengths) > ALIKE:
            # Values that reach as far over a week as over a day do not go with the clock: a start of sale, a number
            # taken for an instant. They moved only if neither their distance to the end nor they themselves stayed.
            shifts.append(0.0)
    else:
        # Where the windows end is not known: only the form can differ, at the best of some places.
        last, middle = latest[0] - latest[1], _middle(ref) - _middle(cur)
        shifts = [last, DAY * round(last / DAY), ref.span.end - cur.span.end, middle, DAY * round(middle / DAY)]
        lengths = [max(side.span.length, 1.0) for side in (ref, cur)]
    spans = [max(side.span.length, 1.0) for side in (ref, cur)]
    if _factor(lengths) > ALIKE and _factor(spans) > ALIKE:
        said = f"the reference spans {_length(spans[0])} and the current side {_length(spans[1])}"
        return cannot("gap", f"{said}: their distances to the end are of different scales")
    hidden = max(_widest(ref), _widest(cur))
    noise = floors.ks(ref.rows, cur.rows, alpha) + hidden
    return statistic("gap", min(_distance(ref, cur, shift) for shift in shifts), uncertainty=hidden, noise=noise)


def _distance(ref: _Side, cur: _Side, shift: float) -> float:
    """D of the two sides, the current one moved."""
    low, high = cur.low + shift, cur.high + shift
    edges = np.unique(np.concatenate([ref.low, ref.high, low, high]))
    f = _below(ref.low, ref.high, ref.counts, edges) / ref.rows
    g = _below(low, high, cur.counts, edges) / cur.rows
    return float(np.abs(f - g).max())


def _middle(side: _Side) -> float:
    below = np.cumsum(side.counts)
    return measures.few_quantiles(side.low, side.high, side.counts, below, (0.5,))[0]


def _below(low: Floats, high: Floats, counts: Ints, at: Floats) -> Floats:
    """Rows below each position, spread evenly in their buckets. Cells are disjoint and ascending."""
    ends = np.empty(2 * len(low))
    ends[0::2], ends[1::2] = low, np.maximum(high, np.nextafter(low, np.inf))
    mass = np.empty(2 * len(low))
    mass[1::2] = np.cumsum(counts)
    mass[0::2] = mass[1::2] - counts
    return np.asarray(np.interp(at, ends, mass))


def _widest(side: _Side) -> float:
    """Most rows of one bucket that has a width, as a share: within it nothing is known."""
    buckets = side.counts[side.high > side.low]
    return float(buckets.max()) / side.rows if len(buckets) else 0.0


def _factor(pair: list[float]) -> float:
    return max(pair) / min(pair)


def _length(seconds: float) -> str:
    """In the largest unit that is not below 1."""
    for unit, size in (("days", DAY), ("hours", HOUR), ("minutes", 60)):
        if seconds >= 1.5 * size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} seconds"
