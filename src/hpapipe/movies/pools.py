"""Each pool of a frame cut out as a square patch, what surrounds it filled with one grey."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from scipy.ndimage import binary_dilation, gaussian_filter, label

from hpapipe.movies.grid import Grid

AUTO = "auto"
_WITHIN = 0.15  # of the radius inside the wall, where no flood comes unless it leaks
_AROUND = 0.75  # of the side: the radius of a disc in which the whole patch lies
_MIDDLE = 0.6  # of that radius: the patch's middle, where no flood comes unless it leaks
_LEAKED = 0.02  # share of what lies within that may be flooded
_LEFT_OPEN = 0.5  # share of what lies beyond the wall that a flood covers at least
_SEAM = 0.04  # of the radius: the blurred foot of a wall, filled with it
_SOFT = 0.04  # of the radius: the width of the disc's soft rim
_CORNER = 0.15  # of half a square's side: how far its corners are rounded
_BOTH = np.ones((3, 3), bool)


class Patch(NamedTuple):
    """A pool in its patch.

    `seen`: whether walls are known. `image`: as in the frame, float32 `[side, side]`. `known`: False beyond the frame's
    rim, bool `[side, side]`. `inside`: how far inside the wall each pixel lies, in radii, float32 `[side, side]`: 1 in
    the middle, 0 on the wall, less beyond it. `radius`: px. `top`: the brightest that a pixel can be.
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


FILLS: dict[str, Callable[[Patch], np.ndarray]] = {"none": no_fill, "flood": flood, "disc": disc}
"""Name of a fill -> what share of each pixel is filled, float32 `[side, side]`. `auto` takes flood or disc."""


def place(grid: Grid, drift: np.ndarray | Sequence[float]) -> np.ndarray:
    """(row, column) of each patch's top left pixel in the frame, int `[pools, 2]`; it may lie outside.

    Args:
        grid: of pools.
        drift: of the stage in this frame, (row, column), px.
    """
    return np.rint(_centres(grid, drift) - (grid.side - 1) / 2).astype(int)


def cut(frame: np.ndarray, grid: Grid, drift: np.ndarray | Sequence[float], fill: str | Sequence[str]) -> np.ndarray:
    """A patch for each pool, of the frame's own type, `[pools, side, side]`.

    Filled pixels have the mean grey of those of the patch that are not. Pixels beyond the frame are always filled.

    Args:
        frame: uint8 or uint16 `[height, width]`.
        grid: of pools.
        drift: of the stage in this frame, (row, column), px.
        fill: `auto`, or a name in `FILLS`, or one of them for each pool, such as `choose` tells.

    Raises:
        ValueError: an unknown fill, or not one for each pool.
    """
    names = [fill] * (grid.rows * grid.columns) if isinstance(fill, str) else list(fill)
    unknown = sorted(set(names) - {AUTO, *FILLS})
    if unknown or len(names) != grid.rows * grid.columns:
        received = unknown[0] if unknown else f"{len(names)} for {grid.rows * grid.columns} pools"
        raise ValueError(f"A fill must be {', '.join((AUTO, *FILLS))}, one for all pools or for each. {received!r}")
    patches = np.empty((len(names), grid.side, grid.side), frame.dtype)
    for number, (name, patch) in enumerate(zip(names, _patches(frame, grid, drift), strict=True)):
        patches[number] = _filled(patch, FILLS[_auto(patch) if name == AUTO else name](patch)).astype(frame.dtype)
    return patches


def choose(frame: np.ndarray, grid: Grid, drift: np.ndarray | Sequence[float] = (0, 0)) -> list[str]:
    """What `auto` takes for each pool: `flood`, or `disc` where the flood ran into the pool or left its walls dry.

    Arguments as `cut`.
    """
    return [_auto(patch) for patch in _patches(frame, grid, drift)]


