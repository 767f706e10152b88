"""Which probability is high enough for a pixel to belong to the cell: one cut for all pools.

Everywhere `mask = probability >= cut`. The cut is the one of many candidates at which the mean IoU is highest, found in
one pass over frames that come one by one. Scored on the pools it was chosen on it looks better than it is, so each pool
is also scored at the cut that the other pools would have chosen, beside fixed rivals.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from hpapipe.scoring.ranking import checked

CUTS = tuple(percent / 100 for percent in range(1, 100))
"""Candidates: 0.01 to 0.99."""
RIVALS = (0.5, 0.8)
"""The middle, and what the study of blastocysts in a 24-hour movie that hpapipe repeats cut its masks at."""


@dataclass(frozen=True)
class Cut:
    """The cut to deploy, and what to expect of it.

    Args:
        cut: with the highest mean IoU over all pools; of several such, the one nearest to 0.5.
        iou: mean IoU there, on the pools that it was chosen on: too high.
        crossfitted: mean IoU where each pool is cut by what all others chose; nan for one pool.
        by_pool: float64 `[pools]`, what all others chose; for one pool its own.
        rivals: fixed cut -> mean IoU.
        cuts: float64 `[cuts]`, every candidate in rising order, the rivals among them.
        pools: int `[pools]`, in rising order.
        table: float64 `[pools, cuts]`, mean IoU over the frames of each pool; all means above are over its rows.
    """

    cut: float
    iou: float
    crossfitted: float
    by_pool: np.ndarray
    rivals: dict[float, float]
    cuts: np.ndarray
    pools: np.ndarray
    table: np.ndarray


def masked(probabilities: np.ndarray, cut: float) -> np.ndarray:
    """The mask of a frame, bool `[height, width]`.

    Args:
        probabilities: float `[height, width]`, 0 to 1.
        cut: rounded to the type of the probabilities.
    """
    # A NumPy number instead of Python's would be compared unrounded, and 0.7 is a little less in float32.
    return probabilities >= float(cut)


def tune_cut(
    frames: Iterable[tuple[int, np.ndarray, np.ndarray]],
    cuts: Sequence[float] = CUTS,
    rivals: Sequence[float] = RIVALS,
) -> Cut:
    """The cut with the highest mean IoU.

    Args:
        frames: pool, truth bool `[height, width]`, probabilities float32 or float64 `[height, width]`; one by one.
        cuts: candidates, 0 to 1; rivals are candidates too.
        rivals: cuts to compare with.

    Raises:
        UserError: where a probability is not a number from 0 to 1.
        ValueError: where there is no frame, or a truth and its probabilities differ in shape.
    """
    candidates = np.unique(np.array([*cuts, *rivals], np.float64))
    sums: dict[int, np.ndarray] = {}
    counts: dict[int, int] = {}
    for pool, truth, probabilities in frames:
        sums[pool] = sums.get(pool, 0.0) + iou_at_cuts(truth, probabilities, candidates)
        counts[pool] = counts.get(pool, 0) + 1
    if not sums:
        raise ValueError("A cut needs at least one frame to be tuned on. Received none.")
    pools = sorted(sums)
    table = np.stack([sums[pool] / counts[pool] for pool in pools])
    mean = table.mean(axis=0)
    best = _best(mean, candidates)
    at_rivals = {float(rival): float(mean[np.searchsorted(candidates, rival)]) for rival in rivals}
    places = _chosen_by_others(table, candidates)
    crossfitted = float(table[np.arange(len(table)), places].mean()) if len(table) > 1 else float("nan")
    chosen = (float(candidates[best]), float(mean[best]), crossfitted, candidates[places])
    return Cut(*chosen, at_rivals, candidates, np.array(pools), table)


def iou_at_cuts(truth: np.ndarray, probabilities: np.ndarray, cuts: np.ndarray) -> np.ndarray:
    """IoU of the mask that each cut would make of a frame, float64 `[cuts]`; 1 where truth and mask are empty.

    Exact, from two counts of pixels between neighbouring cuts: all of them, and those of the truth.

    Args:
        truth: bool `[height, width]`.
        probabilities: float32 or float64 `[height, width]`, 0 to 1.
        cuts: float64 `[cuts]`, rising.

    Raises:
        UserError: where a probability is not a number from 0 to 1.
        ValueError: where the two shapes differ.
    """
    if truth.shape != probabilities.shape:
        shapes = f"{truth.shape} and {probabilities.shape}"
        raise ValueError(f"truth and probabilities must have one shape. Received {shapes}.")
    probabilities = checked(probabilities)
    passed = np.searchsorted(cuts.astype(probabilities.dtype), probabilities.ravel(), side="right")
    answered = _at_least(passed, len(cuts))
    hits = _at_least(passed[truth.ravel()], len(cuts))
    union = np.count_nonzero(truth) + answered - hits
    return np.divide(hits, union, out=np.ones(len(cuts)), where=union > 0)


def _at_least(passed: np.ndarray, cuts: int) -> np.ndarray:
    """How many pixels pass the first, the second … of `cuts`, int64 `[cuts]`; `passed` is how many cuts each passes."""
    return np.bincount(passed, minlength=cuts + 1)[::-1].cumsum()[::-1][1:]


def _best(mean: np.ndarray, cuts: np.ndarray) -> int:
    equal = np.flatnonzero(mean == mean.max())  # a sharp answer has the same IoU over a wide range of cuts
    return int(equal[np.abs(cuts[equal] - 0.5).argmin()])


def _chosen_by_others(table: np.ndarray, cuts: np.ndarray) -> np.ndarray:
    """Place of the cut that all other pools choose, int `[pools]`; of its own where there are no others."""
    if len(table) < 2:
        return np.array([_best(row, cuts) for row in table])
    total = table.sum(axis=0)
    return np.array([_best((total - row) / (len(table) - 1), cuts) for row in table])
