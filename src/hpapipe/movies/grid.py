"""The grid of pools in a movie: found in its first frame, or given as rows × columns."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from hpapipe.movies.lattice import Lattice

MOST = 64
"""Rows or columns that a grid may have."""
_WORDS = re.compile(r"\s*([0-9]{1,4})\s*[x×X*]\s*([0-9]{1,4})\s*")


@dataclass(frozen=True)
class Grid:
    """Equal pools in rows and columns. Places are (row, column) in pixels of the movie's first frame.

    Args:
        rows: of pools.
        columns: of pools.
        first: middle of the top left pool.
        down: step to the pool below.
        right: step to the next pool of the row; it tells how the grid is turned.
        side: of the square patch that is cut out for a pool, px, even.
        radius: of a pool's floor, or half the side of a square one, px.
        square: square pools, else round ones.
        quality: share of the pools' outlines where the frame has an edge, 0 to 1; 1 for a grid that was given.

    Raises:
        ValueError: for values that make no grid.
    """

    rows: int
    columns: int
    first: tuple[float, float]
    down: tuple[float, float]
    right: tuple[float, float]
    side: int
    radius: float
    square: bool
    quality: float = 1.0

    def __post_init__(self) -> None:
        for name in ("rows", "columns"):
            if not 1 <= _whole(getattr(self, name), name) <= MOST:
                raise ValueError(f"`{name}` of a grid must be 1 to {MOST}. Received {getattr(self, name)!r}.")
        if _whole(self.side, "side") < 2 or self.side % 2:
            raise ValueError(f"`side` of a grid must be even, and 2 or more. Received {self.side!r}.")
        for name in ("first", "down", "right"):
            pair = getattr(self, name)
            if not (isinstance(pair, tuple) and len(pair) == 2 and all(_is_number(value) for value in pair)):
                raise ValueError(f"`{name}` of a grid must be two numbers, row and column. Received {pair!r}.")
        if not isinstance(self.square, bool):
            raise ValueError(f"`square` of a grid must be true or false. Received {self.square!r}.")
        if not (_is_number(self.radius) and self.radius > 0):
            raise ValueError(f"`radius` of a grid must be above 0. Received {self.radius!r}.")
        if not (_is_number(self.quality) and 0 <= self.quality <= 1):
            raise ValueError(f"`quality` of a grid must be 0 to 1. Received {self.quality!r}.")
        if self.down[0] <= abs(self.down[1]) or self.right[1] <= abs(self.right[0]):
            raise ValueError(
                f"`down` and `right` of a grid must lead down and right. Received {self.down} and {self.right}."
            )

    @property
    def names(self) -> tuple[str, ...]:
        """r1c1, r1c2 …, row by row."""
        return tuple(f"r{row}c{column}" for row in range(1, self.rows + 1) for column in range(1, self.columns + 1))

    @property
    def angle(self) -> float:
        """By how many degrees the rows are turned; above 0 lowers their right ends."""
        return math.degrees(math.atan2(self.right[0], self.right[1]))

    def centres(self) -> np.ndarray:
        """(row, column) of every pool's middle in the first frame, row by row, px, float `[pools, 2]`."""
        steps = (np.array(pair) for pair in (self.first, self.down, self.right))
        return Lattice(*steps, self.rows, self.columns).places()

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, from which `from_dict` makes the same grid."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Grid:
        """The grid that `to_dict` told of.

        Raises:
            ValueError: a value is missing, unknown, or makes no grid.
        """
        names = {field.name for field in fields(cls)}
        if not isinstance(values, Mapping) or set(values) != names:
            received = sorted(map(str, values)) if isinstance(values, Mapping) else values
            raise ValueError(f"A grid must have {', '.join(sorted(names))}. Received {received!r}.")
        return cls(**{name: tuple(value) if isinstance(value, list) else value for name, value in values.items()})


def parse_grid(text: str) -> tuple[int, int] | None:
    """Rows and columns of “4x4” or “4×4”; none for “none”, a film of one pool.

    Raises:
        ValueError: for other words.
    """
    if text.strip().lower() == "none":
        return None
    match = _WORDS.fullmatch(text)
    rows, columns = (int(count) for count in match.groups()) if match else (0, 0)
    if not (1 <= rows <= MOST and 1 <= columns <= MOST):
        raise ValueError(f"A grid must be rows x columns of 1 to {MOST} each, such as 4x4, or none. Received {text!r}.")
    return rows, columns


def even_grid(shape: tuple[int, int], rows: int, columns: int) -> Grid:
    """Equal tiles of the whole frame, for a grid that is given. Patches are as large as the tile's shorter side.

    Args:
        shape: height and width of a frame, px.
        rows: of pools.
        columns: of pools.

    Raises:
        ValueError: where a tile would have fewer than two pixels a side, or the grid too many rows or columns.
    """
    down, right = shape[0] / max(rows, 1), shape[1] / max(columns, 1)
    shorter = min(down, right)
    if shorter < 2:
        raise ValueError(f"A frame of {shape[0]}×{shape[1]} pixels has no room for {rows}×{columns} pools.")
    first = ((down - 1) / 2, (right - 1) / 2)
    return Grid(rows, columns, first, (down, 0.0), (0.0, right), even(shorter), shorter / 2, square=True)


def even(length: float) -> int:
    """The largest even number of pixels in `length`, at least 2."""
    return max(2, 2 * int(length / 2 + 1e-9))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _whole(value: object, name: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"`{name}` of a grid must be a whole number. Received {value!r}.")
    return value
