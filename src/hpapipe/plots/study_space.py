"""The space of a study: the objective against each option, and all options of each trial side by side."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from hpapipe.plots import style
from hpapipe.plots.study_scale import Scale, folded, scale_of

MANY = 60
"""Trials beyond which marks are smaller, and lines thinner and fainter."""

SMALL, TALL = 3, 6
"""Numbers below a small panel, and along an upright axis."""

RAMP = ListedColormap(matplotlib.colormaps["viridis_r"](np.linspace(0.1, 1, 256)))
"""The later, or the better, the darker; its palest colour still shows on white."""


def slice_table(complete: pd.DataFrame, objective: str, options: Sequence[str]) -> pd.DataFrame:
    """`option, value, number, objective`, a row for each option of each trial that has it, option after option.

    Args:
        complete: one row a trial: `number`, the objective, the options.
        objective: column.
        options: columns.
    """
    long = complete.astype(dict.fromkeys(options, object)).melt(["number", objective], list(options), "option", "value")
    long = long.rename(columns={objective: "objective"}).dropna(subset=["value"])
    return long[["option", "value", "number", "objective"]].reset_index(drop=True)


def draw_slice(table: pd.DataFrame, up: str, log: Collection[str]) -> Figure:
    """The objective against the value of each option, a panel an option; the later a trial, the darker.

    Args:
        table: of `slice_table`.
        up: name and unit of the objective.
        log: options that are shown logarithmically.
    """
    groups = {str(option): rows for option, rows in table.groupby("option", sort=False)}
    scales = {option: scale_of(rows["value"], option in log) for option, rows in groups.items()}
    lines = math.ceil(len(groups) / style.columns_for(len(groups)))
    columns = math.ceil(len(groups) / lines)  # so that the last line is about as long as the others
    height = sum(1.9 + max(_name_room(scale) for scale in row) for row in _rows(list(scales.values()), columns))
    width = max([2.1, *(_stacked(scale) + 0.3 for scale in scales.values() if _turned(scale))])
    whole = style.figure(width * columns + 1.2, height + 0.4)
    panels = whole.subplots(lines, columns, sharey=True, squeeze=False).ravel()
    norm = _norm(table["number"])
    for axes, (option, rows) in zip(panels, groups.items(), strict=False):
        scale = scales[option]
        style.dress(axes, _title(option, scale, 24))
        places = scale.places(rows["value"], rows["number"])
        axes.scatter(places, rows["objective"], 16, rows["number"], cmap=RAMP, norm=norm, edgecolors="white", lw=0.3)
        _mark_across(axes, scale)
    for axes in panels[len(groups) :]:
        axes.remove()
    whole.supylabel(up, fontsize=style.LABEL, color=style.INK)
    _colour_bar(whole, list(panels[: len(groups)]), table["number"], "trial")
    return whole


def parallel_table(complete: pd.DataFrame, objective: str, options: Sequence[str]) -> pd.DataFrame:
    """`number, objective` and the options, a row a trial, the best last, as they are drawn over each other.

    Args:
        complete: one row a trial: `number`, the objective, the options.
        objective: column.
        options: columns.
    """
    table = complete[["number", objective, *options]].rename(columns={objective: "objective"})
    return table.sort_values(["objective", "number"], ascending=[True, False], ignore_index=True)


def draw_parallel(table: pd.DataFrame, across: str, log: Collection[str]) -> Figure:
    """A line a trial through its value of each option, the better the darker; broken where it lacks an option.

    Args:
        table: of `parallel_table`.
        across: name and unit of the objective.
        log: options whose axes are logarithmic.
    """
    options = [str(column) for column in table.columns[2:]]
    scales = {option: scale_of(table[option], option in log) for option in options}
    titles = {option: _title(option, scales[option], 18) for option in options}
    inches = _apart(scales, titles)
    whole = style.figure(inches[-1] + 2.2, max(4.4, 0.9 + max(_stacked(scale) for scale in scales.values())))
    axes = style.dress(whole.add_subplot())
    axes.set_axis_off()
    axes.set(xlim=(inches[0] - 0.1 - _tick_room(scales[options[0]]), inches[-1] + 0.4), ylim=(-0.03, 1.03))
    norm = _norm(table["objective"])
    up = [scales[option].shares(scales[option].places(table[option], table["number"])) for option in options]
    many = len(table) > MANY
    for heights, value in zip(np.transpose(up), table["objective"], strict=True):
        look = {"color": RAMP(norm(value)), "alpha": 0.4 + 0.5 * norm(value) if many else 0.9}
        axes.plot(inches, heights, marker=".", markersize=4, linewidth=0.8 if many else 1.2, **look)
    axes.lines[-1].set(linewidth=2.4, markersize=8)
    for place, option in zip(inches, options, strict=True):
        _draw_upright(axes, place, scales[option], titles[option])
    _colour_bar(whole, [axes], table["objective"], across)
    return whole


def _title(option: str, scale: Scale, width: int) -> str:
    """An option's name in short lines, broken after dots, and after underscores only where that does not do."""
    lines = folded(option, width, ".").splitlines()
    return "\n".join(folded(line, width, "_") for line in lines) + ("\n(logarithmic)" if scale.log else "")


