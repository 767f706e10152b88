"""The score of several runs against their speed, each point named."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from hpapipe.plots import style
from hpapipe.plots.compare import run_colours, wide_ranging

ANGLES = tuple(math.radians(angle) for angle in (0, 180, 40, -40, 140, -140, 90, -90))
DISTANCES = (7, 13, 21, 32, 46, 64, 86)
"""Places that are tried for a name, seen from its point: directions, and distances in points of 1/72 inch."""


def speed_table(
    runs: Sequence[str],
    speed: Sequence[float],
    score: Sequence[float],
    low: Sequence[float],
    high: Sequence[float],
    measure: str = "macro_f1",
) -> pd.DataFrame:
    """`run, images_per_second, macro_f1 (or another measure), low, high`, a row a run.

    Args:
        runs: names.
        speed: images a second in training; NaN where a run trained no network, which is then not drawn.
        score: 0 to 1.
        low: lower end of its 95 % interval.
        high: upper end.
        measure: name of the score.
    """
    columns = {"images_per_second": speed, measure: score, "low": low, "high": high}
    return pd.DataFrame({"run": list(runs), **{name: np.asarray(values, float) for name, values in columns.items()}})


def draw_speed(table: pd.DataFrame, words: str = "macro F1") -> Figure:
    """The score with its 95 % interval against images a second, each point with its run's name beside it."""
    found = run_colours(table)
    grown = min(3.5, 0.12 * len(found))
    whole = style.figure(6.5 + grown, 4.2 + grown)
    axes = style.dress(whole.add_subplot(), "Score against speed, with 95 % intervals")
    for row in table.to_dict("records"):
        colour = found[row["run"]]
        axes.vlines(row["images_per_second"], row["low"], row["high"], color=colour, linewidth=1.0, alpha=0.6)
        axes.plot(row["images_per_second"], row[table.columns[2]], "o", color=colour, markersize=6)
    far_apart = wide_ranging(table["images_per_second"].to_numpy(), 5)
    axes.set(xscale="log" if far_apart else "linear", ylabel=f"{words} (0 to 1)")
    axes.set_xlabel(f"images a second in training{' (logarithmic)' if far_apart else ''}")
    axes.margins(0.15, 0.08)
    _name_points(whole, axes, table, found)
    return whole


def _name_points(whole: Figure, axes: Axes, table: pd.DataFrame, found: Mapping[str, str]) -> None:
    """Write each run's name where it hides no point and no other name, as far as there is such a place."""
    table = table.dropna(subset=list(table.columns[1:3]))
    whole.draw_without_rendering()  # only now the places of the points are known
    scale = whole.dpi / 72
    points = table[list(table.columns[1:3])].to_numpy()
    spots = axes.transData.transform(points)
    taken = [Bbox.from_bounds(x - 4 * scale, y - 4 * scale, 8 * scale, 8 * scale) for x, y in spots]
    for run, (value, score), spot in zip(table["run"], points, spots, strict=True):
        text = axes.annotate(
            run,
            (value, score),
            xytext=(0, 0),
            textcoords="offset points",
            fontsize=style.TICK,
            color=found[run],
            parse_math=False,
            verticalalignment="bottom",
            arrowprops={"arrowstyle": "-", "color": style.MUTED, "linewidth": 0.5, "shrinkA": 0, "shrinkB": 3},
        )
        text.set_path_effects([withStroke(linewidth=2, foreground="white")])
        text.set_in_layout(False)  # a name must not move the points that others were placed by
        distance, box = _best(axes, text, spot, scale, taken)
        text.set_position(((box.x0 - spot[0]) / scale, (box.y0 - spot[1]) / scale))
        if text.arrow_patch:
            text.arrow_patch.set_visible(distance > DISTANCES[0])
        taken.append(box)


def _best(axes: Axes, text: Text, spot: np.ndarray, scale: float, taken: Sequence[Bbox]) -> tuple[int, Bbox]:
    """The place for a name that hides least, the nearest one of several that hide nothing."""
    size = Text.get_window_extent(text)

    def hidden(place: tuple[int, Bbox]) -> float:
        distance, box = place
        outside = box.width * box.height - _common(box, axes.bbox)
        return distance * scale + 100 * sum(_common(box, other) for other in taken) + 100 * outside

    return min(_places(spot, size, scale), key=hidden)


def _places(spot: np.ndarray, size: Bbox, scale: float) -> Iterator[tuple[int, Bbox]]:
    """(distance, box of a name of this size) of every place that is tried around a point, in pixels."""
    for distance in DISTANCES:
        for angle in ANGLES:
            across, up = math.cos(angle), math.sin(angle)
            middle_x = spot[0] + across * distance * scale + np.sign(round(across, 6)) * size.width / 2
            middle_y = spot[1] + up * distance * scale
            yield distance, Bbox.from_bounds(middle_x - size.width / 2, middle_y - size.height / 2, *size.size)


def _common(first: Bbox, second: Bbox) -> float:
    """Area that two boxes share, in square pixels."""
    both = Bbox.intersection(first, second)
    return float(both.width * both.height) if both else 0.0
