"""The grid of pools that a film looks at: where each pool lies in a frame, and the light of floor and walls."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hpapipe.errors import UserError

Place = NDArray[np.float64]
"""(row, column) in pixels, float `[2]`; y down, pixel centres at whole numbers."""

_HALF = 0.45
"""Half a pool's width, as a share of the distance from pool to pool: the rest is wall."""

_LEAST_REACH = 12.0
"""Pixels: in a smaller pool a blastocyst is a smudge."""


@dataclass(frozen=True)
class Grid:
    """A turned grid of equal pools.

    Args:
        rows: of pools.
        columns: of pools.
        pitch: distance from pool to pool in pixels.
        reach: radius of a round pool, half the side of a square one, in pixels.
        square: pools are squares with rounded corners, else circles.
        angle: of the grid in radians; positive lowers its right side.
        middle: (row, column) of the grid's middle in a frame without drift, in pixels.
    """

    rows: int
    columns: int
    pitch: float
    reach: float
    square: bool
    angle: float
    middle: tuple[float, float]

    @property
    def axes(self) -> NDArray[np.float64]:
        """Unit steps down and right along the grid, each (row, column) in the frame, float `[2, 2]`."""
        cos, sin = np.cos(self.angle), np.sin(self.angle)
        return np.array([[cos, -sin], [sin, cos]])

    def centres(self, drift: Place) -> NDArray[np.float64]:
        """(row, column) of every pool's middle in pixels, row by row, float `[pools, 2]`.

        Args:
            drift: how far the stage has moved, in pixels.
        """
        down = (np.arange(self.rows) - (self.rows - 1) / 2) * self.pitch
        right = (np.arange(self.columns) - (self.columns - 1) / 2) * self.pitch
        steps = np.stack(np.meshgrid(down, right, indexing="ij"), -1).reshape(-1, 2)
        return np.asarray(self.middle) + drift + steps @ self.axes

    def stage(self, shape: tuple[int, int], drift: Place) -> tuple[np.ndarray, np.ndarray]:
        """Each pixel's way from the grid's middle, down and right along the grid, in pixels, float32 `[h, w]` each."""
        row = (np.arange(shape[0]) - self.middle[0] - drift[0]).astype(np.float32)[:, None]
        column = (np.arange(shape[1]) - self.middle[1] - drift[1]).astype(np.float32)[None, :]
        axes = self.axes.astype(np.float32)
        return row * axes[0, 0] + column * axes[0, 1], row * axes[1, 0] + column * axes[1, 1]

    def depth(self, down: np.ndarray, right: np.ndarray) -> np.ndarray:
        """How far inside the nearest pool each pixel is (negative: in the wall), in pixels, float32 `[h, w]`.

        Args:
            down: from `stage`.
            right: from `stage`.
        """
        y, x = _folded(down, self.rows, self.pitch), _folded(right, self.columns, self.pitch)
        if not self.square:
            return np.float32(self.reach) - np.hypot(y, x)
        corner = np.float32(0.18 * self.reach)
        y, x = (np.abs(side) - (np.float32(self.reach) - corner) for side in (y, x))
        outside = np.hypot(np.maximum(y, 0), np.maximum(x, 0))
        return corner - outside - np.minimum(np.maximum(y, x), 0)


def fitted(
    rows: int, columns: int, pool: int, square: bool, turn: float, drift: float, rng: np.random.Generator
) -> Grid:
    """A grid, turned and shifted at random, whose pools stay whole in every frame of `rows * pool` by `columns * pool`.

    Args:
        rows: of pools.
        columns: of pools.
        pool: pixels of a frame for each pool, and the largest distance from pool to pool.
        square: square pools, else round ones.
        turn: largest angle in degrees.
        drift: largest way of the stage in pixels.
        rng: angle and shift are drawn from it.

    Raises:
        UserError: where so little room is left that pools would be too small.
    """
    shift, most = 0.02 * pool, np.deg2rad(turn)
    tall, wide = (rows - 1) / 2 + _HALF, (columns - 1) / 2 + _HALF
    room = np.array([rows, columns]) * pool / 2 - drift - shift - 1
    reached = np.array([tall, wide]) * np.cos(most) + np.array([wide, tall]) * np.sin(most)
    pitch = float(min(pool, *(room / reached)))
    if pitch * _HALF < _LEAST_REACH:
        raise UserError(
            f"A pool must keep a radius of {_LEAST_REACH:g} pixels when the grid is turned and drifts in its frame.",
            f"{max(pitch * _HALF, 0):.1f} pixels for {rows}×{columns} pools of {pool} pixels, {turn:g}° and "
            f"{drift:g} pixels of drift",
            "Raise `pool`, or lower `turn`, `drift`, rows or columns.",
        )
    angle = rng.uniform(-most, most)
    aside = rng.uniform(-shift, shift, 2)
    middle = ((rows * pool - 1) / 2 + aside[0], (columns * pool - 1) / 2 + aside[1])
    return Grid(rows, columns, pitch, pitch * _HALF, square, float(angle), (float(middle[0]), float(middle[1])))


def _folded(way: np.ndarray, count: int, pitch: float) -> np.ndarray:
    """The way from the nearest of `count` places that lie `pitch` apart about 0."""
    first = np.float32((count - 1) / 2)
    nearest = np.clip(np.rint(way / np.float32(pitch) + first), 0, count - 1)
    return way - (nearest - first) * np.float32(pitch)
