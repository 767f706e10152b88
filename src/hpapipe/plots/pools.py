"""The grid of pools on a movie's first frame: is each pool where it should be?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Patch, Rectangle
from matplotlib.patheffects import withStroke

from hpapipe.plots import style

MOST_PIXELS = 1200
"""Height and width in pixels to about which a frame is thinned before it is drawn."""

OUTLINE: dict[str, Any] = {"color": style.PALETTE[1], "linewidth": 1.0}
"""Of a pool's walls; of its patch where they are not known."""


def grid_table(
    names: Sequence[str],
    centres: np.ndarray,
    size: tuple[int, int],
    radius: float | None,
    square: bool,
    angle: float,
) -> pd.DataFrame:
    """`pool, row, column, height, width, radius, shape, angle`, a row a pool, all but the last two in px.

    Args:
        names: one a pool, such as r1c1.
        centres: (row, column) of each pool's middle, px, float `[pools, 2]`.
        size: height and width of the patch that is cut out for a pool, px.
        radius: of a round pool, or half the side of a square one, px; none: nobody saw its walls.
        square: square pools, else round ones.
        angle: of the grid in degrees; above 0 lowers its right side.
    """
    table = pd.DataFrame({"pool": list(names), "row": centres[:, 0], "column": centres[:, 1]})
    shape = "square" if square else "round"
    return table.assign(height=size[0], width=size[1], radius=np.float64(radius), shape=shape, angle=angle)


def draw_grid(frame: np.ndarray, table: pd.DataFrame) -> Figure:
    """The frame with each pool's outline where its walls were seen, the patch that is cut out for it, and its name.

    Args:
        frame: uint8 or uint16 `[height, width]`.
        table: of `grid_table`.
    """
    height, width = frame.shape
    step = max(1, min(height, width) // MOST_PIXELS)
    longest = 6.5 / max(height, width)
    whole = style.figure(max(3.0, width * longest), max(1.2, height * longest) + 0.7)
    pools = f"{len(table)} pool{'' if len(table) == 1 else 's'}"
    axes = style.dress(whole.add_subplot(), pools, "column (px)", "row (px)")
    axes.grid(False)
    low, high = np.percentile(frame, (0.5, 99.5))
    axes.imshow(
        frame[::step, ::step],
        cmap="gray",
        vmin=low,
        vmax=max(high, low + 1),
        extent=(-0.5, width - 0.5, height - 0.5, -0.5),
        interpolation="nearest",
    )
    for pool in table.to_dict("records"):
        corner = (pool["column"] - pool["width"] / 2, pool["row"] - pool["height"] / 2)
        walls = np.isfinite(pool["radius"])
        look: dict[str, Any] = {"color": style.PALETTE[5], "linewidth": 0.6, "linestyle": ":"} if walls else OUTLINE
        axes.add_patch(Rectangle(corner, pool["width"], pool["height"], fill=False, **look))
        if walls:
            square = pool["shape"] == "square"
            axes.add_patch(_outline(pool["row"], pool["column"], pool["radius"], square, pool["angle"]))
        text = axes.text(*corner, pool["pool"], color="white", fontsize=6.5, va="top", clip_on=True, parse_math=False)
        text.set_path_effects([withStroke(linewidth=1.5, foreground=style.INK)])
    axes.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5))
    return whole


def _outline(row: float, column: float, radius: float, square: bool, angle: float) -> Patch:
    if not square:
        return Circle((column, row), radius, fill=False, **OUTLINE)
    corner = (column - radius, row - radius)
    return Rectangle(corner, 2 * radius, 2 * radius, angle=angle, rotation_point="center", fill=False, **OUTLINE)
