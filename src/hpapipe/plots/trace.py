"""Area against time: of one pool, beside a human's measurement, and of all pools at one glance."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from hpapipe.plots import style

DOUBT = "#f9e0d5"
"""Behind frames that are not to be trusted."""

UNITS: dict[str, str] = {"um2": "µm²", "px": "px"}
"""End of a column's name -> unit on an axis."""


def traces_table(tables: Mapping[tuple[str, int], pd.DataFrame]) -> pd.DataFrame:
    """All traces below one another, with the columns pool and cell in front.

    Args:
        tables: pool's name and cell's number -> its trace: frame (from 1), hours (nan: not known), area_px (0: no
            cell), area_um2 (nan: no pixel size), smoothed_px, smoothed_um2, bubble_px, bubble_um2, normalized,
            normalized_smoothed, confidence (nan: not known), trusted and why.
    """
    named = [table.assign(pool=pool, cell=cell) for (pool, cell), table in tables.items()]
    whole = pd.concat(named, ignore_index=True)
    return whole[["pool", "cell", *(name for name in whole if name not in ("pool", "cell"))]]


def draw_traces(table: pd.DataFrame) -> Figure:
    """One pool: areas as faint dots, smoothed as lines, bubbles thin, frames not to trust marked; confidence below.

    Args:
        table: of `traces_table`, the rows of one pool.
    """
    known = bool(table["confidence"].notna().any())
    heights = [3.3, 0.9] if known else [3.3]
    whole = style.figure(7.2, sum(heights) + 0.9)
    panels = whole.subplots(len(heights), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]
    style.dress(panels[0], f"Pool {table['pool'].iloc[0]}: area over time", up=f"area ({UNITS[_unit(table)]})")
    _draw_areas(panels[0], table)
    if known:
        one = next(_cells(table))[2]
        style.dress(panels[1], up="confidence\n(0 to 1)")
        panels[1].plot(_time(one), one["confidence"], _line(one), color=style.MUTED, linewidth=1.0)
        panels[1].set_ylim(min(0.5, float(one["confidence"].min())) - 0.02, 1.02)
    for axes in panels:
        _shade(axes, table)
        _count_frames(axes, table)
    panels[-1].set_xlabel(_time_name(table))
    _legend_below(whole, panels[0])
    whole.align_ylabels(panels)
    return whole


def draw_normalized(table: pd.DataFrame, agreement: Mapping[str, float]) -> Figure:
    """One cell: its area and a human's, each from 0 where it is least to 1 where it is largest, and how they agree.

    Args:
        table: of one trace, with the columns pool and cell, and manual_normalized, nan where none was measured.
        agreement: `frames` with both areas, `correlation`, `error_percent` and `normalized_error`, and the same of the
            trusted ones, such as `trusted_frames`.
    """
    whole = style.figure(7.2, 4.1)
    numbers = [_in_words(agreement, part, called) for part, called in (("", "all"), ("trusted_", "trusted"))]
    cell = f", cell {table['cell'].iloc[0]}" if table["cell"].iloc[0] > 1 else ""
    title = "\n".join([f"Pool {table['pool'].iloc[0]}{cell}, against manual areas", *numbers])
    axes = style.dress(whole.add_subplot(), title, _time_name(table), "normalized area (0 to 1)")
    time, colour = _time(table), style.PALETTE[0]
    axes.plot(time, table["normalized"], ".", color=colour, alpha=0.35, markersize=4.5, label="raw")
    axes.plot(time, table["normalized_smoothed"], color=colour, linewidth=1.5, label="smoothed")
    measured = table["manual_normalized"].notna()
    hand, colour = table["manual_normalized"][measured], style.PALETTE[1]
    axes.plot(time[measured], hand, "o-", color=colour, linewidth=1.0, markersize=3, mfc="none", label="manual")
    axes.set_ylim(-0.05, 1.05)
    _shade(axes, table)
    _count_frames(axes, table)
    _legend_below(whole, axes)
    return whole


def draw_overview(table: pd.DataFrame, columns: int | None = None) -> Figure:
    """All pools at one glance: a small panel each, with the same axes, so that sizes compare.

    Args:
        table: of `traces_table`.
        columns: panels in a row, such as the grid of pools has; none: as looks well.
    """
    pools = [(str(pool), rows) for pool, rows in table.groupby("pool", sort=False)]
    across = columns or style.columns_for(len(pools))
    down = math.ceil(len(pools) / across)
    whole = style.figure(max(5.0, 1.75 * across + 0.5), 1.35 * down + 0.9)
    grid = whole.subplots(down, across, sharex=True, sharey=True, squeeze=False)
    unit = _unit(table)
    for axes, (pool, rows) in zip(grid.flat, pools, strict=False):
        style.dress(axes, f"{pool}{_doubt_in_words(rows)}")
        for _, colour, cell in _cells(rows):
            area = cell[f"area_{unit}"].where(cell["area_px"] > 0)
            axes.plot(_time(cell), area, ".", color=colour, alpha=0.3, ms=1.5)
            axes.plot(_time(cell), cell[f"smoothed_{unit}"], _line(cell), color=colour, linewidth=1.1)
        if rows["area_px"].any():
            _shade(axes, rows)
        _count_frames(axes, rows)
    for axes in grid.flat[len(pools) :]:
        axes.remove()
    grid.flat[0].set_ylim(bottom=0)
    whole.supxlabel(_time_name(table), fontsize=style.LABEL, color=style.INK)
    whole.supylabel(f"area ({UNITS[unit]})", fontsize=style.LABEL, color=style.INK)
    return whole