def floor(grid: Grid) -> np.ndarray:
    """True within a pool's wall, bool `[side, side]`; everywhere for a grid that was given, whose walls nobody saw."""
    if grid.quality is None:
        return np.ones((grid.side, grid.side), bool)
    middle = np.full(2, (grid.side - 1) / 2)
    return _inside(grid, _way(np.zeros(2), grid.side, middle)) >= 0


def put_back(masks: np.ndarray, grid: Grid, drift: np.ndarray | Sequence[float], shape: tuple[int, int]) -> np.ndarray:
    """The masks of all patches in one frame, 0 where there is none, else the pool's number from 1, uint16 `[height,
    width]`. Where patches overlap, a pixel is that pool's whose middle is nearest.

    Args:
        masks: bool `[pools, side, side]`.
        grid: of pools.
        drift: of the stage in this frame, (row, column), px.
        shape: height and width of the frame, px.
    """
    whole = np.zeros(shape, np.uint16)
    nearest = np.full(shape, np.inf, np.float32)
    centres = _centres(grid, drift)
    for number, (mask, corner, centre) in enumerate(zip(masks, place(grid, drift), centres, strict=True)):
        part, own = _overlap(corner, grid.side, shape)
        way = _way(corner, grid.side, centre)
        distance = np.hypot(way[0], way[1])[own]
        taken = mask[own] & (distance < nearest[part])
        whole[part][taken] = number + 1
        nearest[part][taken] = distance[taken]
    return whole


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


def _auto(patch: Patch) -> str:
    """`flood` unless it is implausible by the pool's own place and radius."""
    within = (patch.inside > (_WITHIN if patch.seen else _MIDDLE)) & patch.known
    if not within.any():
        return "disc"
    share = flood(patch)
    leaked = share[within].mean()
    beyond = (patch.inside < -0.1) & patch.known
    left_open = beyond.any() and share[beyond].mean() < _LEFT_OPEN
    return "disc" if leaked > _LEAKED or left_open else "flood"


def _filled(patch: Patch, share: np.ndarray) -> np.ndarray:
    kept = 1 - share
    if not kept.any():
        kept = patch.known.astype(np.float32)  # a pool of nothing but surround
    grey = float((kept * patch.image).sum() / max(float(kept.sum()), 1.0))
    return np.rint(np.clip(patch.image * (1 - share) + grey * share, 0, patch.top))


def _patches(frame: np.ndarray, grid: Grid, drift: np.ndarray | Sequence[float]) -> list[Patch]:
    found = []
    centres = _centres(grid, drift)
    for corner, centre in zip(place(grid, drift), centres, strict=True):
        part, own = _overlap(corner, grid.side, frame.shape)
        image, known = np.zeros((2, grid.side, grid.side), np.float32)
        image[own], known[own] = frame[part], 1
        inside = _inside(grid, _way(corner, grid.side, centre))
        found.append(
            Patch(grid.quality is not None, image, known > 0, inside, grid.radius, float(np.iinfo(frame.dtype).max))
        )
    return found


def _inside(grid: Grid, way: np.ndarray) -> np.ndarray:
    down, right = way
    if grid.quality is None:  # nothing is known of walls: none but the patch's own rim
        return (1 - np.hypot(down, right) / (_AROUND * grid.side)).astype(np.float32)
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


def _way(corner: np.ndarray, side: int, centre: np.ndarray) -> np.ndarray:
    """Each pixel's way from a pool's middle, down and right, px, float `[2, side, side]`."""
    return np.indices((side, side)) + (corner - centre)[:, None, None]


def _overlap(corner: np.ndarray, side: int, shape: tuple[int, ...]) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """The part of the frame that a patch shows, and the part of the patch that shows it."""
    low = np.clip(corner, 0, shape)
    high = np.clip(corner + side, 0, shape)
    part = slice(int(low[0]), int(high[0])), slice(int(low[1]), int(high[1]))
    low, high = low - corner, high - corner
    return part, (slice(int(low[0]), int(high[0])), slice(int(low[1]), int(high[1])))
