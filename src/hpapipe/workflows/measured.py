"""What was measured in a movie, as files in a folder and as a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from hpapipe.config import Recipe
from hpapipe.movies.manual import compare_manual, manual_table
from hpapipe.movies.trace import Trace
from hpapipe.plots.pools import draw_grid
from hpapipe.plots.trace import draw_normalized, draw_overview, draw_traces, traces_table
from hpapipe.progress import say
from hpapipe.tracking import runs
from hpapipe.workflows.kept import KIND, MEASURE, keep_recipe
from hpapipe.workflows.pooled import Pooled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

AGREEMENT = ("correlation", "error_percent")
"""Columns of the summary that say how well a cell's areas agree with those by hand."""


@dataclass(frozen=True)
class Measured:
    """What was written.

    Args:
        folder: with everything.
        found: the movie and its pools.
        version: number of the Version that answered.
        table: a row a cell: `pool, cell, frames, trusted, first, largest` and, beside manual areas, how well they
            agree.
        figures: name -> table of the figures in the folder that a run shows.
    """

    folder: Path
    found: Pooled
    version: str
    table: pd.DataFrame
    figures: Mapping[str, pd.DataFrame]

    @property
    def unit(self) -> str:
        """Of the areas, `px` or `µm²`."""
        return "µm²" if self.found.movie.pixel_um else "px"

    @property
    def numbers(self) -> dict[str, float]:
        """What movies are compared by; nan where nothing was measured by hand, or no pool has a cell."""
        cells = self.table[self.table["cell"] > 0]
        known = {name: float(cells[name].mean()) for name in AGREEMENT if name in cells}
        return {
            "pools": len(self.found.grid.names),
            "cells": len(cells),
            "frames": len(self.found.movie),
            "trusted": cells["trusted"].sum() / max(cells["frames"].sum(), 1),
            **known,
        }


def log_measured(recipe: Recipe, measured: Measured) -> str:
    """The id of the run that tells what was measured; everything is in its folder already.

    Raises:
        AwayError: the store does not answer.
    """
    movie, version = measured.found.movie, f"{recipe.register_as}/{measured.version}"
    tags = {
        KIND: MEASURE,
        "mlflow.runName": f"measure {movie.path.name}",
        "hpapipe.experiment": recipe.experiment,
        "hpapipe.version": version,
        "hpapipe.data": movie.fingerprint,
    }
    with runs.running(recipe.experiment, tags) as run:
        keep_recipe(run, recipe)
        run.params({"movie": movie.path.name, "version": version})
        run.table("summary", measured.table)
        for name, table in measured.figures.items():
            run.file(measured.folder / f"{name}.png", "figures")
            run.table(f"figures/{name}", table)
        run.metrics({f"measured/{name}": value for name, value in measured.numbers.items()})
    return run.id


def write_measured(
    folder: Path, found: Pooled, measured: Sequence[Trace], told: pd.DataFrame | None
) -> tuple[pd.DataFrame, dict[str, pd.DataFrame]]:
    """Write tables and figures; what of them `Measured` holds.

    Args:
        folder: is there.
        found: the movie and its pools.
        measured: a trace for each cell.
        told: areas that a human measured, or none.
    """
    for name in found.grid.names:
        own = [_counted(trace.table).assign(cell=trace.cell) for trace in measured if trace.pool == name]
        table = pd.concat(own, ignore_index=True)
        table.insert(0, "cell", table.pop("cell"))
        table.to_csv(folder / f"{name}.csv", index=False)
    summary = _summary(measured, told)
    summary.to_csv(folder / "summary.csv", index=False)
    shown = {}
    for name, table, figure in _figures(found, measured, told):
        figure.savefig(folder / f"{name}.png")
        if name not in found.grid.names:  # a run shows all of them in one figure
            shown[name] = table
    if empty := len({trace.pool for trace in measured} - {trace.pool for trace in measured if trace.has_cell}):
        say(f"{empty} {'pool' if empty == 1 else 'pools'} without a cell: area 0 in all frames")
    return summary, shown


def _counted(table: pd.DataFrame) -> pd.DataFrame:
    """A trace's table with its frames as users count them: from 1."""
    return table.assign(frame=table["frame"] + 1)


def _summary(measured: Sequence[Trace], told: pd.DataFrame | None) -> pd.DataFrame:
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


def _figures(
    found: Pooled, measured: Sequence[Trace], told: pd.DataFrame | None
) -> Iterator[tuple[str, pd.DataFrame, Figure]]:
    """(name, table, figure) of the grid, all pools at a glance, each pool, and each cell that was measured by hand."""
    table = found.table()
    yield "grid", table, draw_grid(next(found.movie.read(stop=1)), table)
    whole = traces_table({(trace.pool, trace.cell): _counted(trace.table) for trace in measured})
    yield "pools", whole, draw_overview(whole, found.grid.columns)
    with_cell = [trace for trace in measured if trace.has_cell]
    for name in dict.fromkeys(trace.pool for trace in with_cell):
        table = whole[whole["pool"] == name]
        yield name, table, draw_traces(table)
    if told is None:
        return
    for trace in with_cell:
        agreed = compare_manual(trace, told)
        if agreed["frames"]:
            table = _counted(manual_table(trace, told)).assign(pool=trace.pool, cell=trace.cell)
            yield f"{trace.pool}_cell_{trace.cell}_by_hand", table, draw_normalized(table, agreed)
