"""How a model's weights are distributed before and after training."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from hpapipe.plots import style

WHOLE, HEAD = "whole model", "head"


def weights_table(
    start: Mapping[str, np.ndarray], end: Mapping[str, np.ndarray], bins: int = 101, bound: float | None = None
) -> pd.DataFrame:
    """`part, when, left, right, count`: histograms of all kernel weights over the same bins at both times.

    The bins are equally wide and symmetric about 0, so that an odd number of them has one for the weights near 0.
    `part` is `whole model`, and `head` where paths begin with `head`. Weights beyond `bound` are counted in the
    outermost bins; NaN is left out.

    Args:
        start: path of a kernel, e.g. `head_dense/kernel` -> its weights before training, float, any shape.
        end: the same after training.
        bins: number of bins.
        bound: largest absolute weight that the bins reach; none: the largest finite weight of both times.
    """
    times = {"start": start, "end": end}
    limit = bound or max(_largest(_joined(weights.values())) for weights in times.values()) or 1.0
    edges = np.linspace(-limit, limit, bins + 1)
    parts = []
    for part in (WHOLE, HEAD):
        for when, weights in times.items():
            values = _joined(kernel for path, kernel in weights.items() if part == WHOLE or path.startswith(HEAD))
            if not len(values):
                continue
            counts, _ = np.histogram(np.clip(values[~np.isnan(values)], -limit, limit), edges)
            columns = {"left": edges[:-1], "right": edges[1:], "count": counts}
            parts.append(pd.DataFrame({"part": part, "when": when, **columns}))
    return pd.concat(parts, ignore_index=True)


def weights_summary(weights: Mapping[str, np.ndarray], bound: float = 1.0) -> dict[str, float]:
    """`mean`, `std`, `min`, `max` of the finite weights, and `share_beyond`: of all, with `|w| > bound` or not finite.

    Args:
        weights: path of a kernel -> its weights, float, any shape.
        bound: absolute weight beyond which a weight has run away.
    """
    values = _joined(weights.values())
    finite = values[np.isfinite(values)]
    beyond = float(np.mean(~(np.abs(values) <= bound))) if len(values) else 0.0
    names = ("mean", "std", "min", "max")
    measures = [float(getattr(np, name)(finite)) if len(finite) else float("nan") for name in names]
    return {**dict(zip(names, measures, strict=True)), "share_beyond": beyond}


def draw_weights(table: pd.DataFrame) -> Figure:
    """Histograms before (filled) and after training (line), one panel a part, counts logarithmic."""
    groups = [(str(part), rows) for part, rows in table.groupby("part", sort=False)]
    whole = style.figure(4.6 * len(groups) + 0.6, 3.6)
    panels = whole.subplots(1, len(groups), squeeze=False)[0]
    for axes, (part, rows) in zip(panels, groups, strict=True):
        style.dress(
            axes,
            f"Kernel weights, {part}",
            "weight (outermost bins: and all beyond)",
            "weights in the bin (logarithmic)",
        )
        for when, fill, colour in (("start", True, "#a9a9a9"), ("end", False, style.PALETTE[0])):
            bars = rows[rows["when"] == when]
            edges = np.append(bars["left"], bars["right"].iloc[-1:])
            look = {"fill": fill, "color": colour, "linewidth": 1.3}
            # The axis starts at a half, so that a bin with a single weight has a height.
            axes.stairs(bars["count"], edges, baseline=0.5, label=f"{when} of training", **look)
        axes.set_yscale("log", nonpositive="clip")
        axes.set_ylim(bottom=0.5)
        axes.legend(fontsize=style.TICK, frameon=False)
    return whole


def _joined(kernels: Iterable[np.ndarray]) -> np.ndarray:
    """All weights in one float64 `[weights]`; empty where there is no kernel."""
    return np.concatenate([np.zeros(0), *(np.ravel(kernel) for kernel in kernels)])


def _largest(values: np.ndarray) -> float:
    return float(np.max(np.abs(values[np.isfinite(values)]), initial=0.0))
