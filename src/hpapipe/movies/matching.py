"""Which pieces of a frame are the cells of the frames before, which are bubbles, and which are neither."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.ndimage import distance_transform_edt
from scipy.optimize import linear_sum_assignment

from hpapipe.movies.objects import Piece

BUBBLE = 3
"""Value of bubbles in labels; 1 and 2 are cells, 0 is anything else."""

OTHER = 4
"""Value of what is neither cell nor bubble in what is remembered of the frames before."""

LOBE = 5
"""Value, in what is remembered, of a lobe that a cell had from the start: part of it, as bubbles come late."""

BULGE = 0.5
"""A lobe joined to a cell by a neck is a bubble below this share of the cell's area; else it is part of the cell."""

ALIKE, ALIKE_LEAVING = 0.15, 0.6
"""Least area of a second cell as a share of the first: where it lies apart, and where it has left the first."""

NEAR, NEAR_SHARE = 3.0, 0.2
"""What appears this near to a cell or a bubble has left it: pixels, or a share of the cell's radius if that is more."""

FARTHEST = 1.0
"""A cell that does not overlap with itself has moved by at most this share of its radius."""

SHRUNK = 0.1
"""A cell does not shrink to less than this share from one frame to the next: such a thing is a speck."""


@dataclass
class Seen:
    """A cell as it was last seen, and in how many frames since it was not."""

    area: int
    row: float
    column: float
    missed: int = 0

    @property
    def radius(self) -> float:
        """Of the disc of its area, px."""
        return math.sqrt(self.area / math.pi)

    def shrinks_to(self, area: int) -> bool:
        """Whether it would have shrunk to `area` faster than cells do."""
        return area * (1 + self.missed) < SHRUNK * self.area


@dataclass(frozen=True, eq=False)
class Sight:
    """The pieces of one frame beside what is remembered of the frames before.

    Args:
        numbers: of the pieces, uint8 `[height, width]`.
        pieces: in the order of their numbers.
        last: cells, `BUBBLE`, `OTHER` and `LOBE` where each was last seen, uint8 `[height, width]`.
    """

    numbers: np.ndarray
    pieces: Sequence[Piece]
    last: np.ndarray

    @cached_property
    def _shared(self) -> np.ndarray:
        """Pixels that each piece shares with each value of `last`, int64 `[pieces + 1, 6]`."""
        values = LOBE + 1
        pairs = self.numbers.astype(np.int64) * values + self.last
        return np.bincount(pairs.ravel(), minlength=(len(self.pieces) + 1) * values).reshape(-1, values)

    @cached_property
    def _way(self) -> np.ndarray:
        """Distance from where cells and bubbles were, px, float `[height, width]`."""
        was = (self.last > 0) & (self.last != OTHER)
        return distance_transform_edt(~was) if was.any() else np.full(self.last.shape, np.inf)

    def shared(self, piece: Piece, value: int) -> int:
        """Pixels that a piece has where `value` was last seen."""
        return int(self._shared[piece.number, value])

    def size(self, value: int) -> int:
        """Pixels in which `value` was last seen."""
        return int(self._shared[:, value].sum())

    def was(self, piece: Piece, value: int) -> bool:
        """Whether most of what a piece covers of what was something was `value`."""
        return 2 * self.shared(piece, value) > self._shared[piece.number, 1:].sum()

    def leaves(self, piece: Piece, radius: float) -> bool:
        """Whether a piece lies where cells or bubbles were, or beside them; `radius` is the cell's, px."""
        reach = max(NEAR, NEAR_SHARE * radius)
        return not self.was(piece, OTHER) and bool(self._way[self.numbers == piece.number].min() <= reach)


