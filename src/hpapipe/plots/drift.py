"""Two sets side by side: how often each label is named, and how probabilities and images are spread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from hpapipe.plots import style

BEFORE, NOW = "validation", "new images"
_COLOURS = {BEFORE: style.MUTED, NOW: style.PALETTE[1]}
_STEPS = np.linspace(0, 1, 101)


def shares_table(
    labels: Sequence[str],
    counts: tuple[np.ndarray, np.ndarray],
    fields: tuple[int, int],
    intervals: Sequence[tuple[np.ndarray, np.ndarray]],
    sure: np.ndarray,
) -> pd.DataFrame:
    """`label, set, share, low, high, sure`, shares in %, two rows a label.

    Args:
        labels: names.
        counts: how often each label is named, in validation and in the new set, int `[labels]`.
        fields: of both.
        intervals: (lower ends, upper ends) of the 95 % intervals, 0 to 1, of both.
        sure: whether the two shares of a label differ surely, bool `[labels]`.
    """
    parts = []
    for name, count, of, (low, high) in zip((BEFORE, NOW), counts, fields, intervals, strict=True):
        shares = {"share": 100 * count / max(1, of), "low": 100 * low, "high": 100 * high}
        parts.append(pd.DataFrame({"label": list(labels), "set": name, **shares, "sure": sure}))
    return pd.concat(parts, ignore_index=True)


def draw_shares(table: pd.DataFrame) -> Figure:
    """Two points with 95 % intervals for each label, those named most in validation on top; sure changes in bold."""
    first = table[table["set"] == BEFORE].sort_values("share", ascending=False, kind="stable")
    labels = list(first["label"])
    whole = style.figure(5.5 + style.tick_room(labels), max(2.5, 0.24 * len(labels) + 1.3))
    axes = style.dress(whole.add_subplot(), "How often each label is named", "fields (%), with 95 % intervals")
    for name, up in ((BEFORE, -0.16), (NOW, 0.16)):
        rows = table[table["set"] == name].set_index("label").loc[labels]
        places = np.arange(len(labels)) + up
        axes.hlines(places, rows["low"], rows["high"], color=_COLOURS[name], linewidth=1.2)
        axes.plot(rows["share"], places, "o", color=_COLOURS[name], markersize=4, label=name)
    axes.set_yticks(range(len(labels)), labels, parse_math=False)
    for tick, sure in zip(axes.get_yticklabels(), first["sure"], strict=True):
        tick.set_fontweight("bold" if sure else "normal")
    axes.set(xlim=(0, None), ylim=(len(labels) - 0.4, -0.6))
    axes.grid(False, axis="y")
    style.shared_legend(whole, axes)
    return whole


def distributions_table(values: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> pd.DataFrame:
    """`quantity, set, share, value`: the values below which 0, 1, … 100 % of each set lie.

    Args:
        values: quantity -> those of validation and of the new set; what is no number does not count.
    """
    parts = []
    for quantity, pair in values.items():
        for name, found in zip((BEFORE, NOW), pair, strict=True):
            finite = np.asarray(found, np.float64)[np.isfinite(found)]
            if len(finite):
                columns = {"share": 100 * _STEPS, "value": np.quantile(finite, _STEPS)}
                parts.append(pd.DataFrame({"quantity": quantity, "set": name, **columns}))
    return pd.concat(parts, ignore_index=True)


def draw_distributions(table: pd.DataFrame) -> Figure:
    """A panel a quantity: the share of fields below each value, of both sets."""
    groups = list(table.groupby("quantity", sort=False))
    columns = min(4, len(groups))
    rows = -(-len(groups) // columns)
    whole = style.figure(max(4.5, 2.3 * columns), 1.9 * rows + 0.7)
    for number, (quantity, part) in enumerate(groups):
        axes = style.dress(whole.add_subplot(rows, columns, number + 1), str(quantity))
        for name, found in part.groupby("set", sort=False):
            axes.plot(found["value"], found["share"], color=_COLOURS[str(name)], linewidth=1.4, label=str(name))
        axes.set(ylim=(-2, 102))
        axes.tick_params(labelleft=number % columns == 0)
        axes.xaxis.set_major_locator(MaxNLocator(3))
        axes.ticklabel_format(axis="x", scilimits=(-2, 4))
        axes.xaxis.get_offset_text().set_fontsize(style.TICK)
    whole.supylabel("fields below the value (%)", fontsize=style.LABEL, color=style.INK)
    style.shared_legend(whole, axes)
    return whole
