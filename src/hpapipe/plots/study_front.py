"""Two objectives of a study against each other, and the trials that no other trial beats in both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from hpapipe.plots import style
from hpapipe.plots.compare import wide_ranging
from hpapipe.plots.study_scale import scale_of
from hpapipe.plots.study_space import MANY

AWAY = tuple(
    (step * right, step * up) for step in range(5, 61, 7) for right, up in ((1.0, 1.0), (1.4, 0.4), (0.4, 1.4))
)
"""Places of a number that are tried: points of 1/72 inch to the right of its mark and above it."""


def pareto_table(complete: pd.DataFrame, objectives: Sequence[str]) -> pd.DataFrame:
    """`number`, the two objectives, and `front`: whether no trial is better in one and at least as good in the other.

    Trials that are equal in both are on the front together.

    Args:
        complete: one row a trial: `number` and the objectives, both as high as can be; rows that lack one are left out.
        objectives: two columns.
    """
    table = complete[["number", *objectives]].dropna().sort_values("number", ignore_index=True)
    values = table[list(objectives)].to_numpy(np.float64)
    as_good = (values[:, None] >= values).all(2)  # [one, other]: one reaches the other in both
    better = (values[:, None] > values).any(2)
    beaten = np.any(as_good & better, axis=0)
    return table.assign(front=np.logical_not(beaten))


def draw_pareto(table: pd.DataFrame, up: str, across: str) -> Figure:
    """The first objective against the second, the front as a stepped line with the numbers of its trials.

    All that lies below the line or on it has been reached.

    Args:
        table: of `pareto_table`.
        up: name and unit of the first objective.
        across: name and unit of the second.
    """
    first, second = (str(column) for column in table.columns[1:3])
    whole = style.figure(6.5, 4.6)
    axes = style.dress(whole.add_subplot(), "Pareto front, with the numbers of its trials", across, up)
    size = 5.0 if len(table) <= MANY else 3.5
    front, rest = table[table["front"]].sort_values([second, first]), table[~table["front"]]
    dots: dict[str, Any] = {"marker": "o", "markersize": size, "alpha": 0.7, "linestyle": "none"}
    if len(rest):
        axes.plot(rest[second], rest[first], color=style.PALETTE[0], label=f"others ({len(rest)})", **dots)
    line: dict[str, Any] = {"marker": "o", "markersize": size + 1, "linewidth": 1.4, "drawstyle": "steps-pre"}
    axes.plot(front[second], front[first], color=style.PALETTE[1], label=f"front ({len(front)})", **line)
    if wide_ranging(table[second].to_numpy(np.float64), 5):
        axes.set(xscale="log", xlabel=f"{across} (logarithmic)")
        ticks = scale_of(table[second], log=True).ticks(8)
        axes.set_xticks(list(ticks), list(ticks.values()))
        axes.xaxis.set_minor_formatter("")
    axes.margins(0.1)
    whole.legend(loc="outside lower left", ncols=2, fontsize=style.TICK, frameon=False)
    _number(whole, axes, front[[second, first]].to_numpy(np.float64), front["number"].tolist())
    return whole


def _number(whole: Figure, axes: Axes, spots: np.ndarray, numbers: Sequence[int]) -> None:
    """Write the trials' numbers up and to the right of the front, where no mark can be, and not over each other."""
    together: dict[tuple[float, float], list[str]] = {}
    for (x, y), number in zip(spots.tolist(), numbers, strict=True):
        together.setdefault((x, y), []).append(str(number))
    whole.draw_without_rendering()  # only now the places of the marks are known
    scale = whole.dpi / 72
    pixels = axes.transData.transform(list(together))
    taken = [_box(pixel - 4 * scale, np.full(2, 8 * scale)) for pixel in pixels]
    for (spot, names), pixel in zip(together.items(), pixels, strict=True):
        text = axes.annotate(
            ", ".join(names),
            spot,
            xytext=(0, 0),
            textcoords="offset points",
            fontsize=style.TICK,
            color=style.INK,
            path_effects=[withStroke(linewidth=2, foreground="white")],
            arrowprops={"arrowstyle": "-", "color": style.MUTED, "linewidth": 0.5, "shrinkA": 0, "shrinkB": 3},
        )
        text.set_in_layout(False)  # a number must not move the marks that others were placed by
        size = np.array(Text.get_window_extent(text).size)
        boxes = {away: _box(pixel + scale * np.array(away), size) for away in AWAY}
        away = min(boxes, key=lambda away: sum(boxes[away].overlaps(other) for other in taken))
        text.set_position(away)
        if text.arrow_patch:
            text.arrow_patch.set_visible(away != AWAY[0])
        taken.append(boxes[away])


def _box(corner: np.ndarray, size: np.ndarray) -> Bbox:
    """The box of this size with its lower left corner there."""
    return Bbox([corner, corner + size])
