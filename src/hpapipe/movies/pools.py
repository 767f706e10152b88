"""Each pool of a frame cut out as a patch, what surrounds it filled with one grey."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from scipy.ndimage import binary_dilation, gaussian_filter, label

from hpapipe.movies.grid import Grid

_WITHIN = 0.15  # of the radius inside the wall, where no flood comes unless it leaks
_AROUND = 0.75  # of height and width: the radii of an ellipse in which the whole patch lies
_MIDDLE = 0.6  # of that radius: the patch's middle, where no flood comes unless it leaks
_LEAKED = 0.02  # share of what lies within that may be flooded
_LEFT_OPEN = 0.5  # share of what lies beyond the wall that a flood covers at least
_SEAM = 0.04  # of the radius: the blurred foot of a wall, filled with it
_SOFT = 0.04  # of the radius: the width of the disc's soft rim
_CORNER = 0.15  # of half a square's side: how far its corners are rounded
_BOTH = np.ones((3, 3), bool)


class Patch(NamedTuple):
    """A pool in its patch.

    `seen`: whether walls are known. `image`: as in the frame, float32 `[height, width]`. `known`: False beyond the
    frame's rim, bool `[height, width]`. `inside`: how far inside the wall each pixel lies, in radii, float32 `[height,
    width]`: 1 in the middle, 0 on the wall, less beyond it. `radius`: px. `top`: the brightest that a pixel can be.
    """

    seen: bool
    image: np.ndarray
    known: np.ndarray
    inside: np.ndarray
    radius: float
    top: float


def no_fill(patch: Patch) -> np.ndarray:
    """Nothing but what lies beyond the frame is filled."""
    return np.where(patch.known, np.float32(0), np.float32(1))


def flood(patch: Patch) -> np.ndarray:
    """The dark ground that is connected to the patch's rim, and what it cuts off from the pool.

    Dark is below the grey that parts the patch's greys best in two.

    Source: Otsu, "A threshold selection method from gray-level histograms", 1979.
    """
    smooth = gaussian_filter(patch.image, 1.0)
    dark = (smooth < otsu(smooth[patch.known])) | ~patch.known
    ground, _ = label(dark)
    rim = np.zeros(dark.shape, bool)
    rim[[0, -1]] = rim[:, [0, -1]] = True
    flooded = np.isin(ground, np.unique(ground[rim & dark]))
    rest, count = label(~flooded)
    if count > 1:  # of the islands, the largest by how much of it lies well within the walls is the pool
        flooded = rest != 1 + np.argmax(np.bincount(rest.ravel(), patch.inside.ravel() > 0.3, count + 1)[1:])
    seam = round(_SEAM * patch.radius)
    if seam and flooded.any():
        flooded = binary_dilation(flooded, _BOTH, iterations=seam)
    return np.where(flooded | ~patch.known, np.float32(1), np.float32(0))


def disc(patch: Patch) -> np.ndarray:
    """All that lies beyond the pool's radius, disc or square; from floor to fill there is a soft rim."""
    share = np.clip(1 - patch.inside / _SOFT, 0, 1)
    return np.where(patch.known, share, np.float32(1)).astype(np.float32)


def auto(patch: Patch) -> np.ndarray:
    """The flood, or the disc where the flood is implausible by the pool's own place and radius."""
    flooded = flood(patch)
    within = (patch.inside > (_WITHIN if patch.seen else _MIDDLE)) & patch.known
    beyond = (patch.inside < -0.1) & patch.known
    leaked = not within.any() or flooded[within].mean() > _LEAKED
    left_open = beyond.any() and flooded[beyond].mean() < _LEFT_OPEN
    return disc(patch) if leaked or left_open else flooded


FILLS: dict[str, Callable[[Patch], np.ndarray]] = {"auto": auto, "flood": flood, "disc": disc, "none": no_fill}
"""Name of a fill -> what share of each pixel is filled, float32 `[height, width]`."""


def place(grid: Grid, drift: np.ndarray | Sequence[float]) -> np.ndarray:
    """(row, column) of each patch's top left pixel in the frame, int `[pools, 2]`; it may lie outside.

    Args:
        grid: of pools.
        drift: of the stage in this frame, (row, column), px.
    """
    return np.rint(_centres(grid, drift) - (np.array(grid.size) - 1) / 2).astype(int)


def cut(frame: np.ndarray, grid: Grid, drift: np.ndarray | Sequence[float], fill: str) -> np.ndarray:
    """A patch for each pool, of the frame's own type, `[pools, height, width]`.

    Filled pixels have the mean grey of those of the patch that are not. Pixels beyond the frame are always filled.

    Args:
        frame: uint8 or uint16 `[height, width]`.
        grid: of pools.
        drift: of the stage in this frame, (row, column), px.
        fill: a name in `FILLS`.

    Raises:
        ValueError: an unknown fill.
    """
    if fill not in FILLS:
        raise ValueError(f"A fill must be {', '.join(FILLS)}. {fill!r}")
    filled = [_filled(patch, FILLS[fill](patch)) for patch in _patches(frame, grid, drift)]
    return np.stack(filled).astype(frame.dtype)


def floor(grid: Grid) -> np.ndarray:
    """True within a pool's wall, bool `[height, width]`; everywhere for a given grid, whose walls nobody saw."""
    if grid.radius is None:
        return np.ones(grid.size, bool)
    middle = (np.array(grid.size) - 1) / 2
    return _inside(grid, _way(np.zeros(2), grid.size, middle)) >= 0


def overlap(
    corner: np.ndarray | Sequence[int], size: tuple[int, int], shape: tuple[int, ...]
) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """The part of the frame that a patch shows, and the part of the patch that shows it.

    Args:
        corner: (row, column) of the patch's top left pixel, of `place`.
        size: height and width of the patch, px.
        shape: height and width of the frame, px.
    """
    low = np.clip(corner, 0, shape)
    high = np.clip(np.add(corner, size), 0, shape)
    part = slice(int(low[0]), int(high[0])), slice(int(low[1]), int(high[1]))
    low, high = low - corner, high - corner
    return part, (slice(int(low[0]), int(high[0])), slice(int(low[1]), int(high[1])))


def otsu(greys: np.ndarray) -> float:
    """The grey that parts greys in two classes with most variance between them; their least where all are one.

    Source: Otsu, "A threshold selection method from gray-level histograms", 1979.
    """
    counts, edges = np.histogram(greys, bins=256)
    middles = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts)[:-1].astype(float)
    above = below[-1] + counts[-1] - below
    sums = np.cumsum(counts * middles)
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = below * above * (sums[:-1] / below - (sums[-1] - sums[:-1]) / above) ** 2
    best = np.nan_to_num(apart)
    if greys.size == 0 or greys.max() == greys.min():
        return float(greys.min()) if greys.size else 0.0
    # Between two well parted classes every bound is as good: the middle one is taken.
    ties = np.flatnonzero(best >= best.max() * (1 - 1e-9))
    return float(edges[1 + ties].mean())


def _filled(patch: Patch, share: np.ndarray) -> np.ndarray:
    kept = 1 - share
    if not kept.any():
        kept = patch.known.astype(np.float32)  # a pool of nothing but surround
    grey = float((kept * patch.image).sum() / max(float(kept.sum()), 1.0))
    return np.rint(np.clip(patch.image * (1 - share) + grey * share, 0, patch.top))


def _patches(frame: np.ndarray, grid: Grid, drift: np.ndarray | Sequence[float]) -> Iterator[Patch]:
    seen, radius, top = grid.radius is not None, _radius(grid), float(np.iinfo(frame.dtype).max)
    for corner, centre in zip(place(grid, drift), _centres(grid, drift), strict=True):
        part, own = overlap(corner, grid.size, frame.shape)
        image, known = np.zeros(grid.size, np.float32), np.zeros(grid.size, bool)
        image[own], known[own] = frame[part], True
        yield Patch(seen, image, known, _inside(grid, _way(corner, grid.size, centre)), radius, top)


def _radius(grid: Grid) -> float:
    """Of a pool's floor, px; of pools that were given half the shorter side of their patches."""
    return min(grid.size) / 2 if grid.radius is None else grid.radius


def _inside(grid: Grid, way: np.ndarray) -> np.ndarray:
    down, right = way
    if grid.radius is None:  # nothing is known of walls: none but the patch's own rim
        down, right = down / grid.size[0], right / grid.size[1]
        return (1 - np.hypot(down, right) / _AROUND).astype(np.float32)
    if grid.square:
        turn = np.deg2rad(grid.angle)
        down, right = down * np.cos(turn) - right * np.sin(turn), down * np.sin(turn) + right * np.cos(turn)
        corner = _CORNER * grid.radius
        down, right = np.abs(down) - grid.radius + corner, np.abs(right) - grid.radius + corner
        beyond = np.hypot(np.maximum(down, 0), np.maximum(right, 0))
        depth = corner - beyond - np.minimum(np.maximum(down, right), 0)
    else:
        depth = grid.radius - np.hypot(down, right)
    return (depth / grid.radius).astype(np.float32)


def _centres(grid: Grid, drift: np.ndarray | Sequence[float]) -> np.ndarray:
    return np.asarray(grid.centres() + np.asarray(drift, float))


def _way(corner: np.ndarray, size: tuple[int, int], centre: np.ndarray) -> np.ndarray:
    """Each pixel's way from a pool's middle, down and right, px, float `[2, height, width]`."""
    return np.indices(size) + (corner - centre)[:, None, None]
