"""Blastocysts, bubbles and dirt as a relief: how long the way of light through them is, and what covers what.

A relief is in shares of the pool's reach, float32 `[h, w]`, and so is a depth inside an outline.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.ndimage import gaussian_filter

from hpapipe.simulate.blastocysts import Blastocyst
from hpapipe.simulate.geometry import lookup
from hpapipe.simulate.pool_life import Bubble

TILE = 512
"""Side of the tiles of grain that all blastocysts of a film are filled from."""

_GRAIN = 110.0  # points of a tile in a pool's reach
_BOIL = 0.35  # radians by which grain changes from frame to frame
_SOFT = 0.08  # share of the radius in which tissue thins out to the outline


@dataclass(frozen=True, eq=False)
class Window:
    """The part of a frame that one pool fills.

    Args:
        rows: of the frame, from the pool's middle, in shares of its reach, float32 `[h, 1]`.
        columns: the same, float32 `[1, w]`.
        reach: of the pool in pixels.
        angle: of the grid in radians.
    """

    rows: np.ndarray
    columns: np.ndarray
    reach: float
    angle: float

    def away(self, place: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Rows and columns from a place in the pool, which is given along the grid's axes."""
        cos, sin = np.cos(self.angle), np.sin(self.angle)
        row, column = place[0] * cos + place[1] * sin, place[1] * cos - place[0] * sin
        return self.rows - np.float32(row), self.columns - np.float32(column)


class Body(NamedTuple):
    """A blastocyst in one frame: depth inside its outline (negative: outside), and its relief, coarse and fine."""

    depth: np.ndarray
    relief: np.ndarray
    granules: np.ndarray


def grain(rng: np.random.Generator) -> np.ndarray:
    """Two tiles of granules of mean 0 and spread 1, each seamless, float32 `[2, TILE, TILE]`."""
    tiles = []
    for _ in range(2):
        noise = rng.standard_normal((TILE, TILE), dtype=np.float32)
        fine, coarse = (gaussian_filter(noise, sigma, mode="wrap") for sigma in (2.2, 6.0))
        both = fine / fine.std() + np.float32(0.8) * coarse / coarse.std()
        tiles.append(both / both.std())
    return np.stack(tiles)


def blastocyst(cell: Blastocyst, frame: int, window: Window, tiles: np.ndarray) -> Body:
    """A ball of tissue round a cavity, its cells at the outline and before the cavity, the inner cell mass, the zona.

    Args:
        cell: to draw.
        frame: index of the frame.
        window: to draw it in.
        tiles: from `grain`.
    """
    y, x = window.away(cell.centre[frame])
    out, around = np.hypot(y, x), np.arctan2(y, x) - np.float32(window.angle)
    edge = lookup(cell.edge(frame).astype(np.float32), around)
    radius, wall, inner = (np.float32(course[frame]) for course in (cell.radius, cell.wall, cell.mass))
    share = out / edge
    soft = np.clip((1 - share) / np.float32(_SOFT), 0, 1)
    own = around - np.float32(cell.turn[frame])
    v, u = np.sin(own) * share, np.cos(own) * share
    tissue = _chord(share) - _chord(share / (1 - wall)) * (1 - wall)
    ring = _ring(lookup(cell.bulge(frame).astype(np.float32), around), share, wall)
    # The thicker the wall, the more its cells show before the cavity.
    faces = _lumps(v, u, cell.faces) * (
        np.float32(0.12) + np.float32(1.1) * np.minimum(wall / np.float32(0.3), 1) ** 1.5
    )
    pole = 1 - np.float32(0.6) * wall - np.float32(0.85) * inner
    clump = _clump(v / inner, (u - pole) / inner, cell.lumps) * inner
    relief = (share < 1) * radius * (np.float32(0.7) * tissue + np.maximum(np.maximum(faces, clump) * soft, ring))
    filled = soft * np.clip(np.float32(1.2) * np.maximum(tissue, clump), 0.06, 1)
    granules = np.float32(0.085) * radius * filled * _granules(cell, frame, y, x, tiles)
    if cell.zona[frame, 1] > 0:
        near, far = cell.zona[frame].astype(np.float32)
        relief += np.float32(0.4) * (_chord(out / far) * far - _chord(out / near) * near)
    return Body(edge - out, relief, granules)


def bubble(vesicle: Bubble, frame: int, window: Window) -> tuple[np.ndarray, np.ndarray]:
    """(depth inside it, relief): a thin wall round fluid."""
    y, x = window.away(vesicle.centre[frame])
    radius = np.float32(vesicle.radius[frame])
    out = np.hypot(y, x)
    inside = np.float32(0.93)
    wall = _chord(out / radius) - _chord(out / (radius * inside)) * inside
    return radius - out, radius * (np.float32(0.9) * wall + np.float32(0.3) * _chord(out / radius))


def dirt(specks: np.ndarray, window: Window) -> np.ndarray:
    """Light that specks take away (or, where negative, add), float32 `[h, w]`.

    Args:
        specks: place, radius and strength of each, float `[specks, 4]`.
        window: to draw them in.
    """
    taken = np.zeros((len(window.rows), window.columns.shape[1]), np.float32)
    for *place, radius, strength in specks:
        y, x = window.away(np.array(place))
        taken += np.float32(strength) * np.exp(-(y * y + x * x) / np.float32(radius * radius))
    return taken


def _chord(share: np.ndarray) -> np.ndarray:
    """Length of the way through a ball of radius 1 at this distance from its axis."""
    return 2 * np.sqrt(np.maximum(1 - share * share, 0))


def _ring(bulge: np.ndarray, share: np.ndarray, wall: np.float32) -> np.ndarray:
    """Cells of the wall cut across at the outline: each thick in its middle, thin where two meet."""
    thick = np.float32(0.75) * wall
    return np.sqrt(np.maximum(bulge - ((share - 1 + thick) / thick) ** 2, 0)) * (wall + np.float32(0.05))


def _clump(v: np.ndarray, u: np.ndarray, lumps: np.ndarray) -> np.ndarray:
    """The inner cell mass, radius 1: a dome with the cells that it is made of."""
    dome = np.sqrt(np.maximum(1 - np.float32(0.8) * v * v - u * u, 0))
    return np.float32(0.5) * dome + np.float32(2.2) * _lumps(v, u, lumps)


def _lumps(v: np.ndarray, u: np.ndarray, lumps: np.ndarray) -> np.ndarray:
    """Height of balls that lie side by side, the highest wherever they meet."""
    height = np.zeros_like(v)
    for down, right, radius in lumps.astype(np.float32):
        height = np.maximum(height, radius * radius - (v - down) ** 2 - (u - right) ** 2)
    return np.sqrt(height)


def _granules(cell: Blastocyst, frame: int, y: np.ndarray, x: np.ndarray, tiles: np.ndarray) -> np.ndarray:
    """Grain that turns with the tissue and slowly boils, of mean 0 and spread 1."""
    cos, sin = (np.float32(wave(cell.turn[frame]) * _GRAIN) for wave in (np.cos, np.sin))
    v = (np.floor(y * cos - x * sin).astype(np.intp) + cell.patch[0]) % TILE
    u = (np.floor(x * cos + y * sin).astype(np.intp) + cell.patch[1]) % TILE
    one, other = np.float32(np.cos(_BOIL * frame)), np.float32(np.sin(_BOIL * frame))
    return one * tiles[0][v, u] + other * tiles[1][v, u]
