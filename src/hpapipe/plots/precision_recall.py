"""Precision against recall of each label."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from hpapipe.plots import style, thinning


def precision_recall_table(truth: np.ndarray, scores: np.ndarray, names: Sequence[str]) -> pd.DataFrame:
    """`label, recall, precision, average_precision, positives, share`: at most 200 points of each label's curve.

    The curve has a point for each distinct score, from the highest down, and starts at recall 0 with the first point's
    precision. `average_precision` is the area under all its steps, before thinning; `share` is the share of positives,
    which is the precision of guessing. A label without positives has one row, with NaN.

    Args:
        truth: uint8 `[images, labels]`, 1 where the label applies.
        scores: float `[images, labels]`, higher where the label is more likely.
        names: one a label.

    Source: Davis and Goadrich, The relationship between precision-recall and ROC curves, ICML 2006.
    """
    parts = []
    for index, name in enumerate(names):
        positives = int(np.count_nonzero(truth[:, index]))
        recall, precision = _curve(truth[:, index], scores[:, index])
        area = float(np.sum(np.diff(recall) * precision[1:])) if positives else float("nan")
        points = thinning.kept(recall, precision)
        curve = {"recall": recall[points], "precision": precision[points], "average_precision": area}
        share = positives / len(truth) if len(truth) else float("nan")
        parts.append(pd.DataFrame({"label": name, **curve, "positives": positives, "share": share}))
    return pd.concat(parts, ignore_index=True)


def _curve(truth: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Recall and precision, float64 `[points]`, with falling threshold; one point of NaN where nothing is positive."""
    if not truth.any():
        return np.array([np.nan]), np.array([np.nan])
    order = np.argsort(-np.asarray(scores, np.float64), kind="stable")
    ranked = np.asarray(scores)[order]
    ends = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)
    hits = np.cumsum(truth[order] > 0)[ends]
    recall, precision = hits / hits[-1], hits / (ends + 1)
    return np.insert(recall, 0, 0.0), np.insert(precision, 0, precision[0])


def draw_precision_recall(table: pd.DataFrame) -> Figure:
    """One small panel a label: precision against recall, average precision in the title, guessing as a dotted line."""
    across, up = "recall (share of positives found)", "precision (share of answers right)"
    whole, panels = style.small_multiples(table, across, up)
    for axes, rows in panels:
        area, positives, share = rows[["average_precision", "positives", "share"]].iloc[0]
        recall, precision = rows["recall"], rows["precision"]
        # Steps to the left are the ones whose area is the average precision.
        axes.plot(recall, precision, color=style.PALETTE[0], linewidth=1.3, drawstyle="steps-pre", label="precision")
        axes.fill_between(recall, precision, step="pre", color=style.PALETTE[0], alpha=0.12, linewidth=0)
        axes.axhline(share, color=style.MUTED, linewidth=1.0, linestyle=":", label="guessing")
        under = f"AP {area:.2f}, {positives:,.0f} fields" if positives else "no positives"
        axes.set_title(f"{axes.get_title()}\n{under}", fontsize=style.TICK)
    style.shared_legend(whole, panels[0][0])
    return whole
