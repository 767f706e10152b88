"""Rows and columns through points: the lattice on which most of them lie."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

STEEPEST = 8.0
"""Degrees by which rows may slope, and columns lean."""
NEAR = 0.12
"""Share of the distance between neighbours by which a point may lie off its place."""


class Lattice(NamedTuple):
    """Places in rows and columns.

    `first`: the top left place, (row, column), px. `down` and `right`: steps to the next row and column, px. All float
    `[2]`. `rows` and `columns`: how many there are.
    """

    first: np.ndarray
    down: np.ndarray
    right: np.ndarray
    rows: int
    columns: int

    def places(self) -> np.ndarray:
        """(row, column) of every place, row by row, px, float `[rows * columns, 2]`."""
        return self.first + self.indices() @ np.stack([self.down, self.right])

    def indices(self) -> np.ndarray:
        """Number of row and column of every place, int `[rows * columns, 2]`."""
        return np.stack(np.divmod(np.arange(self.rows * self.columns), self.columns), axis=-1)

    def part(self, top: int, left: int, rows: int, columns: int) -> Lattice:
        """Other rows and columns of the same lattice, which begin `top` rows lower and `left` columns further right."""
        return Lattice(self.first + top * self.down + left * self.right, self.down, self.right, rows, columns)

    def finer(self, axis: int, parts: int) -> Lattice:
        """The lattice with `parts - 1` further rows (axis 0) or columns (1) between each two that it has."""
        if axis == 0:
            return self._replace(down=self.down / parts, rows=(self.rows - 1) * parts + 1)
        return self._replace(right=self.right / parts, columns=(self.columns - 1) * parts + 1)


def fit(points: np.ndarray, least: float) -> tuple[Lattice, np.ndarray] | None:
    """The lattice of most of the points, and which those are, bool `[points]`; none where fewer than 3 lie on one.

    Steps are guessed from nearest neighbours, then fitted by least squares to the points that lie near their places.

    Args:
        points: (row, column), px, float `[points, 2]`.
        least: shortest distance from neighbour to neighbour, px.
    """
    steps = _steps(points, least)
    if steps is None:
        return None
    numbers, on = _numbered(points, steps)
    for _ in range(3):
        if on.sum() < 3:
            return None
        solved = _solved(points[on], numbers[on])
        if solved is None:
            return None
        first, steps = solved
        places = np.linalg.solve(steps.T, (points - first).T).T
        numbers = np.rint(places).astype(int)
        on = _one_each(numbers, np.abs(places - numbers).max(axis=1))
    if on.sum() < 3:
        return None
    low = numbers[on].min(axis=0)
    rows, columns = (np.ptp(numbers[on], axis=0) + 1).tolist()
    return Lattice(first + low @ steps, steps[0], steps[1], rows, columns), on


def _steps(points: np.ndarray, least: float) -> np.ndarray | None:
    """Steps down and right, float `[2, 2]`. Points in one row or column have one step, and get the other from it."""
    ways = points[None] - points[:, None]
    down, right = _step(ways, 0, least), _step(ways, 1, least)
    if down is None and right is None:
        return None
    if down is None and right is not None:
        down = np.array([right[1], -right[0]])
    elif right is None and down is not None:
        right = np.array([-down[1], down[0]])
    return np.stack([down, right])  # type: ignore[list-item]


def _step(ways: np.ndarray, axis: int, least: float) -> np.ndarray | None:
    """The commonest short way from point to point along an axis, float `[2]`."""
    along, aside = ways[..., axis], np.abs(ways[..., 1 - axis])
    fits = (along >= least) & (aside <= along * np.tan(np.deg2rad(STEEPEST + 4)))
    nearest = np.where(fits, along, np.inf).argmin(axis=1)
    own = np.arange(len(ways))
    short = ways[own, nearest][fits[own, nearest]]
    if not len(short):
        return None
    lengths = short[:, axis]
    alike = np.abs(lengths[None] - lengths[:, None]) <= NEAR * lengths[:, None]
    step = np.asarray(np.median(short[alike[alike.sum(axis=1).argmax()]], axis=0))
    return step if abs(step[1 - axis]) <= step[axis] * np.tan(np.deg2rad(STEEPEST)) else None


def _numbered(points: np.ndarray, steps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of row and column from the point that puts most others near their places, and which those are."""
    ways = (points[None] - points[:, None]) @ np.linalg.inv(steps)
    off = np.abs(ways - np.rint(ways)).max(axis=-1)
    origin = int((off <= 2 * NEAR).sum(axis=1).argmax())
    numbers = np.rint(ways[origin]).astype(int)
    return numbers, _one_each(numbers, off[origin] / 2)


def _one_each(numbers: np.ndarray, off: np.ndarray) -> np.ndarray:
    """Which points are near their places, and nearer than any other with the same numbers, bool `[points]`."""
    chosen = np.zeros(len(numbers), bool)
    order = np.argsort(off, kind="stable")
    _, first = np.unique(numbers[order], axis=0, return_index=True)
    chosen[order[first]] = True
    return chosen & (off <= NEAR)


def _solved(points: np.ndarray, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Place of the numbers 0, 0 and the steps, by least squares. One row's step down is made square to it."""
    spread = np.ptp(numbers, axis=0) > 0
    if not spread.any():
        return None
    if spread.all():
        terms = np.column_stack([np.ones(len(numbers)), numbers])
        solution = np.linalg.lstsq(terms, points, rcond=None)[0]
        first, steps = solution[0], solution[1:]
    else:
        axis = int(spread.argmax())
        terms = np.column_stack([np.ones(len(numbers)), numbers[:, axis]])
        first, step = np.linalg.lstsq(terms, points, rcond=None)[0]
        down, right = step, step
        if axis == 1:
            down = np.array([step[1], -step[0]])
        else:
            right = np.array([-step[1], step[0]])
        steps = np.stack([down, right])
        first = first - numbers[0, 1 - axis] * steps[1 - axis]
    return (first, steps) if abs(np.linalg.det(steps)) > 1 else None
