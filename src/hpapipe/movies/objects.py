"""From a raw mask to the pieces of its objects: specks dropped, holes filled, lobes told apart; and which are cells."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple

import numpy as np
from scipy.ndimage import binary_fill_holes, find_objects, label

from hpapipe.movies.lobes import depths, lobes

Holes = Literal["fill", "keep"] | float
"""What to do with holes: fill all, keep all, or fill those smaller than this share of their object."""

ROUND = 1.8
"""A round piece is at most so many times the largest disc inside it."""

MOST_PIECES = 200
"""More of them say nothing of cells; the largest objects come first."""


class Piece(NamedTuple):
    """A lobe of an object, or all of it where it has one lobe only.

    Args:
        number: its value in the image of pieces, from 1.
        body: number of the connected object that it is part of, from 1.
        area: px.
        row: of its centre of mass, px.
        column: of its centre of mass, px.
        radius: of the largest disc inside it, px.
    """

    number: int
    body: int
    area: int
    row: float
    column: float
    radius: float

    @property
    def is_round(self) -> bool:
        """Whether it is near a disc."""
        return self.area <= ROUND * math.pi * self.radius**2

    def away(self, row: float, column: float) -> float:
        """Distance of its centre from a place, px."""
        return math.hypot(self.row - row, self.column - column)


class Rule(NamedTuple):
    """Which pieces are cells.

    Args:
        rank: a piece and the patch's middle (row, column) -> a number, lowest for what is a cell first.
        follows: in later frames a single cell is where it was before, whatever its rank; two cells always are.
        joins: objects that are neither cell nor bubble count as part of the nearest cell.
    """

    rank: Callable[[Piece, tuple[float, float]], float]
    follows: bool
    joins: bool


def _by_area(piece: Piece, middle: tuple[float, float]) -> float:
    return -piece.area


def _by_place(piece: Piece, middle: tuple[float, float]) -> float:
    return piece.away(*middle)


OBJECTS: Mapping[str, Rule] = {
    "largest": Rule(_by_area, follows=False, joins=False),
    "nearest": Rule(_by_place, follows=True, joins=False),
    "all": Rule(_by_area, follows=False, joins=True),
}
"""`largest`: the largest of each frame. `nearest`: the nearest to the patch's middle at first, then what overlaps most
with where the cell was. `all`: everything but bubbles."""


def pieces(mask: np.ndarray, min_area: float = 0.002, holes: Holes = "fill") -> tuple[np.ndarray, list[Piece]]:
    """The pieces of a mask as numbers, uint8 `[height, width]` (0 outside), and what is known of each.

    Args:
        mask: bool `[height, width]`.
        min_area: an object of a smaller share of the mask's pixels is a speck, and is left out.
        holes: which holes to fill.
    """
    least = max(min_area * mask.size, 1)
    numbers, found = np.zeros(mask.shape, np.uint8), list[Piece]()
    for body, (window, own) in enumerate(_objects(_filled(mask, holes), least)[:MOST_PIECES], 1):
        parts = lobes(own, least)
        for part in range(1, int(parts.max()) + 1):
            if len(found) < MOST_PIECES:
                numbers[window][parts == part] = len(found) + 1
                found.append(measured(numbers == len(found) + 1, len(found) + 1, body))
    return numbers, found


def measured(own: np.ndarray, number: int, body: int) -> Piece:
    """What is known of one piece.

    Args:
        own: bool `[height, width]`, True in it; not empty.
        number: as in `Piece`.
        body: as in `Piece`.
    """
    rows, columns = np.nonzero(own)
    window = slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1)
    radius = float(depths(own[window]).max())
    return Piece(number, body, len(rows), float(rows.mean()), float(columns.mean()), radius)


def _objects(mask: np.ndarray, least: float) -> list[tuple[tuple[slice, slice], np.ndarray]]:
    """Where each connected object of enough pixels lies, and itself, bool; the largest first."""
    numbers, _ = label(mask)
    sizes = np.bincount(numbers.ravel())
    places = find_objects(numbers)
    ordered = np.argsort(-sizes[1:], kind="stable").tolist()
    windows = [(place + 1, *places[place]) for place in ordered if sizes[place + 1] >= least]
    return [((rows, columns), numbers[rows, columns] == number) for number, rows, columns in windows]


def _filled(mask: np.ndarray, holes: Holes) -> np.ndarray:
    """`mask` with the holes filled that should be."""
    if holes == "keep":
        return mask
    full = binary_fill_holes(mask)
    if holes == "fill":
        return full
    gaps, count = label(full & ~mask)
    bodies, _ = label(full)
    owners = np.zeros(count + 1, np.int64)
    owners[gaps.ravel()] = bodies.ravel()
    open_gaps = np.bincount(gaps.ravel(), minlength=count + 1) >= holes * np.bincount(bodies.ravel())[owners]
    open_gaps[0] = False
    return full & ~open_gaps[gaps]
