"""Loss, macro F1 and learning rate over the epochs of training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from hpapipe.plots import style

BELOW: dict[str, tuple[str, float]] = {"macro_f1": ("macro F1 (0 to 1)", 1.8), "learning_rate": ("learning rate", 1.1)}
"""Measure with a panel of its own below the losses -> name of its axis, height of the panel in inches."""


def loss_curves_table(history: Sequence[Mapping[str, float]]) -> pd.DataFrame:
    """One row for each fold and epoch: `fold` and `epoch` (int64), then every other measure found in `history`.

    Args:
        history: one mapping an epoch with `epoch` and `loss`, and where measured `val_loss`, `macro_f1`,
            `learning_rate` and others; `fold` where several models were trained, 0 where it is absent.
    """
    table = pd.DataFrame([dict(entry) for entry in history])
    for column in ("epoch", "fold"):
        if column not in table:
            table[column] = 0
    table = table.astype({"fold": "int64", "epoch": "int64"})
    measures = [column for column in table if column not in ("fold", "epoch")]
    return table[["fold", "epoch", *measures]].sort_values(["fold", "epoch"], ignore_index=True)


def draw_loss_curves(table: pd.DataFrame) -> Figure:
    """Training and validation loss against the epoch, a colour a fold, each fold's lowest validation loss ringed.

    Below it, where the table has them: macro F1 and learning rate.
    """
    below = [name for name in BELOW if name in table]
    heights = [3.2, *(BELOW[name][1] for name in below)]
    whole = style.figure(7.0, sum(heights) + 0.6)
    panels = whole.subplots(len(heights), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]
    colours = _colours(table)
    _draw_losses(panels[0], table, colours)
    for axes, measure in zip(panels[1:], below, strict=True):
        style.dress(axes, up=BELOW[measure][0])
        _draw_lines(axes, table, measure, colours, "-")
        axes.set_ylim(bottom=0)
    panels[-1].set_xlabel("epoch")
    panels[-1].set_xlim(table["epoch"].min() - 0.5, table["epoch"].max() + 0.5)
    panels[-1].xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    whole.align_ylabels(panels)
    return whole


def _lowest_epochs(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of a loss curves table with each fold's lowest `val_loss`; the earliest where several are equal."""
    if "val_loss" not in table:
        return table.iloc[:0]
    measured = table.dropna(subset=["val_loss"])
    return table.loc[measured.groupby("fold")["val_loss"].idxmin()]


def _colours(table: pd.DataFrame) -> dict[int, str]:
    folds = [int(fold) for fold in table["fold"].unique()]
    return dict(zip(folds, style.colours(len(folds)), strict=True))


def _draw_losses(axes: Axes, table: pd.DataFrame, colours: Mapping[int, str]) -> None:
    style.dress(axes, "Training and validation loss", up="loss")
    for measure, dashes in (("loss", "--"), ("val_loss", "-")):
        if measure in table:
            _draw_lines(axes, table, measure, colours, dashes)
    lowest = _lowest_epochs(table)
    for fold, colour in colours.items():
        rows = lowest[lowest["fold"] == fold]
        if len(rows):
            axes.plot(rows["epoch"], rows["val_loss"], "o", markersize=8, fillstyle="none", color=colour)
    axes.legend(handles=_legend(lowest, colours), fontsize=style.TICK, frameon=False)


def _draw_lines(axes: Axes, table: pd.DataFrame, measure: str, colours: Mapping[int, str], dashes: str) -> None:
    # Points are marked while they are few: a line through a single epoch would not show.
    marker = "." if table["epoch"].nunique() <= 30 else ""
    for fold, colour in colours.items():
        rows = table[table["fold"] == fold]
        axes.plot(rows["epoch"], rows[measure], dashes, color=colour, linewidth=1.4, marker=marker, label=measure)


def _legend(lowest: pd.DataFrame, colours: Mapping[int, str]) -> list[Line2D]:
    """What dashes, rings and, where there are several folds, colours mean."""
    only = style.MUTED if len(colours) > 1 else next(iter(colours.values()), style.INK)
    handles = [Line2D([], [], color=only, linestyle="--", label="training")]
    if len(lowest):
        value, epoch = lowest[["val_loss", "epoch"]].iloc[0]
        text = "lowest validation" if len(colours) > 1 else f"lowest validation: {value:.4g} in epoch {epoch:.0f}"
        handles.append(Line2D([], [], color=only, label="validation"))
        handles.append(Line2D([], [], color=only, marker="o", fillstyle="none", linestyle="none", label=text))
    if len(colours) > 1:
        epochs = dict(zip(lowest["fold"], lowest["epoch"], strict=True))
        for fold, colour in colours.items():
            text = f"fold {fold}, lowest in epoch {epochs[fold]}" if fold in epochs else f"fold {fold}"
            handles.append(Line2D([], [], color=colour, linewidth=3, label=text))
    return handles
