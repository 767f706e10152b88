"""The cells of a pool, kept in few bytes."""

from __future__ import annotations

import math
import sys

from hpapipe.movies.course import Course
from hpapipe.movies.following import Cell

ONE, TWO = Cell(1, 120, 10.5, 20.25, False, 7), Cell(2, 3_000_000_000, 0.1, 1e-3, True, 0)


def test_cells_come_back_as_they_were() -> None:
    """Frames of none, one and two cells, by place, from the end, in parts and in turn; numbers keep their types."""
    course = Course()
    for cells in ((), (ONE,), (ONE, TWO)):
        course.append(cells)
    assert list(course) == [(), (ONE,), (ONE, TWO)]
    assert course[-1] == (ONE, TWO)
    assert course[1:] == [(ONE,), (ONE, TWO)]
    assert [type(value) for value in course[2][1]] == [int, int, float, float, bool, int]


def test_a_cell_that_was_not_found_stays_so() -> None:
    """Its place is nan."""
    course = Course()
    course.append((Cell(1, 0, math.nan, math.nan, False, 0),))
    assert math.isnan(course[0][0].row)
    assert course[0][0].area_px == 0


def test_a_long_film_takes_little() -> None:
    """Fewer than 72 bytes a frame with one cell: six numbers, an end, and room to grow."""
    course = Course()
    for _ in range(10_000):
        course.append((ONE,))
    assert sum(sys.getsizeof(kept) for kept in vars(course).values()) < 72 * 10_000
