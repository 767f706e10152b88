"""Each label's images from the highest score down: what exact thresholds and average precision are read from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hpapipe.errors import UserError

NEVER = 2.0
"""A threshold that no score reaches. Not just above 1, so that it stays above 1 when stored as float32 or float16."""


@dataclass(frozen=True)
class Ranking:
    """Images of each label in falling order of score; every table is `[labels, images]`.

    Args:
        order: intp, which image stands at each place.
        scores: float, the score at each place.
        hits: bool, True where the image at that place has the label.
    """

    order: np.ndarray
    scores: np.ndarray
    hits: np.ndarray


def rank(truth: np.ndarray, scores: np.ndarray) -> Ranking:
    """The images of each label in falling order of score.

    Args:
        truth: uint8 or bool `[images, labels]`.
        scores: float `[images, labels]`, 0 to 1.

    Raises:
        UserError: where a score is not a number from 0 to 1.
        ValueError: where the two shapes differ.
    """
    if truth.shape != scores.shape:
        raise ValueError(f"truth and scores must have one shape. Received {truth.shape} and {scores.shape}.")
    by_label = checked(scores).T
    # Rising and then read backwards: NumPy sorts contiguous rows of floats with vector instructions.
    order = np.argsort(np.ascontiguousarray(by_label), axis=1)[:, ::-1]
    return Ranking(order, np.take_along_axis(by_label, order, 1), np.take_along_axis(truth.T != 0, order, 1))


def checked(scores: np.ndarray) -> np.ndarray:
    """The scores as float32 or float64, known to be numbers from 0 to 1 (a last digit of rounding above 1 is let by).

    Raises:
        UserError: where one is not.
    """
    scores = scores if scores.dtype in (np.float32, np.float64) else scores.astype(np.float64)
    # A NaN makes both comparisons false.
    if not (scores.min(initial=0.0) >= 0.0 and scores.max(initial=1.0) <= 1.001):
        faulty = int(np.count_nonzero(~((scores >= 0.0) & (scores <= 1.001))))
        raise UserError(
            "Scores must be numbers from 0 to 1.",
            f"{faulty} of {scores.size} that are none",
            "Where they are NaN, training diverged: lower `fit.learning_rate` or set `fit.precision` to float32.",
        )
    return scores


def ends_of_ties(ranked: np.ndarray) -> np.ndarray:
    """True where the next score is lower, and at the last place: where a threshold can cut. bool `[labels, images]`.

    Args:
        ranked: float `[labels, images]`, falling along the images.
    """
    ends = np.ones(ranked.shape, bool)
    np.greater(ranked[:, :-1], ranked[:, 1:], out=ends[:, :-1])
    return ends


def midway(accepted: np.ndarray, below: np.ndarray) -> np.ndarray:
    """The threshold halfway from the last score accepted down to the next lower one, float64.

    Between two scores that are neighbours in their number format, the middle can round down to the lower one, which
    would then be accepted too: the accepted score itself is the threshold there.
    """
    accepted, below = accepted.astype(np.float64), below.astype(np.float64)
    middle = below + (accepted - below) / 2
    return np.where(middle > below, middle, accepted)


def f1_at_places(hits: np.ndarray) -> np.ndarray:
    """F1 when all images down to each place are named, float64 `[labels, images]`.

    Args:
        hits: bool `[labels, images]`, True where the image at that place has the label; at least one image.
    """
    found = np.cumsum(hits, axis=1, dtype=np.int32)
    # Positives + named is never 0, since at least one image is named.
    return 2 * found / (found[:, -1:] + np.arange(1, hits.shape[1] + 1, dtype=np.int32))


def best_cut(ranked: np.ndarray, hits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The threshold of each label's highest F1, and that F1; `NEVER` and 0 without positives. float64 `[labels]` each.

    Args:
        ranked: float `[labels, images]`, scores falling along the images.
        hits: bool `[labels, images]`, True where the image at that place has the label.
    """
    labels, images = hits.shape
    if images == 0:
        return np.full(labels, NEVER), np.zeros(labels)
    f1 = f1_at_places(hits)
    f1[~ends_of_ties(ranked)] = -1.0
    best = f1.argmax(axis=1)
    rows = np.arange(labels)
    below = np.where(best + 1 < images, ranked[rows, np.minimum(best + 1, images - 1)], 0.0)
    found = hits.any(axis=1)
    return np.where(found, midway(ranked[rows, best], below), NEVER), np.where(found, f1[rows, best], 0.0)


def nearest_cut(ranked: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """The threshold of each label at which the number of images named is nearest to `wanted`, float64 `[labels]`.

    Args:
        ranked: float `[labels, images]`, scores falling along the images.
        wanted: float `[labels]`, number of images to name.
    """
    labels, images = ranked.shape
    cuts = np.pad(ends_of_ties(ranked), ((0, 0), (1, 0)), constant_values=True)
    amount = np.where(cuts, np.abs(np.arange(images + 1) - wanted[:, None]), np.inf).argmin(axis=1)
    # Naming none cuts between the highest score and 1, but nothing lies above a score of 1.
    ceiling = np.where(ranked.max(axis=1, initial=0.0) < 1.0, 1.0, NEVER)
    fenced = np.column_stack([ceiling, ranked, np.zeros(labels)])
    rows = np.arange(labels)
    return midway(fenced[rows, amount], fenced[rows, amount + 1])
