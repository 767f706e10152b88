"""F1 of each label against its threshold."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from hpapipe.plots import style, thinning


def f1_against_threshold_table(
    curves: Mapping[str, tuple[np.ndarray, np.ndarray]], chosen: Mapping[str, float]
) -> pd.DataFrame:
    """`label, threshold, f1, chosen`: at most 200 points of each label's curve, its highest F1 always among them.

    Args:
        curves: label -> (thresholds, F1), each float `[points]`, thresholds rising.
        chosen: label -> the threshold in use; repeated in each of the label's rows.
    """
    parts = []
    for label, (thresholds, f1) in curves.items():
        across, up = np.asarray(thresholds, np.float64), np.asarray(f1, np.float64)
        points = thinning.kept(across, up)
        rows = {"threshold": across[points], "f1": up[points], "chosen": float(chosen[label])}
        parts.append(pd.DataFrame({"label": label, **rows}))
    return pd.concat(parts, ignore_index=True)


def draw_f1_against_threshold(table: pd.DataFrame) -> Figure:
    """One small panel a label: the curve, its highest point, and the chosen threshold as a vertical line."""
    whole, panels = style.small_multiples(table, "threshold (probability)", "F1 (0 to 1)")
    for axes, rows in panels:
        threshold, f1 = rows["threshold"].to_numpy(), rows["f1"].to_numpy()
        top, chosen = np.argmax(np.nan_to_num(f1)), rows["chosen"].iloc[0]
        axes.plot(threshold, f1, color=style.PALETTE[0], linewidth=1.3, label="F1")
        axes.plot(threshold[top], f1[top], "o", markersize=4, color=style.INK, label="highest F1")
        axes.axvline(chosen, color=style.PALETTE[1], linewidth=1.2, linestyle="--", label="chosen threshold")
        axes.set_title(f"{axes.get_title()}\nthreshold {chosen:.2f}, best F1 {f1[top]:.2f}", fontsize=style.TICK)
    style.shared_legend(whole, panels[0][0])
    return whole
