"""Images a second against the batch size, for each architecture and each way to feed it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from hpapipe.plots import style

MARKERS = "osD^vP"
"""Told apart without colours."""

COLUMNS = {
    "architecture": "str",
    "parameters": "float64",
    "feed": "str",
    "batch_size": "int64",
    "outcome": "str",
    "images_per_second": "float64",
    "images_per_second_low": "float64",
    "images_per_second_high": "float64",
    "seconds_per_batch": "float64",
    "memory_mib": "float64",
    "gpu_memory_mib": "float64",
    "reason": "str",
}


def speed_table(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """One row a cell of a speed study, in the order of `rows`: the columns `COLUMNS`; what was not measured is open.

    Args:
        rows: one mapping a cell, with `architecture`, `feed`, `batch_size`, `outcome` (measured, out of memory, failed,
            not tried) and its `reason`; and where measured with `parameters`, `images_per_second` and its `_low` and
            `_high`, `seconds_per_batch`, `memory_mib`, `gpu_memory_mib`.
    """
    return pd.DataFrame(list(rows), columns=list(COLUMNS)).astype(COLUMNS)


def fastest_table(table: pd.DataFrame) -> pd.DataFrame:
    """The fastest measured batch size of each architecture and feed; of equally fast ones the smallest.

    Args:
        table: of `speed_table`.
    """
    measured = table[table["outcome"] == "measured"].sort_values("batch_size")
    places = measured.groupby(["architecture", "feed"], sort=False)["images_per_second"].idxmax()
    columns = ["architecture", "feed", "batch_size", "images_per_second"]
    return table.loc[sorted(places), columns].reset_index(drop=True)


def draw_speed(table: pd.DataFrame) -> Figure:
    """Images a second against the batch size: a line a feed, a band from its slowest to its fastest part of the time.

    The fastest batch size of each feed is ringed; cells that ran out of memory are crosses at the axis.

    Args:
        table: rows of `speed_table` of one architecture.
    """
    whole = style.figure(7.0, 4.4)
    axes = style.dress(whole.add_subplot(), _title(table), "batch size (fields)", "images a second")
    feeds = list(dict.fromkeys(table["feed"]))
    colours = dict(zip(feeds, style.colours(len(feeds)), strict=True))
    for index, feed in enumerate(feeds):
        _draw_line(axes, table[table["feed"] == feed], colours[feed], MARKERS[index % len(MARKERS)])
    exhausted = table[table["outcome"] == "out of memory"]
    _draw_crosses(axes, exhausted, colours)
    axes.set_xscale("log", base=2)
    sizes = sorted(table["batch_size"].unique())
    axes.set_xticks(sizes, [str(size) for size in sizes], minor=False)
    axes.minorticks_off()
    axes.set_xlim(sizes[0] / 1.3, sizes[-1] * 1.3)
    axes.set_ylim(bottom=0)
    _explain(axes, table, len(exhausted) > 0)
    return whole


def _title(table: pd.DataFrame) -> str:
    name, parameters = table["architecture"].iloc[0], table["parameters"].max()
    return str(name) if parameters != parameters else f"{name}, {_short(parameters)} parameters"


def _short(count: float) -> str:
    """54.8 M, 194 k, 85: three digits and the thousands in a letter."""
    for unit, letter in ((1e6, " M"), (1e3, " k")):
        if count >= unit:
            scaled = count / unit
            return f"{scaled:.{max(0, 3 - len(str(int(scaled))))}f}{letter}"
    return f"{count:.0f}"


def _draw_line(axes: Axes, rows: pd.DataFrame, colour: str, marker: str) -> None:
    """A feed's line and band, with its fastest batch size ringed; where all its cells failed, its name says so."""
    name = rows["feed"].iloc[0]
    failed = (rows["outcome"] == "failed").all()
    measured = rows[rows["outcome"] == "measured"].sort_values("batch_size")
    across, up = measured["batch_size"], measured["images_per_second"]
    low, high = measured["images_per_second_low"], measured["images_per_second_high"]
    axes.fill_between(across, low, high, color=colour, alpha=0.2, linewidth=0)
    axes.plot(
        across,
        up,
        color=colour,
        marker=marker,
        markersize=4,
        linewidth=1.4,
        label=f"{name} (failed)" if failed else name,
    )
    best = fastest_table(rows)
    axes.plot(
        best["batch_size"],
        best["images_per_second"],
        "o",
        markersize=10,
        fillstyle="none",
        color=colour,
        label="_fastest",
    )


def _draw_crosses(axes: Axes, exhausted: pd.DataFrame, colours: Mapping[str, str]) -> None:
    """Crosses just above the axis; where several feeds ran out of memory at one batch size, one above the other."""
    below = exhausted.groupby("batch_size").cumcount()
    for size, feed, place in zip(exhausted["batch_size"], exhausted["feed"], below, strict=True):
        axes.plot(
            [size],
            [0.025 + 0.04 * place],
            "x",
            color=colours[feed],
            markersize=7,
            markeredgewidth=1.8,
            transform=axes.get_xaxis_transform(),
            label="_out of memory",
        )


def _explain(axes: Axes, table: pd.DataFrame, crossed: bool) -> None:
    """What colours, rings and crosses mean, below the title and beside the lines."""
    handles, _ = axes.get_legend_handles_labels()
    if (table["outcome"] == "measured").any():
        ring = Line2D([], [], color=style.MUTED, marker="o", markersize=10, fillstyle="none", linestyle="none")
        ring.set_label("fastest")
        handles.append(ring)
    if crossed:
        cross = Line2D([], [], color=style.MUTED, marker="x", markersize=7, markeredgewidth=1.8, linestyle="none")
        cross.set_label("out of memory")
        handles.append(cross)
    axes.legend(handles=handles, fontsize=style.TICK, frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
