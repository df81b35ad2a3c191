"""What verdicts are tried on: kinds of features, sizes, plain shifts. NumPy only: the peers draw from it too."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

SIZES = (  # rows of reference and current, 1:1 to 100:1, at most a million together
    (200, 200),
    (2_000, 200),
    (20_000, 200),
    (1_000, 1_000),
    (10_000, 1_000),
    (100_000, 1_000),
    (10_000, 10_000),
    (100_000, 10_000),
    (990_000, 10_000),
    (100_000, 100_000),
    (900_000, 100_000),
)
FIRST = ("anna", "ben", "chloe", "david", "emma", "felix", "grace", "henry", "ines", "jan", "kai", "lea", "max", "nora")
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, eq=False)
class Discrete:
    """A value of `values` with the probability beside it. Texts are sorted by their bytes."""

    kind: str
    values: np.ndarray
    shares: np.ndarray

    @property
    def name(self) -> str:
        return f"{self.kind}, {len(self.values):,} values"

    @property
    def is_text(self) -> bool:
        return self.values.dtype.kind == "U"

    def counts(self, rng: np.random.Generator, rows: int) -> np.ndarray:
        """How often each value occurs."""
        if rows < len(self.values):
            return np.bincount(self._places(rng, rows), minlength=len(self.values))
        return np.asarray(rng.multinomial(rows, self.shares))

    def draw(self, rng: np.random.Generator, rows: int) -> np.ndarray:
        found: np.ndarray = self.values[self._places(rng, rows)]
        return found

    def _places(self, rng: np.random.Generator, rows: int) -> np.ndarray:
        return np.minimum(np.searchsorted(np.cumsum(self.shares), rng.random(rows)), len(self.values) - 1)


@dataclass(frozen=True, eq=False)
class Smooth:
    """Continuous values."""

    kind: str
    function: Callable[[np.random.Generator, int], np.ndarray]

    @property
    def name(self) -> str:
        return self.kind

    def draw(self, rng: np.random.Generator, rows: int) -> np.ndarray:
        return self.function(rng, rows)


Source = Discrete | Smooth


def words(kind: str, labels: list[str], shares: np.ndarray, seed: int = 7) -> Discrete:
    """Shares given to the labels in a random order; labels sorted."""
    ordered = np.array(sorted(labels, key=lambda label: label.encode()))
    return Discrete(kind, ordered, np.random.default_rng(seed).permutation(shares / shares.sum()))


def zipf(count: int, exponent: float) -> np.ndarray:
    return np.arange(1, count + 1) ** -exponent


def base36(count: int) -> list[str]:
    """Distinct ids of eight digits, far apart."""

    def text(number: int) -> str:
        found = ""
        for _ in range(8):
            number, digit = divmod(number, 36)
            found = DIGITS[digit] + found
        return found

    return [text((place * 1_103_515_245_771 + 12_345) % 36**8) for place in range(count)]


def user_names(count: int) -> list[str]:
    return [f"{FIRST[place % len(FIRST)]}{place}" for place in range(count)]


def geometric(mean: float) -> Discrete:
    """Integers with a geometric tail, cut where less than one in 10^9 remains."""
    share = 1 / (1 + mean)
    top = int(np.ceil(-9 * np.log(10) / np.log1p(-share)))
    values = np.arange(top)
    shares = share * (1 - share) ** values
    return Discrete(f"geometric integers of mean {mean:g}", values.astype(float), shares / shares.sum())


def binomial(trials: int) -> Discrete:
    """Sums of fair coins, values that never occur left out."""
    values = np.arange(trials + 1)
    logs = np.cumsum(np.concatenate([[0.0], np.log((trials - values[:-1]) / values[1:])]))
    shares = np.exp(logs - logs.max())
    kept = shares > 1e-12
    return Discrete(f"binomial integers of {trials:,} trials", values[kept].astype(float), shares[kept] / shares.sum())


@cache
def sources() -> list[Source]:
    """Every kind of the grid, 2 to 50,000 distinct values."""
    many = (2, 10, 50, 200, 1_000, 5_000, 50_000)
    found: list[Source] = [words("uniform categories", [f"k{i}" for i in range(size)], np.ones(size)) for size in many]
    found += [words("Zipf categories", [f"z{i}" for i in range(size)], zipf(size, 1.2)) for size in many]
    found += [words("user names, Zipf", user_names(size), zipf(size, 0.9)) for size in (200, 3_000, 50_000)]
    found += [words("base-36 ids", base36(size), np.ones(size)) for size in (200, 1_000, 5_000, 50_000)]
    found += [geometric(mean) for mean in (0.2, 3, 100, 2_500)]
    found += [binomial(trials) for trials in (1, 12, 1_000, 100_000_000)]
    found += [
        Discrete("uniform integers", np.arange(n).astype(float), np.full(n, 1 / n)) for n in (5, 200, 5_000, 50_000)
    ]
    found += [
        Discrete(f"flag, {share:.1%} true", np.array([False, True]), np.array([1 - share, share]))
        for share in (0.5, 0.05, 0.005)
    ]
    found += [
        Smooth("normal", lambda rng, n: rng.normal(0, 1, n)),
        Smooth("normal, 30 % nulls", lambda rng, n: np.where(rng.random(n) < 0.3, np.nan, rng.normal(0, 1, n))),
        Smooth("lognormal, sigma 2", lambda rng, n: rng.lognormal(0, 2, n)),
        Smooth("Cauchy", lambda rng, n: rng.standard_cauchy(n)),
        Smooth("97 % zeros", lambda rng, n: np.where(rng.random(n) < 0.97, 0.0, rng.lognormal(2, 1, n))),
    ]
    return found


PEER_SAME = (  # where the peers run too
    "uniform categories, 10 ",
    "Zipf categories, 200 ",
    "uniform categories, 5,000 ",
    "user names, Zipf, 3,000 ",
    "base-36 ids, 1,000 ",
    "geometric integers of mean 3,",
    "binomial integers of 12 ",
    "flag, 5.0%",
    "normal",
    "lognormal",
)
PEER_SIZES = ((1_000, 1_000), (10_000, 1_000), (10_000, 10_000), (20_000, 200))


def named(start: str) -> Source:
    """The first kind whose name begins like this."""
    return next(one for one in sources() if one.name.startswith(start))


Draw = Callable[[np.random.Generator, int], np.ndarray]
OLD = np.array(list("abcdefghijkl"))
NEW = np.array(list("ABCDEFGHIJKL"))
# name: reference, current, sizes at which it has to be seen. NaN stands for null.
SHIFTS: dict[str, tuple[Draw, Draw, tuple[tuple[int, int], ...]]] = {
    "N(0,1) to N(5,1)": (lambda r, n: r.normal(0, 1, n), lambda r, n: r.normal(5, 1, n), ((250, 250), (10_000, 100))),
    "x 1000": (
        lambda r, n: r.lognormal(3, 1, n),
        lambda r, n: r.lognormal(3, 1, n) * 1000,
        ((250, 250), (10_000, 100)),
    ),
    "sign flip": (lambda r, n: r.gamma(2, 3, n), lambda r, n: -r.gamma(2, 3, n), ((250, 250), (10_000, 100))),
    "stuck at a constant": (lambda r, n: r.normal(0, 1, n), lambda r, n: np.zeros(n), ((250, 250), (10_000, 100))),
    "nulls 0 to 60 %": (
        lambda r, n: r.normal(0, 1, n),
        lambda r, n: np.where(r.random(n) < 0.6, np.nan, r.normal(0, 1, n)),
        ((250, 250), (10_000, 100)),
    ),
    "all-new categories": (lambda r, n: r.choice(OLD, n), lambda r, n: r.choice(NEW, n), ((250, 250), (10_000, 100))),
    "fraud flag 0.5 to 3 %": (
        lambda r, n: r.random(n) < 0.005,
        lambda r, n: r.random(n) < 0.03,
        ((1_000, 1_000), (10_000, 1_000)),
    ),
    "half the spread": (
        lambda r, n: r.normal(0, 1, n),
        lambda r, n: r.normal(0, 0.5, n),
        ((1_000, 1_000), (10_000, 1_000)),
    ),
}
# Where nobody has to see everything: how much each sees at equal false drift.
SUBTLE: dict[str, tuple[Draw, Draw, tuple[tuple[int, int], ...]]] = {
    "mean + 0.4 deviations": (
        lambda r, n: r.normal(0, 1, n),
        lambda r, n: r.normal(0.4, 1, n),
        ((250, 250), (1_000, 1_000)),
    ),
    "lognormal x 1.5": (
        lambda r, n: r.lognormal(3, 1, n),
        lambda r, n: r.lognormal(3, 1, n) * 1.5,
        ((250, 250), (1_000, 1_000)),
    ),
    "12 categories, one doubled": (
        lambda r, n: r.choice(OLD, n),
        lambda r, n: r.choice(OLD, n, p=np.r_[2.0, np.full(11, 10 / 11)] / 12),
        ((1_000, 1_000), (10_000, 1_000)),
    ),
    "a third of 200 categories is new": (
        lambda r, n: np.char.add("c", r.integers(0, 200, n).astype(str)),
        lambda r, n: np.char.add("c", r.integers(67, 267, n).astype(str)),
        ((1_000, 1_000), (10_000, 1_000)),
    ),
}
