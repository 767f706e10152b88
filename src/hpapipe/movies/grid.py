"""The grid of pools in a movie: found in its first frame, or given as rows × columns."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from hpapipe.errors import UserError
from hpapipe.movies.lattice import Lattice
from hpapipe.movies.wells import MOST, look

DOUBTFUL = 0.8
"""Quality of a found grid below which somebody should look at it."""
_ROOM = 2.4  # radii that a patch's side has at most
_MANY = 400  # shapes that noise makes


@dataclass(frozen=True)
class Grid:
    """Equal pools in rows and columns. Places are (row, column) in pixels of the movie's first frame.

    Args:
        rows: of pools.
        columns: of pools.
        first: middle of the top left pool.
        down: step to the pool below.
        right: step to the next pool of the row; it tells how the grid is turned.
        size: height and width of the patch that is cut out for a pool, px.
        radius: of a pool's floor, or half the side of a square one, px; where walls are rings, of the stronger of
            their two edges. None for pools that were given, not found: nobody saw their walls.
        square: square pools, else round ones.
        quality: share of the pools' outlines where the frame has an edge, 0 to 1; none as for `radius`.

    Raises:
        ValueError: for values that make no grid.
    """

    rows: int
    columns: int
    first: tuple[float, float]
    down: tuple[float, float]
    right: tuple[float, float]
    size: tuple[int, int]
    radius: float | None = None
    square: bool = True
    quality: float | None = None

    def __post_init__(self) -> None:
        for name in ("rows", "columns"):
            if not 1 <= getattr(self, name) <= MOST:
                raise ValueError(f"`{name}` of a grid must be 1 to {MOST}. Received {getattr(self, name)!r}.")
        if min(self.size) < 2:
            raise ValueError(f"`size` of a grid must be 2 pixels or more. Received {self.size!r}.")
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
        first, down, right = (np.array(pair, float) for pair in (self.first, self.down, self.right))
        return Lattice(first, down, right, self.rows, self.columns).places()


def even_grid(shape: tuple[int, int], rows: int, columns: int) -> Grid:
    """Equal tiles of the whole frame, for a grid that is given. Patches are squares in the middle of their tiles, as
    high and wide as the shorter side of these.

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
    return Grid(rows, columns, first, (down, 0.0), (0.0, right), (_even(shorter), _even(shorter)))


def whole_frame(shape: tuple[int, int]) -> Grid:
    """The frame as one pool, all of it.

    Args:
        shape: height and width of a frame, px.

    Raises:
        ValueError: where a side has fewer than two pixels.
    """
    height, width = shape
    return Grid(1, 1, ((height - 1) / 2, (width - 1) / 2), (height, 0.0), (0.0, width), (height, width))


def find_grid(frame: np.ndarray, name: str = "the first frame") -> Grid:
    """The grid of round or square pools that a frame shows; how it is found, `wells.look` tells.

    Args:
        frame: uint8 or uint16 `[height, width]`.
        name: of the frame in messages, such as “frame 1 of x.tif”.

    Raises:
        UserError: no three or more pools in rows and columns are to be seen.
    """
    wells, seen = look(frame)
    if wells is None or max(wells.lattice.rows, wells.lattice.columns) > MOST:
        few = 3 <= seen <= _MANY
        received = (
            f"{seen} shapes that lie in no rows and columns in {name}" if few else f"no regular pattern in {name}"
        )
        remedy = "Give its rows x columns, such as `--movie.grid 4x4`, or `--movie.grid none` for a film of one pool."
        raise UserError("A movie must show a grid of pools.", received, remedy)
    lattice, radius = wells.lattice, float(wells.outline.radius)
    turn = math.atan2(lattice.right[0], lattice.right[1])
    whole = 2 * radius * (math.cos(turn) + abs(math.sin(turn)) if wells.outline.square else 1)
    side = max(_even(min(math.hypot(*lattice.down), math.hypot(*lattice.right), _ROOM * radius)), _even(whole + 2))
    first, down, right = ((float(pair[0]), float(pair[1])) for pair in lattice[:3])
    quality = round(wells.quality, 4)
    return Grid(lattice.rows, lattice.columns, first, down, right, (side, side), radius, wells.outline.square, quality)


def _even(length: float) -> int:
    """The largest even number of pixels in `length`, at least 2."""
    return max(2, 2 * int(length / 2 + 1e-9))
