"""The labels of several runs side by side: F1, and how often each is named."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hpapipe.plots import style
from hpapipe.plots.compare import FEW, panel_a_run, room_for_legend, run_colours, write_legend

PER_COLUMN = 14
"""Labels below one another before a second column begins."""


def f1_table(per_label: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """`run, label, positives, f1, low, high`, a row a label of a run.

    Args:
        per_label: run -> a table with `name`, `positives`, `f1`, `f1_low`, `f1_high`, as `per_label` is logged.
    """
    columns = {"name": "label", "positives": "positives", "f1": "f1", "f1_low": "low", "f1_high": "high"}
    parts = [table[list(columns)].rename(columns=columns).assign(run=run) for run, table in per_label.items()]
    rows = pd.concat(parts, ignore_index=True)[["run", *columns.values()]]
    return rows.astype({"f1": "float64", "low": "float64", "high": "float64"})


def draw_f1(table: pd.DataFrame) -> Figure:
    """F1 of each label, the most frequent on top: points with 95 % intervals, a colour a run.

    More runs than there are colours become the columns of a heat map, without intervals.
    """
    return _draw_points(table) if table["run"].nunique() <= FEW else _draw_heat(table)


def _draw_points(table: pd.DataFrame) -> Figure:
    found, labels = run_colours(table), _by_frequency(table)
    columns = math.ceil(len(labels) / PER_COLUMN)
    rows = math.ceil(len(labels) / columns)
    room = style.tick_room(labels)
    step = 0.11 * len(found) + 0.11
    whole = style.figure(columns * (3.9 + room), rows * step + 1.0 + room_for_legend(columns * (3.9 + room), found))
    panels = whole.subplots(1, columns, sharex=True, squeeze=False)[0]
    for column, axes in enumerate(panels):
        shown = labels[column * rows : (column + 1) * rows]
        style.dress(axes, "" if column else "F1 of each label, with 95 % intervals", "F1 (0 to 1)")
        for index, (run, colour) in enumerate(found.items()):
            own = table[table["run"] == run].set_index("label").loc[shown]
            places = np.arange(len(shown)) + (index - (len(found) - 1) / 2) * 0.11 / step
            axes.hlines(places, own["low"], own["high"], color=colour, linewidth=1.1)
            axes.plot(own["f1"], places, "o", color=colour, markersize=4)
        axes.set_yticks(range(len(shown)), shown, parse_math=False)
        for place in range(len(shown) - 1):
            axes.axhline(place + 0.5, color=style.GRID, linewidth=0.6)
        axes.grid(False, axis="y")
        axes.set(xlim=(-0.02, 1.02), ylim=(rows - 0.5, -0.5))
    write_legend(whole, found, marker="o")
    return whole


def _draw_heat(table: pd.DataFrame) -> Figure:
    labels, runs = _by_frequency(table), list(table["run"].unique())
    grid = table.pivot(index="label", columns="run", values="f1").loc[labels, runs].to_numpy()
    whole = style.figure(
        0.27 * len(runs) + style.tick_room(labels) + 1.2, 0.2 * len(labels) + style.tick_room(runs) + 0.8
    )
    axes = style.dress(whole.add_subplot(), "F1 of each label (hundredths)")
    axes.grid(False)
    image = axes.imshow(grid, cmap="cividis", vmin=0, vmax=1, aspect="auto")
    axes.set_xticks(range(len(runs)), runs, rotation=90, parse_math=False)
    axes.set_yticks(range(len(labels)), labels, parse_math=False)
    for row, column in np.ndindex(grid.shape):
        if np.isfinite(value := grid[row, column]):
            colour = "white" if value < 0.55 else "black"
            axes.text(column, row, f"{100 * value:.0f}", ha="center", va="center", fontsize=6, color=colour)
    bar = whole.colorbar(image, ax=axes, shrink=0.6, pad=0.01)
    bar.set_label("F1 (0 to 1)", fontsize=style.LABEL)
    bar.ax.tick_params(labelsize=style.TICK)
    return whole


def _by_frequency(table: pd.DataFrame) -> list[str]:
    """The labels, those of most positives first."""
    positives = table.groupby("label", sort=False)["positives"].max()
    return [str(label) for label in positives.sort_values(ascending=False, kind="stable").index]


def shares_table(per_label: Mapping[str, pd.DataFrame], fields: Mapping[str, int]) -> pd.DataFrame:
    """`run, label, fields, true_share, named_share`: shares of the run's fields that carry a label, and are named so.

    Args:
        per_label: run -> a table with `name`, `positives`, `named`, as `per_label` is logged.
        fields: run -> the fields that it answered.
    """
    parts = []
    for run, table in per_label.items():
        shares = {f"{kind}_share": table[column] / fields[run] for kind, column in SHARES.items()}
        parts.append(pd.DataFrame({"run": run, "label": table["name"], "fields": fields[run], **shares}))
    return pd.concat(parts, ignore_index=True)


SHARES = {"true": "positives", "named": "named"}


def draw_shares(table: pd.DataFrame) -> Figure:
    """Share of fields named against share of fields that carry the label, both logarithmic, with the diagonal.

    One panel where colours tell the runs apart, otherwise a small one a run. A share of 0 stands at the edge.
    """
    found = run_colours(table)
    shares = table[["true_share", "named_share"]].to_numpy()
    floor = min(shares[shares > 0], default=0.1) / 2
    across, up = (
        f"share of fields that {what} (logarithmic, 0 at the edge)" for what in ("have a label", "are named so")
    )
    if len(found) > FEW:
        whole, panels = panel_a_run(found, across, up)
    else:
        whole = style.figure(5.4, 5.2 + room_for_legend(5.4, found))
        title = "How often labels are true and are named, a point a label"
        panels = dict.fromkeys(found, style.dress(whole.add_subplot(), title, across, up))
        write_legend(whole, found, line="none", marker="o")
    for run, axes in panels.items():
        _draw_shares(axes, table[table["run"] == run], found[run], floor)
    return whole


def _draw_shares(axes: Axes, rows: pd.DataFrame, colour: str, floor: float) -> None:
    """A run's labels, and the diagonal on which all are named as often as they are true."""
    axes.axline((floor, floor), (1, 1), color=style.MUTED, linewidth=0.8, linestyle=":")
    true, named = (rows[column].clip(lower=floor) for column in ("true_share", "named_share"))
    axes.plot(true, named, "o", color=colour, markersize=4, alpha=0.8)
    axes.set(xscale="log", yscale="log", xlim=(floor * 0.8, 1.3), ylim=(floor * 0.8, 1.3))
