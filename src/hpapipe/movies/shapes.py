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
_MOST = 5000


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
    views = [picture, edges]
    views += [picture - gaussian_filter(picture, share * max(picture.shape)) for share in (0.04, 0.1)]
    for view in (sign * each for each in views for sign in (1, -1)):
        for width in (3, 9):
            # Bridges narrower than this break: gaps in a wall, and pools that touch.
            opened = maximum_filter(minimum_filter(view, width), width)
            low, high = np.percentile(opened, (2, 98))
            yield from (opened > level for level in np.linspace(low, high, _LEVELS + 2)[1:-1])


def _groups(mask: np.ndarray) -> Iterator[Shapes]:
    """Groups of the shapes of one mask, their holes filled."""
    shapes, count = label(_filled(mask))
    if not 3 <= count <= _MOST:
        return
    areas = np.bincount(shapes.ravel(), minlength=count + 1)
    kept = [
        (*_middle(shapes[box] == number, box), areas[number])
        for number, box in enumerate(find_objects(shapes), start=1)
        if _could_be(box, int(areas[number]), mask.shape)
    ]
    if len(kept) >= 3:
        found = np.array(kept, float)
        yield from _alike(found[:, :2], found[:, 2])


def _filled(mask: np.ndarray) -> np.ndarray:
    """The mask with its holes filled: ground that does not reach the rim is hole."""
    ground, count = label(~mask)
    reaches = np.zeros(count + 1, bool)
    for rim in (ground[0], ground[-1], ground[:, 0], ground[:, -1]):
        reaches[rim] = True
    reaches[0] = False
    return np.asarray(~reaches[ground])


def _could_be(box: tuple[slice, ...], area: int, shape: tuple[int, ...]) -> bool:
    """Whether a shape is clear of the rim, about as wide as high, fills its box, and leaves room for two more."""
    high, wide = (side.stop - side.start for side in box)
    clear = all(side.start > 0 and side.stop < whole for side, whole in zip(box, shape, strict=True))
    fits = min(high, wide) >= LEAST and max(high, wide) <= 1.25 * min(high, wide)
    return clear and fits and area >= 0.66 * high * wide and 3 * area <= shape[0] * shape[1]


def _middle(own: np.ndarray, box: tuple[slice, ...]) -> tuple[float, float]:
    down, right = own.sum(axis=1), own.sum(axis=0)
    area = down.sum()
    row, column = np.arange(len(down)) @ down / area, np.arange(len(right)) @ right / area
    return box[0].start + float(row), box[1].start + float(column)


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
