"""Films of blastocysts in a grid of pools: frames as a camera takes them, and the truth about each.

Every frame can be drawn alone and is the same bytes whichever process draws it: what runs on from frame to frame is
laid down when the film is made, and each frame's noise has a seed of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from hpapipe import config
from hpapipe.simulate import blastocyst_light, blastocyst_relief, camera, pool_grid
from hpapipe.simulate.blastocyst_relief import Window
from hpapipe.simulate.blastocysts import wander
from hpapipe.simulate.pool_grid import Grid
from hpapipe.simulate.pool_life import Pool, live

_MARGIN = 1.1


class Area(NamedTuple):
    """One blastocyst in one frame. Its number in the pool is 1 or 2; places are in pixels of the frame."""

    frame: int
    pool: int
    cell: int
    area_px: int
    area_um2: float
    centre_row: float
    centre_column: float


class Frame(NamedTuple):
    """One frame and its truth.

    `image`: uint8 or uint16 `[h, w]`. `labels`: uint8 `[h, w]`, 0 where there is no blastocyst, else its number within
    its pool, 1 or 2. `bubbles`: bool `[h, w]`, never where a blastocyst is. `areas`: by pool and number.
    """

    image: np.ndarray
    labels: np.ndarray
    bubbles: np.ndarray
    areas: list[Area]


@dataclass(frozen=True, eq=False)
class Film:
    """A film that is drawn frame by frame; `film` makes it.

    Args:
        options: as given.
        grid: of pools.
        drift: (row, column) by which the stage has moved since the first frame, in pixels, float `[frames, 2]`.
        pools: what each holds, row by row.
        light: of the film.
        tiles: of grain, float32 `[2, TILE, TILE]`.
    """

    options: config.Film
    grid: Grid
    drift: np.ndarray
    pools: tuple[Pool, ...]
    light: camera.Light
    tiles: np.ndarray

    def centres(self, index: int) -> np.ndarray:
        """(row, column) of every pool's middle in one frame, in pixels, row by row, float `[pools, 2]`."""
        return self.grid.centres(self.drift[index])

    def frames(self) -> Iterator[Frame]:
        """Every frame in turn, each drawn when it is asked for."""
        return (self.frame(index) for index in range(self.options.frames))

    def frame(self, index: int) -> Frame:
        """One frame, drawn alone: the same bytes as in `frames`."""
        shape = self.options.shape
        seen, floor = camera.floor_and_walls(self.grid, shape, self.drift[index], self.light, self.tiles[0])
        labels, bubbles = np.zeros(shape, np.uint8), np.zeros(shape, bool)
        areas: list[Area] = []
        for number, (pool, centre) in enumerate(zip(self.pools, self.centres(index), strict=True)):
            part, window = _window(shape, centre, self.grid)
            drawn = blastocyst_light.draw(
                pool, index, window, self.light.optics, float(self.light.focus[index]), self.tiles
            )
            seen[part] += drawn.light * floor[part] * self.light.floor
            labels[part] += drawn.labels
            bubbles[part] |= drawn.bubbles
            areas += self._areas(index, number, len(pool.cells), drawn.labels, part)
        rng = np.random.default_rng(np.random.SeedSequence(self.options.seed, spawn_key=(2, index)))
        return Frame(camera.expose(seen, index, self.light, self.options.bits, rng), labels, bubbles, areas)

    def _areas(self, frame: int, pool: int, cells: int, numbers: np.ndarray, part: tuple[slice, slice]) -> list[Area]:
        found = []
        for cell in range(1, cells + 1):
            rows, columns = np.nonzero(numbers == cell)
            row, column = rows.mean() + part[0].start, columns.mean() + part[1].start
            area_um2 = len(rows) * self.options.pixel_um**2
            found.append(Area(frame, pool, cell, len(rows), area_um2, float(row), float(column)))
        return found


def film(options: config.Film) -> Film:
    """The film of these options; nothing is drawn yet.

    Each pool has a child seed of its own, so that what it holds does not depend on the others.

    Args:
        options: what kind of film.

    Raises:
        UserError: where the pools would be too small in the frame.
    """
    hours = np.arange(options.frames) * (options.minutes / 60)
    rng = np.random.default_rng(np.random.SeedSequence(options.seed, spawn_key=(0,)))
    grid = pool_grid.fitted(
        options.rows, options.columns, options.pool, options.square, options.turn, options.drift, rng
    )
    pools = tuple(
        live(
            np.random.default_rng(np.random.SeedSequence(options.seed, spawn_key=(1, number))),
            hours,
            options.square,
            options.empty,
            options.twins,
            options.bubbling,
        )
        for number in range(options.rows * options.columns)
    )
    drift = _drift(rng, hours, options.drift)
    return Film(options, grid, drift, pools, camera.lamp(rng, hours), blastocyst_relief.grain(rng))


def _drift(rng: np.random.Generator, hours: np.ndarray, most: float) -> np.ndarray:
    """Where the stage is, in pixels from where it began: a slow way with a small jitter, float `[frames, 2]`."""
    way = np.stack([np.cumsum(wander(rng, hours, 4.0)), np.cumsum(wander(rng, hours, 4.0))], -1)
    way -= way[0]
    farthest = max(float(np.abs(way).max()), 1e-9)
    way = way * (rng.uniform(0.3, 0.9) * most / farthest) + rng.normal(0, 0.02 * most, way.shape)
    way[0] = 0
    return np.clip(way, -most, most)


def _window(shape: tuple[int, int], centre: np.ndarray, grid: Grid) -> tuple[tuple[slice, slice], Window]:
    """The pixels of a frame in which a pool lies, a little more than its reach: a turned square sticks out."""
    first = np.maximum(np.floor(centre - _MARGIN * grid.reach).astype(int), 0)
    last = np.minimum(np.ceil(centre + _MARGIN * grid.reach).astype(int) + 1, shape)
    rows, columns = (
        ((np.arange(low, high) - middle) / grid.reach).astype(np.float32)
        for low, high, middle in zip(first, last, centre, strict=True)
    )
    window = Window(rows[:, None], columns[None, :], grid.reach, grid.angle)
    return (slice(first[0], last[0]), slice(first[1], last[1])), window
