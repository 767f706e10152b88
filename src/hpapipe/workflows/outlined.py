"""Movies with what was measured drawn on them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hpapipe.movies.overlay import caption, contrast, overlay, palette
from hpapipe.movies.reading import open_movie
from hpapipe.movies.trace import Trace
from hpapipe.movies.writing import write_gif, write_mp4
from hpapipe.progress import track
from hpapipe.workflows.pooled import Pooled

LOOKS = 12
"""Frames that contrast is taken from."""
MOST_GIF, WIDEST_GIF = 75, 640
"""Frames of a GIF, and pixels of its longer side: it is to be sent and shown in a page, and browsers hold all of it."""
SMALLEST = 400
"""Pixels to which the longer side of small frames is enlarged, as far as whole numbers go: lines and text stay thin."""


def write_outlined(
    folder: Path, found: Pooled, measured: Sequence[Trace], drifts: Sequence[np.ndarray], fps: float
) -> None:
    """Write `overlay.mp4`, and `overlay.gif` with fewer and smaller frames where they are many or large.

    Args:
        folder: holds `masks.tif`.
        found: the movie and its pools.
        measured: a trace for each cell.
        drifts: of each frame, as in `PooledFrame`.
        fps: frames a second.
    """
    movie = found.movie
    count, longer = len(movie), max(movie.height, movie.width)
    pictures = _Pictures(folder, found, drifts, _doubted(found, measured))
    write_mp4(folder / "overlay.mp4", track(pictures.drawn(), "Writing MP4", count), fps)
    step, shrink = -(-count // MOST_GIF), -(-longer // WIDEST_GIF)
    thinned = track(pictures.drawn(step, shrink), "Writing GIF", -(-count // step))
    # Thinned frames are shown at half the speed, so that a day of 145 frames takes as long as in the MP4.
    write_gif(folder / "overlay.gif", thinned, fps if step == 1 else fps / 2, palette())


@dataclass(frozen=True, eq=False)
class _Pictures:
    """What frames with outlines are drawn from.

    Args:
        folder: holds `masks.tif`.
        found: the movie and its pools.
        drifts: of each frame.
        doubted: bool `[pools, frames]`.
    """

    folder: Path
    found: Pooled
    drifts: Sequence[np.ndarray]
    doubted: np.ndarray

    def drawn(self, step: int = 1, shrink: int = 1) -> Iterator[np.ndarray]:
        """Every `step`th frame with outlines, `shrink` times smaller, or larger where frames are small."""
        movie = self.found.movie
        zoom = max(1, SMALLEST // max(movie.height, movie.width))
        pixel_um = None if movie.pixel_um is None else shrink * movie.pixel_um
        ends = contrast(movie.read(step=max(1, len(movie) // LOOKS)))
        masks = open_movie(self.folder / "masks.tif", max_pixels=movie.height * movie.width).read(step=step)
        for number, frame, labels in zip(range(0, len(movie), step), movie.read(step=step), masks, strict=True):
            text = caption(number, None if movie.interval_s is None else number * movie.interval_s / 3600)
            small, middle = _smaller(frame, shrink), slice(shrink // 2, None, shrink)
            rows, columns = (slice(side) for side in small.shape)
            own = (each[middle, middle][rows, columns] for each in (labels, self._trusted(number)))
            yield overlay(small, *own, ends=ends, text=text, pixel_um=pixel_um, zoom=zoom)

    def _trusted(self, number: int) -> np.ndarray:
        """Where a frame is to be trusted, bool `[height, width]`."""
        movie, (height, width) = self.found.movie, self.found.grid.size
        trusted = np.ones((movie.height, movie.width), bool)
        corners = self.found.corners(self.drifts[number])
        for pool in np.flatnonzero(self.doubted[:, number]).tolist():
            top, left = corners[pool]
            trusted[max(top, 0) : max(top + height, 0), max(left, 0) : max(left + width, 0)] = False
        return trusted


def _smaller(frame: np.ndarray, shrink: int) -> np.ndarray:
    """The mean of each tile of `shrink` pixels a side, in the frame's own type."""
    height, width = (side // shrink for side in frame.shape)
    tiles = frame[: height * shrink, : width * shrink].reshape(height, shrink, width, shrink)
    return tiles.mean(axis=(1, 3), dtype=np.float32).astype(frame.dtype)


def _doubted(found: Pooled, measured: Sequence[Trace]) -> np.ndarray:
    """Where a cell of a pool is not to be trusted, bool `[pools, frames]`; pools that are always empty are."""
    doubted = np.zeros((len(found.grid.names), len(found.movie)), bool)
    place = {name: number for number, name in enumerate(found.grid.names)}
    for trace in measured:
        if trace.has_cell:
            doubted[place[trace.pool]] |= ~trace.table["trusted"].to_numpy(bool)
    return doubted
