"""A movie measured by a Version: the cells of each pool outlined in every frame, and their areas over time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd

from hpapipe.config import Recipe
from hpapipe.errors import UserError
from hpapipe.movies.following import Cell, Follower
from hpapipe.movies.manual import alike, compare_manual, manual_table, read_manual
from hpapipe.movies.pools import floor
from hpapipe.movies.trace import Trace, agreement, traces
from hpapipe.movies.writing import write_tiff
from hpapipe.plots.pools import draw_grid
from hpapipe.plots.trace import draw_normalized, draw_overview, draw_traces, traces_table
from hpapipe.progress import bar, say
from hpapipe.tasks.segmenter import Segmenter, enlarged
from hpapipe.tracking import registry
from hpapipe.workflows.outlined import write_outlined
from hpapipe.workflows.pooled import Pooled, PooledFrame, pooled
from hpapipe.workflows.refused import refuse_other
from hpapipe.workflows.whole_folder import whole_folder

AT_ONCE = 32
"""Patches answered at once, in as many whole frames."""


@dataclass(frozen=True)
class Measured:
    """What was written.

    Args:
        folder: with everything.
        version: number of the Version that answered.
        table: a row a cell: `pool, cell, frames, trusted, first, largest` and, beside manual areas, how well they
            agree.
        unit: of the areas, `px` or `µm²`.
    """

    folder: Path
    version: str
    table: pd.DataFrame
    unit: str


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
    model, _, number = registry.load(recipe.register_as, which)
    segmenter = model.unwrap_python_model().version
    if not hasattr(segmenter, "by_way"):
        received = f"version {number} of {recipe.register_as}, which answers with labels"
        raise UserError("Movies are measured by a Version that draws masks.", received, "Set `register_as`.")
    found = pooled(recipe, path)
    _refuse_depth(segmenter, found)
    names = found.grid.names
    told = read_manual(manual, names, len(found.movie)) if manual else None
    with whole_folder(out, "measurements") as folder:
        seen = _Seen(recipe, found)
        movie = found.movie
        write_tiff(folder / "masks.tif", seen.labels(segmenter), movie.pixel_um, movie.interval_s)
        measured = seen.traces()
        told = None if told is None else alike(measured, told)
        write_outlined(folder, found, measured, recipe.measure.fps)
        _write_tables(folder, found, measured)
        table = _summary(measured, told)
        table.to_csv(folder / "summary.csv", index=False)
        _draw(folder, found, measured, told)
    return Measured(out, number, table, "µm²" if found.movie.pixel_um else "px")


class _Seen:
    """What was seen so far in each pool: the cells of each frame, and how sure the answers were."""

    def __init__(self, recipe: Recipe, found: Pooled) -> None:
        self.wanted, self.found = recipe.measure, found
        wanted, inside = self.wanted, floor(found.grid)
        rules = (wanted.objects, wanted.cells, wanted.min_area, wanted.holes, wanted.bubbles, inside)
        self.followers = [Follower(*rules) for _ in found.grid.names]
        self.cells: list[list[tuple[Cell, ...]]] = [[] for _ in found.grid.names]
        self.confidence: list[list[float]] = [[] for _ in found.grid.names]

    def labels(self, segmenter: Segmenter) -> Iterator[np.ndarray]:
        """Of every frame in turn: uint8 `[height, width]`, cells 1 and 2, bubbles 3, as `Found.labels`."""
        frames = self.found.frames()
        together = max(1, AT_ONCE // len(self.followers))
        with bar("Measuring", len(self.found.movie)) as advance:
            while some := list(islice(frames, together)):
                patches = [patch for frame in some for patch in frame.patches]
                answers = segmenter.by_way(patches, self.wanted.turns)
                for frame in some:
                    yield self._step(segmenter, frame, list(islice(answers, len(self.followers))))
                    advance()

    def _step(self, segmenter: Segmenter, frame: PooledFrame, answers: list[np.ndarray]) -> np.ndarray:
        side, cut = self.found.grid.side, segmenter.spec.cut
        labels = np.zeros(frame.frame.shape, np.uint8)
        for pool, (answer, corner) in enumerate(zip(answers, self.found.corners(frame.drift), strict=True)):
            mask = enlarged(answer.mean(axis=0), (side, side)) >= cut
            step = self.followers[pool].step(mask)
            self.cells[pool].append(step.cells)
            self.confidence[pool].append(agreement(answer, cut) if self.wanted.turns else float("nan"))
            _lay(labels, step.labels, corner)
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


def _lay(labels: np.ndarray, own: np.ndarray, corner: tuple[int, int]) -> None:
    """Lay a pool's labels into those of the frame, as far as they are in it."""
    top, left = corner
    rows = slice(max(top, 0), min(top + own.shape[0], labels.shape[0]))
    columns = slice(max(left, 0), min(left + own.shape[1], labels.shape[1]))
    part = own[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
    np.copyto(labels[rows, columns], part, where=part > 0)


def _refuse_depth(segmenter: Segmenter, found: Pooled) -> None:
    bits = segmenter.spec.bits
    if found.movie.bits != bits:
        received = f"{found.movie.bits} bits in {found.movie.path.name}"
        remedy = "Convert the movie as those of training were."
        raise UserError(f"The movie must have {bits} bits a pixel, as in training.", received, remedy)


def _write_tables(folder: Path, found: Pooled, measured: list[Trace]) -> None:
    """A CSV a pool; where it holds two cells, one below the other."""
    for name in found.grid.names:
        own = [trace.table.assign(cell=trace.cell) for trace in measured if trace.pool == name]
        table = pd.concat(own, ignore_index=True)
        table.insert(0, "cell", table.pop("cell"))
        table["frame"] += 1
        table.to_csv(folder / f"{name}.csv", index=False)


def _summary(measured: list[Trace], told: pd.DataFrame | None) -> pd.DataFrame:
    rows = []
    for trace in measured:
        table = trace.table
        unit = "px" if table["area_um2"].isna().all() else "um2"
        areas = table[f"smoothed_{unit}"].dropna()
        row = {
            "pool": trace.pool,
            "cell": trace.cell if trace.has_cell else 0,
            "frames": len(table),
            "trusted": int(table["trusted"].sum()),
            "first": float(areas.iloc[0]) if len(areas) else 0.0,
            "largest": float(areas.max()) if len(areas) else 0.0,
        }
        by_hand = compare_manual(trace, told) if told is not None and trace.has_cell else {}
        rows.append(row | {f"by_hand_{name}" if "frames" in name else name: value for name, value in by_hand.items()})
    return pd.DataFrame(rows)


def _draw(folder: Path, found: Pooled, measured: list[Trace], told: pd.DataFrame | None) -> None:
    """The grid, all pools at a glance, a figure a pool, and one for each cell that was measured by hand."""
    draw_grid(next(found.movie.read(stop=1)), found.table()).savefig(folder / "grid.png")
    whole = traces_table({(trace.pool, trace.cell): trace.table for trace in measured})
    draw_overview(whole, found.grid.columns).savefig(folder / "pools.png")
    with_cell = [trace for trace in measured if trace.has_cell]
    for name in dict.fromkeys(trace.pool for trace in with_cell):
        draw_traces(whole[whole["pool"] == name]).savefig(folder / f"{name}.png")
    if told is not None:
        for trace in with_cell:
            _draw_beside(folder, trace, told)
    if empty := len({trace.pool for trace in measured} - {trace.pool for trace in with_cell}):
        say(f"{empty} {'pool' if empty == 1 else 'pools'} without a cell: area 0 in all frames")


def _draw_beside(folder: Path, trace: Trace, told: pd.DataFrame) -> None:
    agreed = compare_manual(trace, told)
    if agreed["frames"]:
        table = manual_table(trace, told).assign(pool=trace.pool, cell=trace.cell)
        draw_normalized(table, agreed).savefig(folder / f"{trace.pool}_cell_{trace.cell}_by_hand.png")
