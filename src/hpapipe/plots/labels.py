"""Labels: which occur together, and the F1 of each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from hpapipe.plots import style


def co_occurrence_table(truth: np.ndarray, names: Sequence[str]) -> pd.DataFrame:
    """Fields that carry both labels, int64 `[labels, labels]`, rows and columns called `names`; diagonal: positives.

    Args:
        truth: uint8 `[images, labels]`, 1 where the label applies.
        names: one a label.
    """
    marks = (np.asarray(truth) > 0).astype(np.int64)
    return pd.DataFrame(marks.T @ marks, index=pd.Index(names, name="label"), columns=list(names))


def draw_co_occurrence(table: pd.DataFrame) -> Figure:
    """A heat map of the counts with logarithmic colour; pairs that never occur stay white.

    Args:
        table: square counts. Only its columns name the labels, so a table that lost its index draws the same.
    """
    counts, names = table.to_numpy(), [str(name) for name in table.columns]
    side = max(3.0, 0.31 * len(names))
    room = style.tick_room(names)
    whole = style.figure(side + room + 1.0, side + room + 0.5)
    axes = style.dress(whole.add_subplot(), "Fields that carry both labels\n(diagonal: all fields with the label)")
    axes.grid(False)
    norm = LogNorm(1, max(2, int(counts.max(initial=0))))
    # The figure's own shape makes the cells square: a fixed aspect would cut long names off.
    image = axes.imshow(np.ma.masked_less(counts, 1), cmap="cividis", norm=norm, aspect="auto")
    places, size = range(len(names)), 5.5 if len(names) > 14 else style.TICK
    axes.set_xticks(places, names, rotation=90, parse_math=False)
    axes.set_yticks(places, names, parse_math=False)
    for row, column in zip(*np.nonzero(counts), strict=True):
        number = int(counts[row, column])
        colour = "white" if norm(number) < 0.55 else "black"
        axes.text(column, row, _short(number), ha="center", va="center", fontsize=size, color=colour)
    bar = whole.colorbar(image, ax=axes, shrink=0.6, pad=0.01)
    bar.set_label("fields (logarithmic colour)", fontsize=style.LABEL)
    bar.ax.tick_params(labelsize=style.TICK)
    return whole


def _short(number: int) -> str:
    """A count in at most four characters: 999, 1.2k, 13k."""
    if number < 1000:
        return str(number)
    return f"{number / 1000:.1f}k" if number < 9950 else f"{number / 1000:.0f}k"


def f1_per_label_table(
    names: Sequence[str], f1: np.ndarray, low: np.ndarray, high: np.ndarray, positives: np.ndarray
) -> pd.DataFrame:
    """`index, label, f1, low, high, positives`, a row a label in the order of `names`.

    Args:
        names: one a label.
        f1: float `[labels]`.
        low: lower end of the 95 % interval, float `[labels]`.
        high: upper end, float `[labels]`.
        positives: fields that carry the label, int `[labels]`.
    """
    columns = {"f1": np.float64(f1), "low": np.float64(low), "high": np.float64(high), "positives": np.int64(positives)}
    return pd.DataFrame({"index": np.arange(len(names)), "label": list(names), **columns})


def draw_f1_per_label(table: pd.DataFrame) -> Figure:
    """Horizontal bars with 95 % intervals, the most frequent label on top, its positives at the right."""
    rows = table.sort_values("positives", ascending=False, kind="stable")
    places = np.arange(len(rows))
    whole = style.figure(5.5 + style.tick_room(rows["label"]), max(2.5, 0.22 * len(rows) + 1.3))
    axes = style.dress(whole.add_subplot(), "F1 of each label, with 95 % intervals", "F1 (0 to 1)")
    bars = axes.barh(places, rows["f1"], height=0.7, color=style.PALETTE[5], label="F1")
    lines = axes.hlines(places, rows["low"], rows["high"], color=style.INK, linewidth=1.2, label="95 % interval")
    macro = rows["f1"].mean()
    mean = axes.axvline(macro, color=style.PALETTE[1], linewidth=1.2, linestyle="--", label=f"macro F1 {macro:.3f}")
    axes.set_yticks(places, rows["label"], parse_math=False)
    axes.set(xlim=(0, 1), ylim=(len(rows) - 0.4, -0.6))
    axes.grid(False, axis="y")
    right = axes.secondary_yaxis("right")
    right.set_yticks(places, [f"{number:,}" for number in rows["positives"]])
    right.tick_params(labelsize=style.TICK, length=0, labelcolor=style.MUTED)
    right.spines["right"].set_visible(False)
    right.set_ylabel("fields with the label", fontsize=style.LABEL, color=style.MUTED)
    whole.legend(handles=[bars, lines, mean], loc="outside lower right", ncols=3, fontsize=style.TICK, frameon=False)
    return whole
