"""Looks for equal pools in rows and columns, whatever lies in them and however their walls look."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.ndimage import gaussian_filter

from hpapipe.movies import lattice as lattices
from hpapipe.movies import shapes
from hpapipe.movies.lattice import Lattice
from hpapipe.movies.outlines import CHANCE, Edges, Outline, refine

MOST = 64
"""Rows or columns that a grid may have."""
_FIRST = 0.6  # quality below which a guess is given up
_SHOWN = 0.5  # share of its outline that the pools of a row or column show at least
_SHARE = 0.7  # of what the grid's pools show, likewise
_SPAN = 0.5  # of the frame's height or width that a grid takes up at least: four cells side by side are none
_THINNEST = 0.18  # of the distance from pool to pool that a pool's radius is at least
_WORKING = 480
_TRIED = 24


@dataclass
class _Guess:
    """A lattice, the radius of a disc as large as its shapes, px, and from how many masks it was had."""

    lattice: Lattice
    radius: float
    votes: int = 1

    def like(self, other: _Guess) -> bool:
        """Whether both have nearly the same places."""
        one, two = self.lattice, other.lattice
        if (one.rows, one.columns) != (two.rows, two.columns) or not 0.8 < self.radius / other.radius < 1.25:
            return False
        near = 0.15 * min(np.hypot(*one.down), np.hypot(*one.right))
        return bool(np.abs(one.places()[[0, -1]] - two.places()[[0, -1]]).max() < near)


@dataclass(frozen=True, eq=False)
class Wells:
    """Pools in rows and columns.

    Args:
        lattice: of their middles.
        outline: that they share.
        shown: share of each pool's outline on which an edge lies, 0 to 1, float `[pools]`.
    """

    lattice: Lattice
    outline: Outline
    shown: np.ndarray

    @property
    def quality(self) -> float:
        return float(self.shown.mean())

    @property
    def length(self) -> float:
        """How much outline it explains beyond what chance would, in radii of pools, px."""
        return float((self.shown - CHANCE).sum()) * self.outline.radius


def look(frame: np.ndarray) -> tuple[Wells | None, int]:
    """The pools of a frame, in pixels of that frame, or none; and how many shapes of one size were seen at most.

    Shapes of one size are taken from many masks of the frame, so that walls may be darker or brighter than floor and
    surround. A lattice is laid through each group of them, fitted to the edges along the outlines of all its pools at
    once, and given or relieved of rows and columns by whether those show outlines too. The one with most outline wins.

    Args:
        frame: uint8 or uint16 `[height, width]`.

    Source: shapes over many thresholds as in Matas et al., "Robust wide baseline stereo from maximally stable extremal
    regions", 2002; a lattice by least squares as in the gridding of microarrays, such as Hartelius and Carstensen,
    "Bayesian grid matching", 2003. That outlines choose among lattices is our own.
    """
    shrink = max(1, min(round(max(frame.shape) / _WORKING), *frame.shape))
    picture = _small(frame, shrink)
    guesses, seen = _guesses(picture)
    ranked = sorted(guesses, key=lambda guess: -guess.votes * guess.lattice.rows * guess.lattice.columns)
    found = [fit for guess in ranked[:_TRIED] if (fit := _fitted(picture, guess)) is not None]
    if not found:
        return None, seen
    best = _inner(max(found, key=lambda fit: fit.length), found)
    lattice, outline = best.lattice, best.outline
    first = lattice.first * shrink + (shrink - 1) / 2
    lattice = Lattice(first, shrink * lattice.down, shrink * lattice.right, lattice.rows, lattice.columns)
    return Wells(lattice, replace(outline, radius=shrink * outline.radius), best.shown), seen


def _small(frame: np.ndarray, shrink: int) -> np.ndarray:
    """The frame, `shrink` times smaller, its darkest and brightest pixels clipped, from 0 to 1, float32."""
    height, width = (side // shrink for side in frame.shape)
    tiles = frame[: height * shrink, : width * shrink].reshape(height, shrink, width, shrink)
    small = gaussian_filter(tiles.mean(axis=(1, 3), dtype=np.float32), 1.0)
    low, high = np.percentile(small, (0.2, 99.8))
    return np.asarray(np.clip((small - low) / max(float(high - low), 1e-9), 0, 1), np.float32)


def _guesses(picture: np.ndarray) -> tuple[list[_Guess], int]:
    """Lattices through groups of shapes, and how many shapes the largest group has that was seen."""
    guesses: list[_Guess] = []
    most = 0
    for group in shapes.groups(picture):
        most = max(most, len(group.centres))
        fit = lattices.fit(group.centres, np.sqrt(group.area) * 0.95)
        if fit is None:
            continue
        lattice, on = fit
        if on.mean() < 0.6 or on.sum() < 0.6 * lattice.rows * lattice.columns:
            continue
        guess = _Guess(lattice, float(np.sqrt(group.area / np.pi)))
        same = next((other for other in guesses if other.like(guess)), None)
        if same is None:
            guesses.append(guess)
        else:
            same.votes += 1
    return guesses, most


def _fitted(picture: np.ndarray, guess: _Guess) -> Wells | None:
    """The guess, fitted to the edges of the picture, with all its rows and columns; none where they show too little."""
    edges = Edges.of(picture, max(0.7, 0.03 * guess.radius))
    outlines = [
        Outline(guess.radius * (np.sqrt(np.pi) / 2 if square else 1), square, rising)
        for square in (False, True)
        for rising in (False, True)
    ]
    fits = [refine(edges, guess.lattice, outline) for outline in outlines]
    best = max((Wells(*fit, edges.shown(*fit)) for fit in fits), key=lambda fit: fit.quality)
    if best.quality < _FIRST or not 0.7 < best.outline.radius / guess.radius < 1.3:
        return None
    whole = _whole(edges, best, picture.shape)
    if whole is None or whole.quality < least(len(whole.shown)) or not _possible(whole, picture.shape):
        return None
    return whole


def _inner(best: Wells, found: list[Wells]) -> Wells:
    """The fit of the same pools with the smallest outline that shows as well: the inner edge of a wall."""
    near = 0.1 * min(np.hypot(*best.lattice.down), np.hypot(*best.lattice.right))
    same = [
        fit
        for fit in found
        if (fit.lattice.rows, fit.lattice.columns) == (best.lattice.rows, best.lattice.columns)
        and fit.outline.square == best.outline.square
        and np.abs(fit.lattice.places() - best.lattice.places()).max() < near
        and fit.quality >= 0.95 * best.quality
        and fit.outline.radius >= 0.7 * best.outline.radius
    ]
    return min(same, key=lambda fit: fit.outline.radius)


def least(pools: int) -> float:
    """Quality below which there is no grid: the fewer pools, the likelier some cells make one."""
    return 0.62 + 0.5 / pools


def _possible(fit: Wells, shape: tuple[int, ...]) -> bool:
    """Whether pools fill their rows and columns without overlap, those are hardly turned, and the grid fills the frame:
    a few cells that happen to lie in rows and columns do none of it."""
    lattice = fit.lattice
    pitch = min(np.hypot(*lattice.down), np.hypot(*lattice.right))
    straight = abs(lattice.right[0]) <= np.tan(np.deg2rad(lattices.STEEPEST)) * lattice.right[1]
    span = max(lattice.rows * lattice.down[0] / shape[0], lattice.columns * lattice.right[1] / shape[1])
    return bool(straight and _THINNEST * pitch < fit.outline.radius < 0.52 * pitch and span >= _SPAN)


def _whole(edges: Edges, fit: Wells, shape: tuple[int, ...]) -> Wells | None:
    """The fit with the rows and columns that show outlines: more than it had, or fewer."""
    enough = max(_SHOWN, _SHARE * float(np.median(fit.shown)))
    lattice, outline = _dense(edges, fit.lattice, fit.outline, enough), fit.outline
    for _ in range(2):
        wide = _widest(lattice, outline.radius, shape)
        shown = edges.shown(wide, outline).reshape(wide.rows, wide.columns)
        part = _trimmed(shown, enough)
        if part is None:
            return None
        lattice = wide.part(*part)
        lattice, outline = refine(edges, lattice, outline)
    return Wells(lattice, outline, edges.shown(lattice, outline))


def _dense(edges: Edges, lattice: Lattice, outline: Outline, enough: float) -> Lattice:
    """The lattice with pools between its pools, where those show outlines: a mask may have shown every other row."""
    for axis in (0, 1):
        pitch = float(np.hypot(*(lattice.down, lattice.right)[axis]))
        for parts in range(int(pitch / (2 * outline.radius)), 1, -1):
            finer = lattice.finer(axis, parts)
            between = finer.indices()[:, axis] % parts != 0
            if between.any() and edges.shown(finer, outline)[between].mean() >= enough:
                lattice = finer
                break
    return lattice


def _widest(lattice: Lattice, radius: float, shape: tuple[int, ...]) -> Lattice:
    """The lattice with every row and column of whose places half and more lie wholly in the picture."""
    wide = lattice.part(-MOST, -MOST, 2 * MOST + lattice.rows, 2 * MOST + lattice.columns)
    places = wide.places().reshape(wide.rows, wide.columns, 2)
    own = slice(MOST, MOST + lattice.rows), slice(MOST, MOST + lattice.columns)
    inside = np.asarray(((places >= 0.9 * radius) & (places <= np.array(shape) - 1 - 0.9 * radius)).all(axis=-1))
    inside[own] = True
    # Rows and columns are judged along the lattice's own columns and rows.
    rows = np.flatnonzero(inside[:, own[1]].mean(axis=1) >= 0.5)
    columns = np.flatnonzero(inside[own[0]].mean(axis=0) >= 0.5)
    top, left = int(rows[0]), int(columns[0])
    return wide.part(top, left, int(rows[-1]) - top + 1, int(columns[-1]) - left + 1)


def _trimmed(shown: np.ndarray, enough: float) -> tuple[int, int, int, int] | None:
    """First row, first column and numbers of both: what is left when outer rows and columns that show too little are
    taken away, the worst first."""
    top, left = 0, 0
    bottom, right = shown.shape
    while True:
        left_over = shown[top:bottom, left:right]
        if left_over.size < 3:
            return None
        means = [left_over[0].mean(), left_over[:, 0].mean(), left_over[-1].mean(), left_over[:, -1].mean()]
        worst = int(np.argmin(means))
        if means[worst] >= enough:
            return top, left, bottom - top, right - left
        top, left = top + (worst == 0), left + (worst == 1)
        bottom, right = bottom - (worst == 2), right - (worst == 3)
