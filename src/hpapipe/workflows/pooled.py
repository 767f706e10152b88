"""A movie and its pools, as a recipe asks for them: opened, found, followed, and cut out frame by frame."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from hpapipe.config import Recipe
from hpapipe.errors import UserError
from hpapipe.movies.drift import Drift
from hpapipe.movies.grid import DOUBTFUL, Grid, even_grid, find_grid, whole_frame
from hpapipe.movies.movie import Movie
from hpapipe.movies.pools import cut, place
from hpapipe.movies.reading import open_movie
from hpapipe.plots.pools import grid_table
from hpapipe.progress import say


class PooledFrame(NamedTuple):
    """One frame and its pools.

    `number`: of the frame, from 0. `frame`: uint8 or uint16 `[height, width]`. `drift`: (row, column) by which the
    stage has moved since the first frame, px. `patches`: the pools, of the frame's type `[pools, height, width]`.
    """

    number: int
    frame: np.ndarray
    drift: np.ndarray
    patches: np.ndarray


@dataclass(frozen=True)
class Pooled:
    """A movie and its grid of pools.

    Args:
        movie: with the pixel size and the interval that the recipe gives, or its own.
        grid: of its first frame.
        fill: a name in `movies.pools.FILLS`.
        follows: whether drift is followed.
    """

    movie: Movie
    grid: Grid
    fill: str
    follows: bool

    def frames(self, step: int = 1) -> Iterator[PooledFrame]:
        """Every `step`th frame with its pools, one after the other; no more than one is held."""
        numbers = range(0, len(self.movie), step)
        for number, frame, drift in zip(numbers, self.movie.read(step=step), self._drifts(step), strict=True):
            yield PooledFrame(number, frame, drift, cut(frame, self.grid, drift, self.fill))

    def corners(self, drift: np.ndarray) -> list[tuple[int, int]]:
        """Top and left of each pool's patch in a frame, px; it may reach beyond the frame."""
        return [(int(top), int(left)) for top, left in place(self.grid, drift)]

    def table(self) -> pd.DataFrame:
        """The grid as `plots.pools.draw_grid` takes it."""
        grid = self.grid
        return grid_table(grid.names, grid.centres(), grid.size, grid.radius, grid.square, grid.angle)

    def _drifts(self, step: int) -> Iterator[np.ndarray]:
        if self.follows:
            return Drift().follow(self.movie.read(step=step))
        return (np.zeros(2) for _ in range(0, len(self.movie), step))


def pooled(recipe: Recipe, path: Path) -> Pooled:
    """The movie at `path` with its pools.

    Args:
        recipe: its section `movie`.
        path: a file or a folder of frames.

    Raises:
        UserError: it cannot be read, has no grid to be found, or no room for the grid that is given.
    """
    wanted = recipe.movie
    movie = open_movie(path, wanted.channel, wanted.max_pixels)
    interval_s = wanted.minutes * 60 if wanted.minutes else movie.interval_s
    movie = replace(movie, pixel_um=wanted.pixel_um or movie.pixel_um, interval_s=interval_s)
    first = next(movie.read(stop=1))
    grid = _grid(wanted.grid, movie, first)
    scale = f"{movie.pixel_um:g} µm a pixel" if movie.pixel_um else "no pixel size, so areas are in px"
    time = f"{movie.interval_s / 60:g} min apart" if movie.interval_s else "no time between frames"
    frames = f"{len(movie):,} frame{'' if len(movie) == 1 else 's'}"
    say(f"Movie: {frames} of {movie.width}×{movie.height} from {path}, {scale}, {time}")
    say(f"Pools: {_in_words(grid, wanted.grid)}")
    if wanted.grid == "none":  # it has no surround, and nothing leaves it where the stage drifts
        return Pooled(movie, grid, "none" if wanted.fill == "auto" else wanted.fill, follows=False)
    return Pooled(movie, grid, wanted.fill, wanted.drift)


def _in_words(grid: Grid, wanted: str) -> str:
    height, width = grid.size
    if wanted == "none":
        return f"one, the whole frame of {width}×{height} px"
    turned = f", turned by {grid.angle:.1f}°" if abs(grid.angle) >= 0.05 else ""
    shape = "square" if grid.square else "round"
    how = "found" if wanted == "auto" else "as given"
    doubt = "; look at grid.png, since the frame shows it faintly" if (grid.quality or 1) < DOUBTFUL else ""
    return f"{grid.rows}×{grid.columns} {shape} ones of {width}×{height} px, {how}{turned}{doubt}"


def _grid(wanted: str, movie: Movie, first: np.ndarray) -> Grid:
    shape = (movie.height, movie.width)
    if wanted == "auto":
        return find_grid(first, f"the first frame of {movie.path.name}")
    try:
        return whole_frame(shape) if wanted == "none" else even_grid(shape, *map(int, wanted.split("x")))
    except ValueError as error:
        rule = "The grid that is given must fit the movie."
        raise UserError(rule, str(error).rstrip("."), "Give another with --movie.grid.") from None
