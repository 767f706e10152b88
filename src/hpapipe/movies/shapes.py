"""Shapes in a picture that could be pools: as wide as high, filled, clear of the picture's rim, and alike in size."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from scipy.ndimage import (
    find_objects,
    gaussian_filter,
    gaussian_gradient_magnitude,
    label,
    maximum_filter,
    minimum_filter,
)

LEAST = 10
"""Pixels that a shape's side has at least."""
ALIKE = 1.3
"""How many times as wide as the smallest the widest of a group of shapes may be."""
_LEVELS = 10
_MOST = 2000


class Shapes(NamedTuple):
    """A group of shapes that one mask shows. `centres`: (row, column), px, float `[shapes, 2]`. `area`: median, px."""

    centres: np.ndarray
    area: float


def groups(picture: np.ndarray) -> Iterator[Shapes]:
    """Groups of three or more shapes, from many masks of the picture: whatever is brighter or darker than a level, or
    than its surroundings, or has more or less of an edge.

    Args:
        picture: float `[height, width]`, smooth enough that noise makes no shapes.
    """
    for mask in _masks(picture):
        yield from _groups(mask)


def _masks(picture: np.ndarray) -> Iterator[np.ndarray]:
    edges = gaussian_gradient_magnitude(picture, 1.0)
    views = [picture, -picture, edges, -edges]
    views += [
        sign * (picture - gaussian_filter(picture, share * max(picture.shape)))
        for share in (0.04, 0.1)
        for sign in (1, -1)
    ]
    for view in views:
        for width in (3, 9):
            # Bridges narrower than this break: gaps in a wall, and pools that touch.
            opened = maximum_filter(minimum_filter(view, width), width)
            low, high = np.percentile(opened, (2, 98))
            for level in np.linspace(low, high, _LEVELS + 2)[1:-1]:
                yield opened > level


def _groups(mask: np.ndarray) -> Iterator[Shapes]:
    """Shapes of one mask, their holes filled."""
    ground, count = label(~mask)
    open_ground = np.zeros(count + 1, bool)
    for rim in (ground[0], ground[-1], ground[:, 0], ground[:, -1]):
        open_ground[rim] = True
    open_ground[0] = False
    shapes, count = label(~open_ground[ground])
    if not 3 <= count <= _MOST * 10:
        return
    boxes = find_objects(shapes)
    areas = np.bincount(shapes.ravel(), minlength=count + 1)[1:]
    height, width = mask.shape
    kept, centres = [], []
    for number, (rows, columns) in enumerate(boxes):
        high, wide = rows.stop - rows.start, columns.stop - columns.start
        inside = rows.start > 0 and columns.start > 0 and rows.stop < height and columns.stop < width
        fits = inside and min(high, wide) >= LEAST and max(high, wide) <= 1.25 * min(high, wide)
        if fits and areas[number] >= 0.66 * high * wide and 3 * areas[number] <= mask.size:
            own = shapes[rows, columns] == number + 1
            down, right = own.sum(axis=1), own.sum(axis=0)
            centres.append(
                (
                    rows.start + np.arange(high) @ down / areas[number],
                    columns.start + np.arange(wide) @ right / areas[number],
                )
            )
            kept.append(areas[number])
    if 3 <= len(kept) <= _MOST:
        yield from _alike(np.array(centres), np.array(kept, float))


def _alike(centres: np.ndarray, areas: np.ndarray) -> Iterator[Shapes]:
    """The largest groups of shapes of one size, at most three, none with a shape of another."""
    order = np.argsort(areas, kind="stable")
    centres, areas = centres[order], areas[order]
    for _ in range(3):
        ends = np.searchsorted(areas, areas * ALIKE**2, side="right")
        counts = ends - np.arange(len(areas))
        if not len(areas) or counts.max() < 3:
            return
        start = int(counts.argmax())
        group = slice(start, int(ends[start]))
        yield Shapes(centres[group], float(np.median(areas[group])))
        centres, areas = np.delete(centres, group, axis=0), np.delete(areas, group)
