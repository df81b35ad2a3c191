"""The loops over the components of vectors: rounding to a grid, the norm, and projections; see `fold.embedding`.

Components on the grid are whole numbers so small that products with +-1 and their sums are exact in float64: the
compiler may add them in any order. Squares are not, so those are added in the order of the components.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from observability.domain.loops.compiling import compiled, reordered
from observability.domain.loops.numeric import Floats

GRID: Final = 2.0**24
CLAMP: Final = 2.0**12
_ROWS: Final = 8  # sums that do not wait for each other


@compiled
def _to_grid(vectors: NDArray[Any], grid: Floats, broken: NDArray[np.bool_]) -> None:
    for row in range(len(vectors)):
        misfits: Any = 0
        for place in range(vectors.shape[1]):
            value = np.float64(vectors[row, place])
            is_finite = abs(value) < np.inf
            misfits += np.int64(not is_finite)
            grid[row, place] = np.rint(min(max(value if is_finite else 0.0, -CLAMP), CLAMP) * GRID)
        broken[row] = misfits > 0


@compiled
def _norms(grid: Floats, out: Floats) -> None:
    totals = np.zeros(_ROWS)
    for start in range(0, len(grid), _ROWS):
        rows = min(_ROWS, len(grid) - start)
        block = grid[start : start + rows]
        totals[:] = 0.0
        if rows == _ROWS:
            for place in range(grid.shape[1]):
                for row in range(_ROWS):
                    totals[row] += block[row, place] * block[row, place]
        else:
            for place in range(grid.shape[1]):
                for row in range(rows):
                    totals[row] += block[row, place] * block[row, place]
        for row in range(rows):
            out[start + row, 0] = np.sqrt(totals[row]) / GRID


def _project(grid: Floats, signs: Floats, scale: float, out: Floats) -> None:
    """Four sums at a time: as many as there are registers for."""
    for row in range(len(grid)):
        line = grid[row]
        for place in range(0, len(signs), 4):
            a, b, c, d = 0.0, 0.0, 0.0, 0.0
            first, second, third, fourth = signs[place], signs[place + 1], signs[place + 2], signs[place + 3]
            for step in range(len(line)):
                value = line[step]
                a += value * first[step]
                b += value * second[step]
                c += value * third[step]
                d += value * fourth[step]
            out[row, 1 + place], out[row, 2 + place] = a / GRID / scale, b / GRID / scale
            out[row, 3 + place], out[row, 4 + place] = c / GRID / scale, d / GRID / scale


project = reordered(_project)


def measure_rows(vectors: NDArray[Any], signs: Floats, grid: Floats, out: Floats) -> None:
    """Of each vector its norm and its projections divided by sqrt(dimension), NaN where a component is not finite."""
    broken = np.empty(len(vectors), dtype=bool)
    _to_grid(vectors, grid, broken)
    _norms(grid, out)
    project(grid, signs, np.sqrt(float(vectors.shape[1])), out)
    out[broken] = np.nan
