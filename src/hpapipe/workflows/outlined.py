"""Movies with what was measured drawn on them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from hpapipe.movies.overlay import caption, contrast, overlay
from hpapipe.movies.reading import open_movie
from hpapipe.movies.trace import Trace
from hpapipe.movies.writing import write_gif, write_mp4
from hpapipe.progress import track
from hpapipe.workflows.pooled import Pooled

LOOKS = 12
"""Frames that contrast is taken from."""
MOST_GIF = 150
"""Frames of a GIF: longer movies are thinned, since browsers hold all of it."""


def write_outlined(folder: Path, found: Pooled, measured: Sequence[Trace], fps: float) -> None:
    """Write `overlay.mp4`, and `overlay.gif` with fewer frames where there are many.

    Args:
        folder: holds `masks.tif`.
        found: the movie and its pools.
        measured: a trace for each cell.
        fps: frames a second.
    """
    count = len(found.movie)
    step = -(-count // MOST_GIF)
    write_mp4(folder / "overlay.mp4", track(_drawn(folder, found, measured, 1), "Writing MP4", count), fps)
    thinned = len(range(0, count, step))
    write_gif(folder / "overlay.gif", track(_drawn(folder, found, measured, step), "Writing GIF", thinned), fps)


def _drawn(folder: Path, found: Pooled, measured: Sequence[Trace], step: int) -> Iterator[np.ndarray]:
    movie = found.movie
    ends = contrast(movie.read(step=max(1, len(movie) // LOOKS)))
    masks = open_movie(folder / "masks.tif").read(step=step)
    doubted = _doubted(found, measured)
    for frame, labels in zip(found.frames(step), masks, strict=True):
        trusted = np.ones(labels.shape, bool)
        for pool in np.flatnonzero(doubted[:, frame.number]).tolist():
            top, left = found.corners(frame.drift)[pool]
            trusted[max(top, 0) : top + found.grid.side, max(left, 0) : left + found.grid.side] = False
        hours = None if movie.interval_s is None else frame.number * movie.interval_s / 3600
        lines = caption(frame.number, hours, {})
        yield overlay(frame.frame, labels, trusted, ends=ends, lines=lines, pixel_um=movie.pixel_um)


def _doubted(found: Pooled, measured: Sequence[Trace]) -> np.ndarray:
    """Where a cell of a pool is not to be trusted, bool `[pools, frames]`; pools that are always empty are."""
    doubted = np.zeros((len(found.grid.names), len(found.movie)), bool)
    place = {name: number for number, name in enumerate(found.grid.names)}
    for trace in measured:
        if trace.has_cell:
            doubted[place[trace.pool]] |= ~trace.table["trusted"].to_numpy(bool)
    return doubted
