"""The one style of all figures: sizes, colours, grid, and the helpers that apply them.

Everything is set on the objects themselves; pyplot and rcParams are never touched. So figures are drawn without a
display and in several threads at once, and are freed with their last reference.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable

import matplotlib
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

DPI = 120
TITLE, LABEL, TICK = 9.0, 8.5, 7.5
"""Font sizes in points."""

INK, MUTED, GRID = "#222222", "#5f5f5f", "#dddddd"
PALETTE: tuple[str, ...] = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
"""Colours that stay apart for colour-blind readers, without the black and the yellow of the source.

Source: Okabe and Ito, Color Universal Design, 2008.
"""


def figure(width: float, height: float) -> Figure:
    """An empty white figure on the Agg canvas whose layout keeps labels apart.

    Args:
        width: inches.
        height: inches.
    """
    empty = Figure(figsize=(width, height), dpi=DPI, layout="constrained", facecolor="white")
    FigureCanvasAgg(empty)
    return empty


def colours(count: int) -> list[str]:
    """`count` colours that can be told apart: the palette, or steps of viridis where it is too short."""
    if count <= len(PALETTE):
        return list(PALETTE[:count])
    ramp = matplotlib.colormaps["viridis"]
    return [matplotlib.colors.to_hex(ramp(0.92 * index / (count - 1))) for index in range(count)]


def dress(axes: Axes, title: str = "", across: str = "", up: str = "") -> Axes:
    """`axes` in the project's style, with a title and the names of both axes.

    Args:
        axes: the axes to change.
        title: plain words, shown as they are (a `$` starts no formula).
        across: name and unit of the horizontal axis.
        up: name and unit of the vertical axis.
    """
    axes.set_title(title, fontsize=TITLE, color=INK, parse_math=False)
    axes.set_xlabel(across, fontsize=LABEL, color=INK)
    axes.set_ylabel(up, fontsize=LABEL, color=INK)
    axes.tick_params(which="both", labelsize=TICK, color=MUTED, labelcolor=INK, width=0.6)
    axes.set_axisbelow(True)
    axes.grid(True, which="major", color=GRID, linewidth=0.6)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set(color=MUTED, linewidth=0.6)
    return axes


def columns_for(count: int) -> int:
    """Columns of a grid of `count` panels that is somewhat wider than high: 7 for 28, 4 for 7."""
    return max(1, min(count, math.ceil(math.sqrt(count * 7 / 4))))


def small_multiples(table: pd.DataFrame, across: str, up: str) -> tuple[Figure, list[tuple[Axes, pd.DataFrame]]]:
    """A figure with one panel from 0 to 1 both ways for each label, and the panels with the rows that belong in them.

    The outer panels alone carry tick labels; a panel with none below it is an outer one.

    Args:
        table: with a column `label`; the panels follow the order of its first appearances.
        across: name and unit of all horizontal axes.
        up: name and unit of all vertical axes.
    """
    groups = [(str(label), rows) for label, rows in table.groupby("label", sort=False)]
    columns = columns_for(len(groups))
    rows_of_panels = max(1, math.ceil(len(groups) / columns))
    whole = figure(max(5.0, 2.0 * columns), 1.9 * rows_of_panels + 0.7)
    panels = []
    for index, (label, rows) in enumerate(groups):
        axes = dress(whole.add_subplot(rows_of_panels, columns, index + 1), wrapped(label, 30))
        axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
        axes.set_xticks((0, 0.5, 1), ("0", "0.5", "1"))
        axes.set_yticks((0, 0.5, 1), ("0", "0.5", "1"))
        axes.tick_params(labelleft=index % columns == 0, labelbottom=index + columns >= len(groups))
        panels.append((axes, rows))
    whole.supxlabel(across, fontsize=LABEL, color=INK)
    whole.supylabel(up, fontsize=LABEL, color=INK)
    return whole, panels


def shared_legend(whole: Figure, axes: Axes) -> None:
    """One legend above all panels, with what the lines of `axes` stand for."""
    handles, names = axes.get_legend_handles_labels()
    whole.legend(handles, names, loc="outside upper right", ncols=len(names), fontsize=LABEL, frameon=False)


def tick_room(names: Iterable[str]) -> float:
    """Inches that tick labels with these `names` take up at most."""
    return 0.065 * max((len(name) for name in names), default=0)


def wrapped(text: str, width: int) -> str:
    """`text` broken at spaces into lines of at most `width` characters; its own line breaks stay."""
    return "\n".join(textwrap.fill(line, width) for line in text.splitlines())
