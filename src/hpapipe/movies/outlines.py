"""Edges along the outlines of pools: how much of them a picture shows, and where exactly they lie."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates, uniform_filter1d

from hpapipe.movies.lattice import Lattice

CHANCE = 0.3
"""About what share of an outline is shown where there is none."""

_POINTS = 64
_REACH = 0.3
_NEAR = 0.07
_STEPS = 25
_SMOOTHED = 5


@dataclass(frozen=True)
class Outline:
    """The outline that all pools of a lattice share.

    Args:
        radius: of a circle, or half the side of a square, px.
        square: a square along the lattice, else a circle.
        rising: light rises from the inside to the outside, else it falls.
    """

    radius: float
    square: bool
    rising: bool

    def points(self, lattice: Lattice) -> tuple[np.ndarray, np.ndarray]:
        """Points of the outline from a pool's middle, and the directions outwards there, float `[points, 2]` each, px.

        Corners of squares are left out: they may be rounded.
        """
        right = lattice.right / np.hypot(*lattice.right)
        down = np.array([right[1], -right[0]])
        if not self.square:
            turn = np.arange(_POINTS) * (2 * np.pi / _POINTS)
            outwards = np.sin(turn)[:, None] * down + np.cos(turn)[:, None] * right
            return self.radius * outwards, outwards
        along = np.linspace(-0.75, 0.75, _POINTS // 4)[:, None]
        sides = [(down, right), (-down, right), (right, down), (-right, down)]
        outwards = np.concatenate([np.broadcast_to(out, (len(along), 2)) for out, _ in sides])
        return self.radius * (outwards + np.concatenate([along * side for _, side in sides])), outwards


@dataclass(frozen=True, eq=False)
class Edges:
    """The slope of a picture's light, and by how much noise and texture make it.

    Args:
        down: float32 `[height, width]`.
        right: float32 `[height, width]`.
    """

    down: np.ndarray
    right: np.ndarray

    @classmethod
    def of(cls, picture: np.ndarray, blur: float) -> Edges:
        """The edges of a picture that is smoothed by a Gaussian of `blur` px first.

        Args:
            picture: float `[height, width]`.
            blur: px.
        """
        return cls(gaussian_filter(picture, blur, order=(1, 0)), gaussian_filter(picture, blur, order=(0, 1)))

    def nearest(self, lattice: Lattice, outline: Outline, reach: float = _REACH) -> tuple[np.ndarray, np.ndarray]:
        """How far outside each pool's outline its strongest edge lies, px, and how strong that is.

        Float `[pools, points]` each. Points outside the picture have strength 0.

        Args:
            lattice: of pools.
            outline: that they share.
            reach: how far to look to either side, in shares of the radius.
        """
        points, outwards = outline.points(lattice)
        ways = np.linspace(-reach, reach, _STEPS) * outline.radius
        along = points[:, None] + ways[:, None] * outwards[:, None]
        where = np.moveaxis(lattice.places()[:, None, None] + along[None], -1, 0)
        sign = 1 if outline.rising else -1
        slope = map_coordinates(self.down, where, order=1, cval=0) * outwards[None, :, None, 0]
        slope += map_coordinates(self.right, where, order=1, cval=0) * outwards[None, :, None, 1]
        slope = sign * _along(slope, outline.square)
        best = slope.argmax(axis=-1)
        return ways[best], np.take_along_axis(slope, best[..., None], axis=-1)[..., 0]

    def shown(self, lattice: Lattice, outline: Outline) -> np.ndarray:
        """Share of each pool's outline where the strongest edge nearby lies on it, 0 to 1, float `[pools]`.

        Chance alone makes it about `CHANCE`. It does not depend on the picture's contrast.
        """
        aside, strength = self.nearest(lattice, outline)
        on = (np.abs(aside) <= _NEAR * outline.radius + 0.5) & (strength > 0)
        return np.asarray(on.mean(axis=1))


def _along(slope: np.ndarray, square: bool) -> np.ndarray:
    """Slopes `[pools, points, ways]`, each with the mean of its neighbours along the circle or the side: less noise."""
    if not square:
        return np.asarray(uniform_filter1d(slope, _SMOOTHED, axis=1, mode="wrap"))
    sides = slope.reshape(len(slope), 4, -1, slope.shape[-1])
    return np.asarray(uniform_filter1d(sides, _SMOOTHED, axis=2, mode="nearest").reshape(slope.shape))


def refine(edges: Edges, lattice: Lattice, outline: Outline) -> tuple[Lattice, Outline]:
    """Lattice and radius, moved by least squares until the outlines lie on their edges.

    All pools are fitted at once: a move of the lattice's first place, a change of its steps and one of the radius each
    move an outline's points outwards by amounts that are linear in them. Points far off count little.

    Source: iteratively reweighted least squares with Tukey's biweight (Beaton and Tukey, 1974).
    """
    for reach in (0.3, 0.2, 0.12):
        aside, strength = edges.nearest(lattice, outline, reach)
        _, outwards = outline.points(lattice)
        numbers = lattice.indices().astype(float)
        parts = [np.ones(len(numbers)), *(numbers[:, axis] for axis in (0, 1) if np.ptp(numbers[:, axis]) > 0)]
        columns = [part[:, None] * outwards[None, :, axis] for part in parts for axis in (0, 1)]
        terms = np.stack([*columns, np.ones_like(aside)], axis=-1).reshape(-1, 2 * len(parts) + 1)
        solution = _robust(terms, aside.ravel(), strength.ravel() > 0, 0.5 * reach * outline.radius)
        lattice, outline = _moved(lattice, outline, solution)
    return lattice, outline


def _robust(terms: np.ndarray, values: np.ndarray, usable: np.ndarray, width: float) -> np.ndarray:
    """Solution of `terms @ x = values` in which values farther off than `width` do not count."""
    solution = np.zeros(terms.shape[1])
    solution[-1] = np.median(values[usable]) if usable.any() else 0.0
    for _ in range(8):
        off = (values - terms @ solution) / width
        weights = np.where(usable & (np.abs(off) < 1), 1 - off**2, 0.0)
        if np.count_nonzero(weights) < 4 * terms.shape[1]:
            return solution
        solution = np.linalg.lstsq(terms * weights[:, None], values * weights, rcond=None)[0]
    return solution


def _moved(lattice: Lattice, outline: Outline, solution: np.ndarray) -> tuple[Lattice, Outline]:
    pairs = solution[:-1].reshape(-1, 2).tolist()
    first = lattice.first + pairs.pop(0)
    down = lattice.down + pairs.pop(0) if lattice.rows > 1 else lattice.down
    right = lattice.right + pairs.pop(0) if lattice.columns > 1 else lattice.right
    if lattice.rows == 1 and lattice.columns > 1:
        down = np.array([right[1], -right[0]])
    elif lattice.columns == 1 and lattice.rows > 1:
        right = np.array([-down[1], down[0]])
    radius = outline.radius + float(solution[-1])
    return Lattice(first, down, right, lattice.rows, lattice.columns), Outline(radius, outline.square, outline.rising)