def _doubt_in_words(rows: pd.DataFrame) -> str:
    """What stands behind the name of a pool."""
    doubtful = 100 * (1 - rows.groupby("frame")["trusted"].all().mean())
    if not rows["area_px"].any():
        return " (no cell)"
    return f" ({doubtful:.0f} % not to trust)" if doubtful >= 0.5 else ""


def _draw_areas(axes: Axes, table: pd.DataFrame) -> None:
    """Each cell's areas as dots and a line, crosses where they are not to be trusted, and its bubbles."""
    unit, several = _unit(table), table["cell"].nunique() > 1
    for cell, colour, rows in _cells(table):
        name, of_cell = (f"cell {cell}, ", f" of cell {cell}") if several else ("", "")
        time, area = _time(rows), rows[f"area_{unit}"].where(rows["area_px"] > 0)
        axes.plot(time, area, ".", color=colour, alpha=0.35, markersize=4.5, label=f"{name}raw")
        axes.plot(time, rows[f"smoothed_{unit}"], _line(rows), color=colour, linewidth=1.5, label=f"{name}smoothed")
        if rows["bubble_px"].any():
            axes.plot(time, rows[f"bubble_{unit}"], "--", color=colour, linewidth=0.9, label=f"bubbles{of_cell}")
        axes.plot(
            time, area.where(~rows["trusted"].astype(bool)), "x", color=style.INK, markersize=4, markeredgewidth=0.8
        )
    axes.set_ylim(bottom=0)


def _in_words(agreement: Mapping[str, float], part: str, called: str) -> str:
    """One line of a title."""
    frames, correlation, error, of_curve = (
        agreement[f"{part}{name}"] for name in ("frames", "correlation", "error_percent", "normalized_error")
    )
    return (
        f"{called} {frames:.0f} frames: correlation {correlation:.4f}, mean error {error:.2f} % of the area, "
        f"{of_curve:.3f} of the curve"
    )


def _shade(axes: Axes, table: pd.DataFrame) -> None:
    """Colour behind the frames in which a cell of `table` is not to be trusted; no more room at the sides than that."""
    axes.margins(x=0.01)
    trusted = table.groupby("frame")["trusted"].all()
    time = table.groupby("frame")["hours" if _timed(table) else "frame"].first()
    if trusted.all():
        return
    half = float(np.diff(time).min()) / 2 if len(time) > 1 else 0.5
    spans = [(when - half, 2 * half) for when in time[~trusted]]
    axes.broken_barh(
        spans, (0, 1), transform=axes.get_xaxis_transform(), color=DOUBT, lw=0, zorder=0, label="not to trust"
    )


def _cells(table: pd.DataFrame) -> Iterator[tuple[int, str, pd.DataFrame]]:
    """Number, colour and rows of each cell."""
    groups = list(table.groupby("cell"))
    for (cell, rows), colour in zip(groups, style.colours(len(groups)), strict=True):
        yield int(str(cell)), colour, rows


def _unit(table: pd.DataFrame) -> str:
    """`um2` where the pixel size is known."""
    return "um2" if table["area_um2"].notna().any() else "px"


def _timed(table: pd.DataFrame) -> bool:
    return bool(table["hours"].notna().any())


def _time(rows: pd.DataFrame) -> pd.Series:
    return rows["hours"] if _timed(rows) else rows["frame"]


def _time_name(table: pd.DataFrame) -> str:
    return "time (h)" if _timed(table) else "frame (number, from 1)"


def _line(rows: pd.DataFrame) -> str:
    """How a course is drawn: one of a single frame is a dot."""
    return "-" if len(rows) > 1 else "o"


def _count_frames(axes: Axes, rows: pd.DataFrame) -> None:
    """No parts of frames on the axis."""
    if not _timed(rows):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def _legend_below(whole: Figure, axes: Axes) -> None:
    handles, names = axes.get_legend_handles_labels()
    whole.legend(
        handles, names, loc="outside lower center", ncols=min(len(names), 4), fontsize=style.TICK, frameon=False
    )