def matched(sight: Sight, candidates: Sequence[Piece], seen: Mapping[int, Seen]) -> dict[int, Piece]:
    """Cell's number -> its piece, for the cells that are found again.

    Each pair of cell and piece is worth their IoU less a tenth of the way between them in radii of the cell; the pairs
    worth most together are taken.

    Args:
        sight: the frame.
        candidates: pieces that may be cells.
        seen: cell's number -> as it was last seen.

    Source: Kuhn, "The Hungarian method for the assignment problem", 1955.
    """
    worth = np.full((len(seen), len(candidates)), -np.inf)
    for row, (number, cell) in enumerate(seen.items()):
        for column, piece in enumerate(candidates):
            common = sight.shared(piece, number)
            way = piece.away(cell.row, cell.column) / cell.radius
            near = common > 0 or way <= FARTHEST * (1 + cell.missed)
            if near and not cell.shrinks_to(piece.area) and not sight.was(piece, BUBBLE):
                worth[row, column] = common / (piece.area + sight.size(number) - common) - min(way, 5) / 10
    possible = np.isfinite(worth)
    rows, columns = linear_sum_assignment(np.where(possible, worth, -10), maximize=True)
    numbers = list(seen)
    return {
        numbers[row]: candidates[column]
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True)
        if possible[row, column]
    }


def second(sight: Sight, ranked: Sequence[Piece], first: Piece, begins: bool) -> Piece | None:
    """What may be a second cell beside the `first`: the foremost round piece that is neither speck nor bubble.

    A bubble is smaller than the cell that it leaves, starts on its rim, and comes late: what leaves the first cell must
    be nearly as large to be a second one.

    Args:
        sight: the frame.
        ranked: pieces, the foremost first.
        first: the cell that is known.
        begins: this is the first frame that shows any cell.
    """
    for rival in ranked:
        if rival is not first and rival.is_round and not sight.was(rival, BUBBLE):
            leaves = rival.body == first.body or (not begins and sight.leaves(rival, first.radius))
            if rival.area >= (ALIKE_LEAVING if leaves else ALIKE) * first.area:
                return rival
    return None


def roles(sight: Sight, cells: Mapping[int, Piece], begins: bool) -> np.ndarray:
    """What each piece is: a cell's number, `BUBBLE`, `OTHER` or `LOBE`, uint8 `[pieces + 1]`.

    Args:
        sight: the frame.
        cells: number -> piece.
        begins: this is the first frame that shows any cell.
    """
    roles = np.zeros(len(sight.pieces) + 1, np.uint8)
    for number, piece in cells.items():
        roles[piece.number] = number
    for piece in sight.pieces:
        if not roles[piece.number]:
            joined = {number: cell for number, cell in cells.items() if cell.body == piece.body}
            lobe = _lobe(sight, piece, joined, begins) if joined else None
            roles[piece.number] = _loose(sight, piece, cells, begins) if lobe is None else lobe
    return roles


def _lobe(sight: Sight, piece: Piece, cells: Mapping[int, Piece], begins: bool) -> int:
    """The role of a piece that is joined to one or two cells."""
    if begins or sight.was(piece, LOBE):
        return LOBE
    if sight.was(piece, OTHER) or sight.was(piece, BUBBLE):
        return OTHER if sight.was(piece, OTHER) else BUBBLE
    owner = _nearest(sight, piece, cells)
    return BUBBLE if piece.is_round and piece.area < BULGE * cells[owner].area else owner


def _loose(sight: Sight, piece: Piece, cells: Mapping[int, Piece], begins: bool) -> int:
    """The role of a piece that is joined to no cell."""
    largest = max((cell.area for cell in cells.values()), default=0)
    if sight.was(piece, BUBBLE):
        return BUBBLE
    if begins or not cells or piece.area >= largest:
        return OTHER
    return BUBBLE if sight.leaves(piece, math.sqrt(largest / math.pi)) else OTHER


def _nearest(sight: Sight, piece: Piece, cells: Mapping[int, Piece]) -> int:
    """The cell whose pixels come nearest to those of `piece`."""
    if len(cells) == 1:
        return next(iter(cells))
    own = sight.numbers == piece.number
    ways = {
        number: float(distance_transform_edt(sight.numbers != cell.number)[own].min()) for number, cell in cells.items()
    }
    return min(ways, key=lambda number: ways[number])
