"""The cells of a pool in all frames of a film, however long it is."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import overload

from hpapipe.movies.following import Cell


class Course(Sequence[tuple[Cell, ...]]):
    """The cells of each frame of a pool, in six numbers each: a film may be long, and a tuple is ten times as large."""

    def __init__(self) -> None:
        self._numbers, self._ends = array("d"), array("L")

    def append(self, cells: Sequence[Cell]) -> None:
        """Add the cells of the next frame."""
        for cell in cells:
            self._numbers.extend(cell)
        self._ends.append(len(self._numbers))

    def __len__(self) -> int:
        return len(self._ends)

    @overload
    def __getitem__(self, frame: int) -> tuple[Cell, ...]: ...

    @overload
    def __getitem__(self, frame: slice) -> list[tuple[Cell, ...]]: ...

    def __getitem__(self, frame: int | slice) -> tuple[Cell, ...] | list[tuple[Cell, ...]]:
        if isinstance(frame, slice):
            return [self[place] for place in range(*frame.indices(len(self)))]
        place = range(len(self))[frame]
        first, end = self._ends[place - 1] if place else 0, self._ends[place]
        width = len(Cell._fields)
        return tuple(_cell(self._numbers[start : start + width]) for start in range(first, end, width))


def _cell(numbers: Sequence[float]) -> Cell:
    number, area, row, column, touches, bubble = numbers
    return Cell(int(number), int(area), row, column, bool(touches), int(bubble))
