"""Masks against the truth: overlap of each group, overlap against the cut, areas, and outlines on the images."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from hpapipe.plots import style

TRUTH, ANSWER = style.PALETTE[2], style.PALETTE[1]
SIDE = 2.4
"""Inches of a panel."""


def iou_per_group_table(groups: Sequence[str], scores: np.ndarray) -> pd.DataFrame:
    """`group, images, iou, worst, best`: the mean and the ends of each group, the lowest mean first.

    Args:
        groups: names, one an image.
        scores: float `[images]`, IoU.
    """
    table = pd.DataFrame({"group": list(groups), "iou": scores}).groupby("group", sort=False)["iou"]
    found = pd.DataFrame({"images": table.size(), "iou": table.mean(), "worst": table.min(), "best": table.max()})
    return found.reset_index().sort_values(["iou", "group"], ignore_index=True)


def draw_iou_per_group(table: pd.DataFrame) -> Figure:
    """A row a group with its mean IoU, and a line from its worst image to its best; many groups as one curve."""
    named = len(table) <= 40
    whole = style.figure(6.4, 0.9 + (0.19 * len(table) if named else 3.4))
    axes = style.dress(
        whole.add_subplot(), "Intersection over union of each group", "IoU (0 to 1)", "" if named else "groups"
    )
    places = np.arange(len(table))[::-1]
    axes.hlines(places, table["worst"], table["best"], color=style.PALETTE[5], linewidth=1.6 if named else 0.6)
    axes.plot(table["iou"], places, "o", color=style.PALETTE[0], markersize=4 if named else 2)
    if named:
        axes.set_yticks(places, table["group"])
    axes.set_xlim(min(0.5, float(table["worst"].min())) - 0.02, 1.02)
    return whole


def iou_against_cut_table(cuts: np.ndarray, by_group: np.ndarray, chosen: float) -> pd.DataFrame:
    """`cut, iou, lowest, highest, chosen`: the mean over groups, and the ends of them.

    Args:
        cuts: float `[cuts]`.
        by_group: float `[groups, cuts]`, mean IoU.
        chosen: the cut that is deployed.
    """
    ends = {"lowest": by_group.min(axis=0), "highest": by_group.max(axis=0)}
    return pd.DataFrame({"cut": cuts, "iou": by_group.mean(axis=0), **ends, "chosen": chosen})


def draw_iou_against_cut(table: pd.DataFrame) -> Figure:
    """Mean IoU against the probability from which a pixel belongs to the cell, with the span of groups."""
    whole = style.figure(5.6, 3.4)
    axes = style.dress(whole.add_subplot(), "", "probability from which a pixel belongs to the cell", "IoU (0 to 1)")
    axes.fill_between(
        table["cut"], table["lowest"], table["highest"], color=style.PALETTE[5], alpha=0.35, label="all groups"
    )
    axes.plot(table["cut"], table["iou"], color=style.PALETTE[0], label="mean of the groups")
    cut = float(table["chosen"].iloc[0])
    axes.axvline(cut, color=ANSWER, linewidth=1, label=f"chosen: {cut:g}")
    axes.legend(fontsize=style.TICK, frameon=False, loc="lower center")
    return whole


def areas_table(frames: pd.DataFrame) -> pd.DataFrame:
    """`id, true_area, area`, px.

    Args:
        frames: with these columns.
    """
    return frames[["id", "true_area", "area"]].reset_index(drop=True)


def draw_areas(table: pd.DataFrame) -> Figure:
    """Answered area against the true one, and the line on which both are the same."""
    whole = style.figure(4.2, 4.2)
    axes = style.dress(whole.add_subplot(), "", "true area (px)", "answered area (px)")
    most = 1.05 * float(table[["true_area", "area"]].to_numpy().max(initial=1))
    axes.plot([0, most], [0, most], color=style.MUTED, linewidth=0.8, linestyle="--")
    axes.plot(table["true_area"], table["area"], "o", color=style.PALETTE[0], markersize=4, alpha=0.6)
    axes.set(xlim=(0, most), ylim=(0, most), aspect="equal")
    return whole


def outlines_table(frames: pd.DataFrame, most: int) -> pd.DataFrame:
    """`id, rank, iou` of the worst images, the worst first, then of the best, the best first; none twice.

    Images without a cell in which none was found score 1 and show nothing: they are in neither rank.

    Args:
        frames: with `id`, `iou`, `true_area` and `area`.
        most: images of each rank.
    """
    with_cell = frames[(frames["true_area"] > 0) | (frames["area"] > 0)]
    order = with_cell.sort_values("iou", kind="stable")[["id", "iou"]]
    worst = order.head(min(most, math.ceil(len(order) / 2)))
    best = order.iloc[::-1].head(min(most, len(order) - len(worst)))
    return pd.concat([worst.assign(rank="worst"), best.assign(rank="best")], ignore_index=True)[["id", "rank", "iou"]]


def draw_outlines(table: pd.DataFrame, shown: Mapping[str, tuple[np.ndarray, np.ndarray, np.ndarray]]) -> Figure:
    """One panel a row of the table: the image with the true and the answered outline.

    Args:
        table: of `outlines_table`.
        shown: id -> image `[height, width]`, truth and answer, bool `[height, width]`.
    """
    columns = max(1, min(4, len(table)))
    rows = max(1, math.ceil(len(table) / columns))
    tallest = max((image.shape[0] / image.shape[1] for image, _, _ in shown.values()), default=1)
    whole = style.figure(SIDE * columns, (SIDE * tallest + 0.32) * rows + 0.3)
    for place, (name, rank, score) in enumerate(zip(table["id"], table["rank"], table["iou"], strict=True), 1):
        axes = whole.add_subplot(rows, columns, place)
        _outlined(axes, *shown[name])
        axes.set_title(f"{rank}, IoU {score:.3f}\n{name}", fontsize=style.TICK, color=style.INK, parse_math=False)
    handles = [Line2D([], [], color=TRUTH, label="truth"), Line2D([], [], color=ANSWER, label="answer")]
    whole.legend(handles=handles, loc="outside upper right", ncols=2, fontsize=style.LABEL, frameon=False)
    return whole


def _outlined(axes: Axes, image: np.ndarray, truth: np.ndarray, answer: np.ndarray) -> None:
    low, high = np.percentile(image, (0.5, 99.5))
    axes.imshow(image, cmap="gray", vmin=low, vmax=max(high, low + 1), interpolation="nearest")
    for mask, colour in ((truth, TRUTH), (answer, ANSWER)):
        if mask.any() and not mask.all():
            axes.contour(mask, levels=[0.5], colors=[colour], linewidths=0.9)
    axes.set_xticks([])
    axes.set_yticks([])