def _rows(scales: Sequence[Scale], columns: int) -> Iterator[Sequence[Scale]]:
    for start in range(0, len(scales), columns):
        yield scales[start : start + columns]


def _tick_room(scale: Scale) -> float:
    """Inches that the longest line of a tick label takes up."""
    return style.tick_room(line for text in scale.ticks(TALL).values() for line in text.splitlines())


def _stacked(scale: Scale) -> float:
    """Inches that the choices' names take up above one another."""
    return 0.13 * sum(len(text.splitlines()) for text in scale.ticks(TALL).values() if scale.names)


def _turned(scale: Scale) -> bool:
    """Whether the choices' names do not fit beside each other below a panel."""
    return bool(scale.names) and len(scale.names) * (_tick_room(scale) + 0.08) > 1.6


def _name_room(scale: Scale) -> float:
    """Inches of height that names below a panel take up beyond a line of figures."""
    return _tick_room(scale) if _turned(scale) else 0.0


def _mark_across(axes: Axes, scale: Scale) -> None:
    """The ticks of a panel, and its limits."""
    if scale.log:
        axes.set_xscale("log")
    ticks = scale.ticks(SMALL)
    axes.set_xticks(list(ticks), list(ticks.values()), parse_math=False, rotation=90 if _turned(scale) else 0)
    axes.xaxis.set_minor_formatter("")
    if scale.names:
        axes.set_xlim(-0.5, len(scale.names) - 0.5)


def _apart(scales: Mapping[str, Scale], titles: Mapping[str, str]) -> list[float]:
    """Inches from the first axis to each, so that neither titles nor tick labels meet."""
    places = [0.0]
    halves = [style.tick_room(title.splitlines()) * style.LABEL / style.TICK / 2 for title in titles.values()]
    for before, half, scale in zip(halves, halves[1:], list(scales.values())[1:], strict=False):
        places.append(places[-1] + max(1.0, before + half + 0.1, _tick_room(scale) + 0.4))
    return places


def _draw_upright(axes: Axes, place: float, scale: Scale, title: str) -> None:
    """One axis of an option, with its ticks to the left and its name above."""
    axes.vlines(place, 0, 1, color=style.MUTED, linewidth=1.0, zorder=3)
    behind = {"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 0.6}
    ticks = scale.ticks(TALL)
    for share, text in zip(scale.shares(np.array(list(ticks))), ticks.values(), strict=True):
        axes.hlines(share, place - 0.04, place, color=style.MUTED, linewidth=1.0)
        axes.text(
            place - 0.08,
            share,
            text,
            ha="right",
            va="center",
            fontsize=style.TICK,
            color=style.INK,
            bbox=behind,
            parse_math=False,
            zorder=5,
        )
    axes.text(place, 1.04, title, ha="center", va="bottom", fontsize=style.LABEL, color=style.INK, parse_math=False)


def _norm(values: pd.Series) -> Normalize:
    """From the lowest to the highest; a single value gets the darkest colour."""
    low, high = float(values.min()), float(values.max())
    return Normalize(low if low < high else low - 1, high)


def _colour_bar(whole: Figure, panels: Sequence[Axes], values: pd.Series, name: str) -> None:
    """Which colour is which value; nothing where there is only one."""
    if values.nunique() < 2:
        return
    bar = whole.colorbar(ScalarMappable(_norm(values), RAMP), ax=panels, aspect=30, shrink=0.9, pad=0.02)
    bar.locator = MaxNLocator(6, integer=pd.api.types.is_integer_dtype(values))
    bar.update_ticks()
    bar.ax.tick_params(labelsize=style.TICK, color=style.MUTED, labelcolor=style.INK, width=0.6)
    bar.set_label(name, fontsize=style.LABEL, color=style.INK)
    bar.outline.set_visible(False)
