"""Some frames of a movie, cut into pools and written for drawing masks, or with masks that are there already."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from hpapipe.config import Recipe
from hpapipe.errors import UserError
from hpapipe.movies.movie import Movie
from hpapipe.movies.pools import cut
from hpapipe.movies.reading import open_movie
from hpapipe.plots.pools import draw_grid
from hpapipe.progress import track
from hpapipe.workflows.pooled import Pooled, PooledFrame, pooled
from hpapipe.workflows.whole_folder import refuse_existing, whole_folder

NOTES = "frames.json"
FOLDER = "frames"
"""What is written, for messages."""

FORMAT = 1
"""Raised whenever the same movie and options would give other images, as after a change of how pools are found or
filled: what is kept of simulated films is then cut anew."""


def any_value(mask: np.ndarray) -> np.ndarray:
    """Every value but 0 is a cell."""
    return mask > 0


@dataclass(frozen=True)
class Cutting:
    """What is cut, and where to.

    Args:
        movie: a file or a folder of frames.
        out: folder that must not exist yet.
        masks: another movie, of the same size and length, whose pixels say where cells are; none: masks are to be
            drawn.
        cell: says which of its values are cells.
    """

    movie: Path
    out: Path
    masks: Path | None = None
    cell: Callable[[np.ndarray], np.ndarray] = any_value


@dataclass(frozen=True)
class Written:
    """What was written: how many images, of how many pools and frames, and into which folder."""

    images: int
    pools: int
    frames: int
    folder: Path
    has_masks: bool


def write_frames(recipe: Recipe, cutting: Cutting) -> Written:
    """Write every so many frames of each pool as `images/r1c1_f0001.png`, which a set of pairs begins with.

    `grid.png` shows the grid on the first frame, and `frames.json` says how all was cut. The folder gets its name last:
    what goes wrong leaves nothing behind.

    Args:
        recipe: its section `movie`.
        cutting: what is cut, and where to.

    Raises:
        UserError: the movie cannot be read or has no grid, its masks do not fit it, or the folder is there already or
            cannot be written.
    """
    refuse_existing(cutting.out, FOLDER)
    found = pooled(recipe, cutting.movie)
    drawn = _fitting(cutting.masks, found.movie, recipe.movie.max_pixels) if cutting.masks else None
    step = recipe.movie.every
    count = len(range(0, len(found.movie), step))
    with whole_folder(cutting.out, FOLDER) as folder:
        for kind in ("images", *(["masks"] if drawn else [])):
            (folder / kind).mkdir()
        drifts = []
        masks = drawn.read(step=step) if drawn else iter(lambda: None, 0)
        for frame, mask in zip(track(found.frames(step), "Cutting frames", count), masks, strict=False):
            drifts.append([frame.number + 1, *np.round(frame.drift, 2).tolist()])
            _write_pools(folder / "images", found, frame, frame.patches)
            if mask is not None:
                white = np.where(cutting.cell(mask), np.uint8(255), np.uint8(0))
                patches = cut(white, found.grid, frame.drift, "none") > 127  # beyond the frame is the patch's mean
                _write_pools(folder / "masks", found, frame, np.uint8(255) * patches)
        _write_notes(folder, found, drifts)
    pools = len(found.grid.names)
    return Written(pools * count, pools, count, cutting.out, drawn is not None)


def _fitting(masks: Path, movie: Movie, max_pixels: int) -> Movie:
    drawn = open_movie(masks, max_pixels=max_pixels)
    of_movie, of_masks = ((len(each), each.height, each.width) for each in (movie, drawn))
    if of_movie != of_masks:
        told = [
            f"{frames:,} frame{'' if frames == 1 else 's'} of {width}×{height}"
            for frames, height, width in (of_masks, of_movie)
        ]
        rule = "Masks of a movie must have its frames and their size."
        raise UserError(rule, f"{told[0]} for {told[1]}", "Give the masks of this very movie.")
    return drawn


def _write_pools(folder: Path, found: Pooled, frame: PooledFrame, patches: np.ndarray) -> None:
    for name, patch in zip(found.grid.names, patches, strict=True):
        Image.fromarray(patch).save(folder / f"{name}_f{frame.number + 1:04d}.png")


def _write_notes(folder: Path, found: Pooled, drifts: list[list[float]]) -> None:
    movie, grid = found.movie, found.grid
    notes = {
        "format": FORMAT,
        "movie": movie.path.name,
        "fingerprint": movie.fingerprint,
        "pixel_um": movie.pixel_um,
        "interval_s": movie.interval_s,
        "grid": asdict(grid),
        "fill": found.fill,
        "frame_and_drift": drifts,
    }
    (folder / NOTES).write_text(json.dumps(notes, indent=1) + "\n", encoding="utf-8")
    draw_grid(next(movie.read(stop=1)), found.table()).savefig(folder / "grid.png")
