"""Several runs in one figure: how they are told apart, and their losses over each other."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from hpapipe.plots import style

FEW = len(style.PALETTE)
"""Runs that colours tell apart in one panel; more of them get a panel, a row or a column each."""

Folds = Mapping[str, pd.DataFrame]
"""Name of a fold -> its table; one entry with an empty name where a run trained one network."""


def run_colours(table: pd.DataFrame) -> dict[str, str]:
    """Run -> its colour, in the order of the column `run`; beyond `FEW` runs the colours come again."""
    runs = [str(run) for run in table["run"].unique()]
    return {run: style.PALETTE[index % FEW] for index, run in enumerate(runs)}


def stacked(tables: Mapping[str, Folds], columns: Sequence[str]) -> pd.DataFrame:
    """`run, fold` and these columns of all tables, one below the other; a column that a table lacks is empty."""
    parts = [
        table.reindex(columns=list(columns)).assign(run=run, fold=fold)
        for run, folds in tables.items()
        for fold, table in folds.items()
    ]
    return pd.concat(parts, ignore_index=True)[["run", "fold", *columns]]


def networks(rows: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """The rows of each network: of each fold of each run."""
    for _, network in rows.groupby(["run", "fold"], sort=False):
        yield network


def wide_ranging(values: np.ndarray, factor: float) -> bool:
    """Whether all are above 0 and the largest is over `factor` times the smallest: a logarithmic axis reads better."""
    known = values[np.isfinite(values)]
    return bool(len(known) and known.min() > 0 and known.max() > factor * known.min())


def panel_a_run(found: Iterable[str], across: str, up: str) -> tuple[Figure, dict[str, Axes]]:
    """A figure with a small panel for each run, and the panels; only the outer ones carry tick labels.

    Args:
        found: the runs.
        across: name and unit of all horizontal axes.
        up: name and unit of all vertical axes.
    """
    runs = list(found)
    columns = style.columns_for(len(runs))
    rows = math.ceil(len(runs) / columns)
    whole = style.figure(1.75 * columns + 0.3, 1.75 * rows + 0.6)
    panels = {}
    for index, run in enumerate(runs):
        axes = style.dress(whole.add_subplot(rows, columns, index + 1), style.wrapped(run, 24))
        axes.title.set_fontsize(style.TICK)
        axes.tick_params(which="both", labelleft=index % columns == 0, labelbottom=index + columns >= len(runs))
        panels[run] = axes
    whole.supxlabel(across, fontsize=style.LABEL, color=style.INK)
    whole.supylabel(up, fontsize=style.LABEL, color=style.INK)
    return whole, panels


def room_for_legend(width: float, found: Iterable[str]) -> float:
    """Inches of height that `write_legend` takes up in a figure of this width in inches."""
    runs = list(found)
    return 0.17 * math.ceil(len(runs) / _columns(width, runs)) + 0.1


def write_legend(whole: Figure, found: Mapping[str, str], line: str = "-", marker: str = "") -> None:
    """The runs' names below all panels, each with its colour on this line and marker."""
    drawn = {"linestyle": line, "marker": marker, "markersize": 4}
    handles = [Line2D([], [], color=colour, label=run, **drawn) for run, colour in found.items()]  # type: ignore[arg-type]
    columns = _columns(whole.get_figwidth(), list(found))
    legend = whole.legend(handles=handles, loc="outside lower left", ncols=columns, fontsize=style.TICK, frameon=False)
    for text in legend.get_texts():
        text.set_parse_math(False)


def _columns(width: float, runs: Sequence[str]) -> int:
    return max(1, int(width / (style.tick_room(runs) + 0.6)))


def losses_table(curves: Mapping[str, Folds]) -> pd.DataFrame:
    """`run, fold, epoch, loss, val_loss`, a row an epoch.

    Args:
        curves: run -> fold -> a table with `epoch`, `loss` and `val_loss`, as `loss_curves` is logged.
    """
    rows = stacked(curves, ("epoch", "loss", "val_loss"))
    return rows.astype({"epoch": "int64", "loss": "float64", "val_loss": "float64"})


def draw_losses(table: pd.DataFrame) -> Figure:
    """Training (dashed) and validation loss (solid) against the epoch, a colour a run, thinner where a run has folds.

    The lowest validation loss of each network is ringed. Many runs get a panel each, before the validation losses of
    all runs in grey.
    """
    found = run_colours(table)
    many = len(found) > FEW
    scale = "log" if wide_ranging(table[["loss", "val_loss"]].to_numpy(), 20) else "linear"
    up = "loss (logarithmic)" if scale == "log" else "loss"
    if many:
        whole, panels = panel_a_run(found, "epoch", f"{up}: training dashed, validation solid, all runs' grey")
        for axes in panels.values():
            for rows in networks(table):
                axes.plot(rows["epoch"], rows["val_loss"], color="#cccccc", linewidth=0.5)
    else:
        whole = style.figure(7.5, 4.5 + room_for_legend(7.5, found))
        title = "Training (dashed) and validation loss (solid, lowest ringed)"
        panels = dict.fromkeys(found, style.dress(whole.add_subplot(), title, "epoch", up))
        write_legend(whole, found)
    for run, axes in panels.items():
        for rows in networks(table[table["run"] == run]):
            _draw_loss(axes, rows, found[run])
        axes.set(yscale=scale, xlim=(table["epoch"].min() - 0.5, table["epoch"].max() + 0.5))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1, nbins=4 if many else 10))
    _share_heights(list(panels.values()))
    return whole


def _draw_loss(axes: Axes, rows: pd.DataFrame, colour: str) -> None:
    """Both losses of one network."""
    width = 0.8 if rows["fold"].iloc[0] else 1.5
    dot = "." if len(rows) == 1 else ""  # a line through a single epoch would not show
    for measure, dashes in (("loss", "--"), ("val_loss", "-")):
        axes.plot(rows["epoch"], rows[measure], dashes, color=colour, linewidth=width, marker=dot)
    lowest = rows[rows["val_loss"] == rows["val_loss"].min()].head(1)
    axes.plot(lowest["epoch"], lowest["val_loss"], "o", color=colour, markersize=6, fillstyle="none")


def _share_heights(panels: Sequence[Axes]) -> None:
    """Give all panels the range that the tallest curves need."""
    low, high = zip(*(axes.get_ylim() for axes in panels), strict=True)
    for axes in panels:
        axes.set_ylim(min(low), max(high))
