"""What a camera makes of a grid of pools: lit floor and dark walls, uneven light, noise, then 8 or 16 bits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hpapipe.simulate.blastocyst_light import Optics
from hpapipe.simulate.blastocyst_relief import TILE
from hpapipe.simulate.blastocysts import wander
from hpapipe.simulate.pool_grid import Grid

_POINT = 1 / 33
"""Unit in which lengths at a pool's edge are given: a pixel where a pool has its usual size, in shares of its reach."""


@dataclass(frozen=True, eq=False)
class Light:
    """How a film is lit and taken.

    Args:
        optics: of the microscope.
        floor: light of the pools' floor, share of white.
        wall: light of the walls, share of white.
        rim: light gained along a pool's edge, share of white.
        slope: change of light from the frame's middle to its border, down and right, float `[2]`.
        vignette: what the corners lack, share.
        level: of the lamp, about 1, float `[frames]`.
        focus: of the stage, in depths of focus, float `[frames]`.
        photons: that a white pixel catches.
    """

    optics: Optics
    floor: float
    wall: float
    rim: float
    slope: np.ndarray
    vignette: float
    level: np.ndarray
    focus: np.ndarray
    photons: float


def lamp(rng: np.random.Generator, hours: np.ndarray) -> Light:
    """The light of one film: from nearly plain bright field to strong interference contrast.

    Args:
        rng: every choice is drawn from it.
        hours: of each frame since the first, float `[frames]`.
    """
    floor, sheared = rng.uniform(0.5, 0.64), rng.random() ** 0.6
    optics = Optics(
        shear=rng.uniform(0, 2 * np.pi),
        slope=0.05 + 0.17 * sheared,
        curve=float(rng.choice([-1, 1])) * (0.1 - 0.08 * sheared),
        defocus=rng.uniform(0.02, 0.05),
        shade=rng.uniform(0, 0.06),
        halo=rng.uniform(0.04, 0.1),
    )
    return Light(
        optics=optics,
        floor=floor,
        wall=floor * rng.uniform(0.3, 0.6),
        rim=rng.uniform(-0.05, 0.12),
        slope=rng.uniform(-0.08, 0.08, 2),
        vignette=rng.uniform(0, 0.08),
        level=1 + 0.012 * wander(rng, hours, 3.0) + 0.003 * rng.standard_normal(len(hours)),
        focus=0.4 * wander(rng, hours, 5.0) + 0.1 * rng.standard_normal(len(hours)),
        photons=rng.uniform(1500, 4000),
    )


def floor_and_walls(
    grid: Grid, shape: tuple[int, int], drift: np.ndarray, light: Light, tile: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(light of the empty grid, share of white; how much of each pixel is floor), float32 `[h, w]` each.

    Args:
        grid: of pools.
        shape: of the frame.
        drift: of the stage in this frame, in pixels, float `[2]`.
        light: of the film.
        tile: of grain, which the roughness of floor and walls is taken from, float32 `[TILE, TILE]`.
    """
    down, right = grid.stage(shape, drift)
    unit = grid.reach * _POINT
    depth = grid.depth(down, right) / unit
    rough = tile[_points(down / unit), _points(right / unit)]
    share = 1 / (1 + np.exp(np.clip(-2.4 * depth, -30, 30)))
    shadow = 0.16 * np.exp(-np.maximum(depth, 0) / 4)
    floor = light.floor * (1 - shadow + 0.006 * rough) + light.rim * np.exp(-((depth - 1.2) ** 2))
    wall = light.wall * (1 + 0.07 * rough) - 0.05 * np.exp(-((depth + 2) ** 2) / 3)
    return wall + (floor - wall) * share, share


def expose(seen: np.ndarray, frame: int, light: Light, bits: int, rng: np.random.Generator) -> np.ndarray:
    """The picture that the camera takes, uint8 or uint16 `[h, w]`.

    Args:
        seen: light of the scene, share of white, float32 `[h, w]`.
        frame: index of the frame.
        light: of the film.
        bits: 8 or 16.
        rng: noise is drawn from it.
    """
    y, x = (np.linspace(-1, 1, side, dtype=np.float32) for side in seen.shape)
    across = float(light.slope[1]) * x - light.vignette / 2 * x * x
    down = float(light.slope[0]) * y - light.vignette / 2 * y * y
    caught = np.maximum(seen * (1 + down[:, None] + across), 0) * float(light.level[frame])
    # Shot noise has the root of the light's number of photons; what a dark pixel has comes from reading it.
    spread = np.sqrt(caught / light.photons + 3e-6)
    caught += spread * rng.standard_normal(seen.shape, dtype=np.float32)
    grey = np.rint(np.clip(caught, 0, 1) * (2**bits - 1))
    return grey.astype(np.uint8 if bits == 8 else np.uint16)


def _points(way: np.ndarray) -> np.ndarray:
    """Places in a tile for a way in points, six places each."""
    return np.floor(way * 6).astype(np.intp) % TILE
