"""A movie measured by a Version: the cells of each pool outlined in every frame, and their areas over time."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd

from hpapipe.config import Recipe
from hpapipe.errors import UserError
from hpapipe.movies.course import Course
from hpapipe.movies.following import Follower
from hpapipe.movies.manual import alike, read_manual
from hpapipe.movies.pools import floor, overlap
from hpapipe.movies.trace import Trace, agreement, traces
from hpapipe.movies.writing import write_tiff
from hpapipe.progress import bar, say
from hpapipe.tasks.segmenter import Segmenter, enlarged
from hpapipe.workflows.answering import load
from hpapipe.workflows.measured import Measured, write_measured
from hpapipe.workflows.outlined import write_outlined
from hpapipe.workflows.pooled import Pooled, PooledFrame, pooled
from hpapipe.workflows.refused import refuse_other
from hpapipe.workflows.whole_folder import refuse_existing, whole_folder

FOLDER = "measurements"
"""What is written, for messages."""

AT_ONCE, PIXELS_AT_ONCE = 32, 16_000_000
"""Patches answered at once, in as many whole frames, and pixels that these have at most unless one has more."""


def measure(recipe: Recipe, path: Path, out: Path, which: str, manual: Path | None = None) -> Measured:
    """Measure a movie, and write traces, masks, movies with outlines and figures into a new folder.

    Memory does not grow with the movie's length: a few frames are held, and some numbers a frame and cell.

    Args:
        recipe: names the registered model; its sections `movie` and `measure`.
        path: of the movie, a file or a folder of frames.
        out: folder that must not exist yet.
        which: alias or number of the Version.
        manual: CSV of areas that a human measured.

    Raises:
        UserError: no such Version, a movie or a table that cannot be read, no grid, or a folder that cannot be written.
    """
    refuse_other(recipe, "segmentation", "movie measure", "Give a recipe of movies, such as configs/blastocyst.yaml.")
    refuse_existing(out, FOLDER)
    answering = load(recipe, which)
    segmenter, number = answering.version, answering.number
    if not hasattr(segmenter, "by_way"):
        received = f"version {number} of {recipe.register_as}, which answers with labels"
        raise UserError("Movies are measured by a Version that draws masks.", received, "Set `register_as`.")
    found = pooled(recipe, path)
    _refuse_depth(segmenter, found)
    told = _by_hand(manual, found) if manual else None
    with whole_folder(out, FOLDER) as folder:
        seen = _Seen(recipe, found)
        movie = found.movie
        write_tiff(folder / "masks.tif", seen.labels(segmenter), movie.pixel_um, movie.interval_s)
        measured = seen.traces()
        told = None if told is None else alike(measured, told)
        write_outlined(folder, found, measured, seen.drifts, recipe.measure.fps)
        shown = write_measured(folder, found, measured, told)
    return Measured(out, found, number, *shown)


def _by_hand(path: Path, found: Pooled) -> pd.DataFrame:
    """The areas that a human measured, after a line about how they were understood."""
    manual = read_manual(path, found.grid.names, len(found.movie))
    pools = manual.table["pool"].nunique()
    say(f"Areas by hand: {pools} {'pool' if pools == 1 else 'pools'} from {path}, {manual.understood}")
    return manual.table


class _Seen:
    """What was seen so far in each pool: the cells of each frame, and how sure the answers were."""

    def __init__(self, recipe: Recipe, found: Pooled) -> None:
        self.wanted, self.found = recipe.measure, found
        wanted, inside = self.wanted, floor(found.grid)
        rules = (wanted.objects, wanted.cells, wanted.min_area, wanted.holes, wanted.bubbles, inside)
        self.followers = [Follower(*rules) for _ in found.grid.names]
        self.cells = [Course() for _ in found.grid.names]
        self.confidence = [array("d") for _ in found.grid.names]
        self.drifts: list[np.ndarray] = []

    def labels(self, segmenter: Segmenter) -> Iterator[np.ndarray]:
        """Of every frame in turn: uint8 `[height, width]`, cells 1 and 2, bubbles 3, as `Found.labels`."""
        frames = self.found.frames()
        movie, pools = self.found.movie, len(self.followers)
        together = max(1, min(AT_ONCE // pools, PIXELS_AT_ONCE // (movie.height * movie.width)))
        with bar("Measuring", len(self.found.movie)) as advance:
            while some := list(islice(frames, together)):
                patches = [patch for frame in some for patch in frame.patches]
                answers = segmenter.by_way(patches, self.wanted.turns)
                for frame in some:
                    yield self._step(segmenter, frame, list(islice(answers, len(self.followers))))
                    advance()

    def _step(self, segmenter: Segmenter, frame: PooledFrame, answers: list[np.ndarray]) -> np.ndarray:
        size, cut = self.found.grid.size, segmenter.spec.cut
        self.drifts.append(frame.drift)
        labels = np.zeros(frame.frame.shape, np.uint8)
        for pool, (answer, corner) in enumerate(zip(answers, self.found.corners(frame.drift), strict=True)):
            part, own = overlap(corner, size, labels.shape)
            known = np.zeros(size, bool)
            known[own] = True
            step = self.followers[pool].step(known & (enlarged(answer.mean(axis=0), size) >= cut), known)
            self.cells[pool].append(step.cells)
            self.confidence[pool].append(agreement(answer, cut) if self.wanted.turns else float("nan"))
            np.copyto(labels[part], step.labels[own], where=step.labels[own] > 0)
        return labels

    def traces(self) -> list[Trace]:
        """A trace for each cell of each pool."""
        movie, wanted = self.found.movie, self.wanted
        given = (movie.pixel_um, movie.interval_s, wanted.smooth, wanted.min_agreement)
        return [
            trace
            for name, cells, sure in zip(self.found.grid.names, self.cells, self.confidence, strict=True)
            for trace in traces(name, cells, sure if wanted.turns else None, *given)
        ]


def _refuse_depth(segmenter: Segmenter, found: Pooled) -> None:
    bits = segmenter.spec.bits
    if found.movie.bits != bits:
        received = f"{found.movie.bits} bits in {found.movie.path.name}"
        remedy = "Export it as the movies of training were, or train on frames of it."
        raise UserError(f"The movie must have {bits} bits a pixel, as in training.", received, remedy)
