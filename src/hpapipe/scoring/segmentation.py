"""How well a mask is drawn: overlap, outline and area, of one frame and over the frames of many pools.

A frame is scored alone; `frames_table` takes frames one by one, so no movie is ever held. A pool's score is the mean of
its frames, and the score of all is the mean of the pools: frames of one pool show the same cell and err together, and
a long movie counts no more than a short one.

An empty mask says that there is no cell. Truth and answer both empty is right: overlap and outline 1, area error 0. One
of them empty is wrong: overlap and outline 0. Where only the answer is empty the area error is -100 %; where only the
truth is, there is no area to be a share of, and the error is nan. Means of the area error leave such frames out, and
`invented` counts them.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
from scipy.ndimage import distance_transform_edt

OVERLAPS = ("iou", "dice", "boundary_f1")
"""Scores from 0 to 1, the higher the better."""
TOLERANCE = 2.0
"""Pixels within which an outline counts as met: 0.55 % of the diagonal of 256×256, where Csurka et al. take 0.75 %."""


def iou(truth: np.ndarray, answer: np.ndarray) -> float:
    """Intersection over union, 0 to 1; 1 where both are empty.

    Args:
        truth: bool `[height, width]`, True in the cell.
        answer: bool `[height, width]`.

    Raises:
        ValueError: where the two shapes differ.

    Source: Jaccard, "Distribution de la flore alpine", 1901.
    """
    common, true, answered = _areas(truth, answer)
    return _ratio(common, true + answered - common)


def dice(truth: np.ndarray, answer: np.ndarray) -> float:
    """Twice the intersection over the sum of both areas, 2 IoU / (1 + IoU). All else as `iou`.

    Source: Dice, "Measures of the amount of ecologic association between species", 1945.
    """
    common, true, answered = _areas(truth, answer)
    return _ratio(2 * common, true + answered)


def area_error(truth: np.ndarray, answer: np.ndarray) -> float:
    """By how many percent of the true area the answered one is too large, or (below 0) too small.

    0 where both are empty, nan where the truth alone is. Arguments as `iou`.
    """
    _, true, answered = _areas(truth, answer)
    if true == 0:
        return 0.0 if answered == 0 else float("nan")
    return 100 * (answered - true) / true


def boundary_f1(truth: np.ndarray, answer: np.ndarray, tolerance: float = TOLERANCE) -> float:
    """F1 of the outlines, 0 to 1: how much of each lies within `tolerance` of the other; 1 where both masks are empty.

    Precision is the share of the answer's outline that is near the true one, recall the share of the true outline that
    is near the answer's. An outline is the pixels of a mask with one of their four neighbours outside it; a mask also
    ends where the frame does.

    Args:
        truth: bool `[height, width]`, True in the cell.
        answer: bool `[height, width]`.
        tolerance: largest distance between centres of pixels that counts as near, px.

    Raises:
        ValueError: where the two shapes differ.

    Source: Csurka et al., "What is a good evaluation measure for semantic segmentation?", 2013, section 3; measure F of
    Perazzi et al., "A benchmark dataset and evaluation methodology for video object segmentation", 2016, there with
    dilation in place of distances.
    """
    _, true, answered = _areas(truth, answer)
    if true == 0 or answered == 0:
        return float(true == answered)
    rows, columns = (_extent((truth | answer).any(axis=axis)) for axis in (1, 0))
    real, drawn = _outline(truth[rows, columns]), _outline(answer[rows, columns])
    precision = _near(drawn, real, tolerance)
    recall = _near(real, drawn, tolerance)
    return _ratio(2 * precision * recall, precision + recall, empty=0.0)


def frames_table(
    frames: Iterable[tuple[int, int, np.ndarray, np.ndarray]], tolerance: float = TOLERANCE
) -> pd.DataFrame:
    """One row a frame, in the order given.

    Columns: pool, frame, true_area and area (px), iou, dice, boundary_f1, area_error (%).

    Args:
        frames: pool, number of the frame, truth bool `[height, width]`, answer bool `[height, width]`; one by one.
        tolerance: of `boundary_f1`, px.

    Raises:
        ValueError: where a truth and its answer differ in shape.
    """
    columns = ("pool", "frame", "true_area", "area", *OVERLAPS, "area_error")
    rows = [
        (
            pool,
            frame,
            int(truth.sum()),
            int(answer.sum()),
            iou(truth, answer),
            dice(truth, answer),
            boundary_f1(truth, answer, tolerance),
            area_error(truth, answer),
        )
        for pool, frame, truth, answer in frames
    ]
    return pd.DataFrame(rows, columns=list(columns))


def pools_table(frames: pd.DataFrame) -> pd.DataFrame:
    """One row a pool, in rising order.

    Columns: pool, frames; mean, median and worst of each overlap, such as mean_iou and worst_iou; the same of the area
    error without its sign, such as worst_area_error; area_bias, the mean with its sign (%); missed, frames whose cell
    was not found; invented, frames without a cell in which one was answered.

    Args:
        frames: as `frames_table` gives it, some rows of it or all.
    """
    rows = []
    for pool, of_pool in frames.groupby("pool", sort=True):
        row = {"pool": pool, "frames": len(of_pool)}
        for name in OVERLAPS:
            scores = of_pool[name]
            row |= {f"mean_{name}": scores.mean(), f"median_{name}": scores.median(), f"worst_{name}": scores.min()}
        error, size = of_pool["area_error"], of_pool["area_error"].abs()
        row |= {"mean_area_error": size.mean(), "median_area_error": size.median(), "worst_area_error": size.max()}
        row["area_bias"] = error.mean()
        row["missed"] = int(((of_pool["true_area"] > 0) & (of_pool["area"] == 0)).sum())
        row["invented"] = int(((of_pool["true_area"] == 0) & (of_pool["area"] > 0)).sum())
        rows.append(row)
    return pd.DataFrame(rows)


def summary(frames: pd.DataFrame) -> dict[str, float]:
    """The figures of all pools: one number each, to be logged.

    For each overlap `mean_` is the mean of the pools' means, `median_` and `worst_` are over all frames, and
    `worst_pool_` is the lowest mean of a pool; likewise of the area error without its sign, where the highest is worst,
    and `area_bias`, the mean of the pools' means with its sign. `missed` and `invented` count frames, as in
    `pools_table`; `frames` and `pools` are the numbers of them.

    Args:
        frames: as `frames_table` gives it.

    Raises:
        ValueError: where there is no frame.
    """
    if frames.empty:
        raise ValueError("A summary needs at least one frame. Received none.")
    pools = pools_table(frames)
    found = {"frames": float(len(frames)), "pools": float(len(pools))}
    for name in (*OVERLAPS, "area_error"):
        scores, means = frames[name].abs(), pools[f"mean_{name}"]
        overlap = name in OVERLAPS
        found[f"mean_{name}"] = float(means.mean())
        found[f"median_{name}"] = float(scores.median())
        found[f"worst_{name}"] = float(scores.min() if overlap else scores.max())
        found[f"worst_pool_{name}"] = float(means.min() if overlap else means.max())
    found["area_bias"] = float(pools["area_bias"].mean())
    return found | {name: float(pools[name].sum()) for name in ("missed", "invented")}


def _areas(truth: np.ndarray, answer: np.ndarray) -> tuple[int, int, int]:
    """Pixels in both masks, in the truth, in the answer."""
    if truth.shape != answer.shape:
        raise ValueError(f"truth and answer must have one shape. Received {truth.shape} and {answer.shape}.")
    return int(np.count_nonzero(truth & answer)), int(np.count_nonzero(truth)), int(np.count_nonzero(answer))


def _ratio(part: float, whole: float, empty: float = 1.0) -> float:
    return part / whole if whole else empty


def _extent(filled: np.ndarray) -> slice:
    """From the first True to the last."""
    places = np.flatnonzero(filled)
    return slice(int(places[0]), int(places[-1]) + 1)


def _outline(mask: np.ndarray) -> np.ndarray:
    wide = np.pad(mask, 1)
    return mask & ~(wide[:-2, 1:-1] & wide[2:, 1:-1] & wide[1:-1, :-2] & wide[1:-1, 2:])


def _near(outline: np.ndarray, other: np.ndarray, tolerance: float) -> float:
    """Share of `outline` at most `tolerance` from `other`."""
    return float(np.mean(distance_transform_edt(~other)[outline] <= tolerance))
