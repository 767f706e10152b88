"""The cells of one pool from frame to frame, with numbers that stay, and the bubbles that leave them."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from scipy.ndimage import binary_erosion, distance_transform_edt

from hpapipe.movies.cell_count import Cells, Count
from hpapipe.movies.lobes import by_seeds
from hpapipe.movies.matching import BUBBLE, LOBE, OTHER, Seen, Sight, matched, roles, second
from hpapipe.movies.objects import OBJECTS, Holes, Piece, measured, pieces

Bubbles = Literal["apart", "joined"]

MERGED = 0.5
"""A piece that covers this share of where each of two cells was holds both of them."""


class Cell(NamedTuple):
    """One cell in one frame; where it was not found, `area_px` is 0 and its place nan.

    Args:
        number: 1 or 2, the same in all frames.
        area_px: without its bubbles, unless they are joined.
        row: of its centre of mass, px.
        column: of its centre of mass, px.
        touches_rim: it reaches the pool's wall or the end of the patch or the frame, so that some of it may be hidden.
        bubble_px: area of the bubbles that are nearest to it, on it or apart.
    """

    number: int
    area_px: int
    row: float
    column: float
    touches_rim: bool
    bubble_px: int


class Found(NamedTuple):
    """What one frame of one pool holds.

    Args:
        labels: uint8 `[height, width]`: 1 and 2 are cells, `BUBBLE` is bubbles, 0 anything else.
        cells: one for each number that the pool has, found or not.
    """

    labels: np.ndarray
    cells: tuple[Cell, ...]

    @property
    def is_empty(self) -> bool:
        """Whether no cell was found."""
        return not any(cell.area_px for cell in self.cells)


class Follower:
    """Follows the cells of one pool. It remembers one mask and a few numbers, however long the movie is.

    Cells are numbered from left to right where they are first seen; one that is recognized as a cell later is 2.
    Whether there are one or two, `auto` decides by evidence that gathers over frames; `count` is the verdict so far.

    Bubbles are round lobes on a cell, joined to it by a neck and smaller than half of it, and objects that appear
    beside a cell or a bubble after the first frame. What was a bubble stays one. A lobe that a cell has from the start
    is part of it. Other objects are left out.

    Args:
        rule: of `OBJECTS`.
        cells: how many the pool holds.
        min_area: an object of a smaller share of the patch is a speck.
        holes: `fill`, `keep`, or fill those below this share of their object.
        bubbles: keep them apart, or count them as part of their cell.
        inside: bool `[height, width]`, True within the pool's wall; none: all of the patch.
    """

    def __init__(
        self,
        rule: str = "largest",
        cells: Cells = "auto",
        min_area: float = 0.002,
        holes: Holes = "fill",
        bubbles: Bubbles = "apart",
        inside: np.ndarray | None = None,
    ) -> None:
        self._rule = OBJECTS[rule]
        self._min_area, self._holes, self._joined = min_area, holes, bubbles == "joined"
        self._inside, self._rim = inside, np.zeros((0, 0), bool)
        self._count = Count(cells)
        self._seen: dict[int, Seen] = {}
        self._last = np.zeros((0, 0), np.uint8)

    @property
    def count(self) -> int:
        """Cells that the pool holds, 1 or 2, as far as is known."""
        return self._count.cells

    def step(self, mask: np.ndarray, known: np.ndarray | None = None) -> Found:
        """What the next frame holds.

        Args:
            mask: bool `[height, width]`, of the same size in all frames.
            known: bool `[height, width]`, False beyond the frame; none: the frame shows all of the patch.
        """
        if not self._last.size:
            self._last = np.zeros(mask.shape, np.uint8)
        inside = np.ones(mask.shape, bool) if self._inside is None else self._inside
        self._rim = ~binary_erosion(inside if known is None else inside & known)
        sight = self._apart(Sight(*pieces(mask, self._min_area, self._holes), self._last))
        begins = not self._seen
        ranked = self._ranked(sight)
        cells = self._cells(sight, ranked)
        if cells:
            one = next(iter(cells.values()))
            two = len(cells) == 2 if self.count == 2 else second(sight, ranked, one, begins) is not None
            if self._count.weigh(two):
                self._recount()
                sight = Sight(sight.numbers, sight.pieces, self._last)
                cells = self._cells(sight, ranked)
        found = roles(sight, cells, begins)[sight.numbers]
        self._remember(found)
        return self._told(found)

    def _apart(self, sight: Sight) -> Sight:
        """`sight`, with a piece that holds both cells cut where they were."""
        if len(self._seen) < 2:
            return sight
        for both in sight.pieces:
            if all(sight.shared(both, number) > MERGED * sight.size(number) for number in (1, 2)):
                parts = by_seeds(sight.numbers == both.number, [self._last == number for number in (1, 2)])
                if not all((parts == number).any() for number in (1, 2)):
                    break
                new = len(sight.pieces) + 1
                numbers = np.where(parts == 2, np.uint8(new), sight.numbers)
                changed = {number: measured(numbers == number, number, both.body) for number in (both.number, new)}
                found = [changed.get(piece.number, piece) for piece in sight.pieces]
                return Sight(numbers, [*found, changed[new]], self._last)
        return sight

    def _ranked(self, sight: Sight) -> list[Piece]:
        """The pieces, what is a cell first of all in front."""
        height, width = sight.last.shape
        return sorted(sight.pieces, key=lambda piece: self._rule.rank(piece, ((height - 1) / 2, (width - 1) / 2)))

    def _cells(self, sight: Sight, ranked: list[Piece]) -> dict[int, Piece]:
        """Number -> piece of the cells that are found."""
        if not self._seen:
            rival = second(sight, ranked, ranked[0], begins=True) if ranked and self.count == 2 else None
            first = ranked[:1] if rival is None else [ranked[0], rival]
            return dict(enumerate(sorted(first, key=lambda piece: (piece.column, piece.row)), 1))
        if self.count == 1 and not self._rule.follows:
            return dict(enumerate((best for best in ranked[:1] if not self._seen[1].shrinks_to(best.area)), 1))
        cells = matched(sight, ranked, self._seen)
        if self.count == 2 and len(self._seen) == 1 and 1 in cells:
            rival = second(sight, ranked, cells[1], begins=False)
            cells |= {2: rival} if rival is not None else {}
        return cells

    def _recount(self) -> None:
        """Forget the cell that was none where only one is left."""
        if self.count == 1 and self._seen:
            kept = max(self._seen, key=lambda number: (-self._seen[number].missed, self._seen[number].area))
            self._seen = {1: self._seen[kept]}
            values = np.array([0, OTHER, OTHER, BUBBLE, OTHER, LOBE], np.uint8)
            values[kept] = 1
            self._last = values[self._last]

    def _remember(self, found: np.ndarray) -> None:
        """Keep where everything is, and of what is missing where it was."""
        present = np.bincount(found.ravel(), minlength=LOBE + 1) > 0
        missing = (self._last > 0) & ~present[self._last]
        # A lobe that shows no neck for a while is still there, within its cell.
        self._last = np.where(missing & ((found == 0) | (self._last == LOBE)), self._last, found)
        for number in range(1, self.count + 1):
            if present[number]:
                rows, columns = np.nonzero(found == number)
                self._seen[number] = Seen(len(rows), float(rows.mean()), float(columns.mean()))
            elif number in self._seen:
                self._seen[number].missed += 1

    def _told(self, found: np.ndarray) -> Found:
        """Labels and numbers of what was found, bubbles joined to their cells where that is wanted."""
        owners = self._owners(found)
        belongs = (found == LOBE) | ((found == BUBBLE) & self._joined) | ((found == OTHER) & self._rule.joins)
        labels = np.where(belongs, owners, np.where(found == OTHER, np.uint8(0), found))
        bubbles = np.where(found == BUBBLE, owners, np.uint8(0))
        numbers = range(1, self.count + 1)
        cells = [_cell(number, labels == number, self._rim, bubbles == number) for number in numbers]
        return Found(labels, tuple(cells))

    def _owners(self, found: np.ndarray) -> np.ndarray:
        """Number of the cell nearest to each pixel, uint8 `[height, width]`; without a cell, of where it was."""
        for seen in (found, self._last):
            cells = (seen == 1) | (seen == 2)
            if cells.any():
                rows, columns = distance_transform_edt(~cells, return_distances=False, return_indices=True)
                return seen[rows, columns]
        return np.zeros_like(found)


def _cell(number: int, own: np.ndarray, rim: np.ndarray, bubbles: np.ndarray) -> Cell:
    rows, columns = np.nonzero(own)
    row, column = (float(rows.mean()), float(columns.mean())) if len(rows) else (float("nan"), float("nan"))
    return Cell(number, len(rows), row, column, bool((own & rim).any()), int(np.count_nonzero(bubbles)))
