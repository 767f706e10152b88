"""The distributions of the weights of several runs over each other."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from hpapipe.plots import style
from hpapipe.plots.compare import FEW, Folds, networks, room_for_legend, run_colours, stacked, write_legend
from hpapipe.plots.weights import END

ACROSS = "weight (outermost bins: and all beyond)"
DENSITY = "share of weights ÷ width of bin (logarithmic)"


def weights_table(weights: Mapping[str, Folds]) -> pd.DataFrame:
    """`run, fold, part, left, right, count, density`: the weights at the end of training, a row a bin.

    `density` is the share of the part's weights in the bin, divided by the bin's width: runs whose bins are wider, or
    whose networks are larger, are drawn alike.

    Args:
        weights: run -> fold -> a table with `part`, `when`, `left`, `right`, `count`, as `weights` is logged.
    """
    rows = stacked(weights, ("part", "when", "left", "right", "count"))
    rows = rows[rows["when"] == END].drop(columns="when").reset_index(drop=True)
    rows = rows.astype({"left": "float64", "right": "float64", "count": "int64"})
    total = rows.groupby(["run", "fold", "part"])["count"].transform("sum").clip(lower=1)
    return rows.assign(density=rows["count"] / total / (rows["right"] - rows["left"]))


def draw_weights(table: pd.DataFrame) -> Figure:
    """The distributions of the weights after training, one panel a part: lines, a colour a run.

    Many runs get a row each, with the density as its colour.
    """
    found = run_colours(table)
    return _draw_rows(table, list(found)) if len(found) > FEW else _draw_lines(table, found)


def _draw_lines(table: pd.DataFrame, found: Mapping[str, str]) -> Figure:
    parts = _parts(table)
    width = 5.2 * len(parts)
    whole = style.figure(width, 4.0 + room_for_legend(width, found))
    panels = whole.subplots(1, len(parts), squeeze=False)[0]
    for axes, (part, rows) in zip(panels, parts.items(), strict=True):
        style.dress(axes, _title(part), ACROSS, DENSITY)
        for bins in networks(rows):
            width = 0.7 if bins["fold"].iloc[0] else 1.2
            # An empty bin has no place on a logarithmic axis: the line is broken there.
            density = bins["density"].where(bins["density"] > 0)
            axes.stairs(density, _edges(bins), baseline=None, color=found[bins["run"].iloc[0]], linewidth=width)
        axes.set_yscale("log")
    write_legend(whole, found)
    return whole


def _draw_rows(table: pd.DataFrame, runs: list[str]) -> Figure:
    parts = _parts(table)
    above = table["density"][table["density"] > 0]
    norm = LogNorm(above.min(), max(above.max(), 2 * above.min()))
    whole = style.figure(4.4 * len(parts) + style.tick_room(runs) + 0.8, 0.2 * len(runs) + 1.0)
    panels = whole.subplots(1, len(parts), sharey=True, squeeze=False)[0]
    for axes, (part, rows) in zip(panels, parts.items(), strict=True):
        style.dress(axes, _title(part), ACROSS)
        axes.grid(False)
        for place, run in enumerate(runs):
            _draw_row(axes, rows[rows["run"] == run], place, norm)
        axes.set_ylim(len(runs) - 0.5, -0.5)
    panels[0].set_yticks(range(len(runs)), runs, parse_math=False)
    bar = whole.colorbar(panels[0].collections[0], ax=list(panels), shrink=0.8, pad=0.01)
    bar.set_label(DENSITY, fontsize=style.LABEL)
    bar.ax.tick_params(labelsize=style.TICK)
    return whole


def _draw_row(axes: Axes, rows: pd.DataFrame, place: int, norm: LogNorm) -> None:
    """A run's networks as strips of equal height that fill its row."""
    folds = list(networks(rows))
    heights = np.linspace(place - 0.42, place + 0.42, len(folds) + 1)
    for index, bins in enumerate(folds):
        density = np.ma.masked_less_equal(bins["density"].to_numpy()[None], 0)
        axes.pcolormesh(_edges(bins), heights[index : index + 2], density, norm=norm, cmap="cividis")


def _parts(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    return {str(part): rows for part, rows in table.groupby("part", sort=False)}


def _title(part: str) -> str:
    return f"Kernel weights after training, {part}"


def _edges(bins: pd.DataFrame) -> np.ndarray:
    return np.append(bins["left"], bins["right"].iloc[-1:])
