"""How well labels are named: precision, recall, F1 and average precision, one label at a time and over all.

Where nothing can be divided (no positives, nothing named), precision, recall and F1 count 0, as scikit-learn's
`zero_division=0` does: a label that is absent from the data is not scored as a success.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from hpapipe.scoring.ranking import ends_of_ties, rank


def f1_per_label(truth: np.ndarray, named: np.ndarray) -> np.ndarray:
    """F1 of each label, 2 tp / (positives + named), float64 `[labels]`; 0 without positives and without named.

    Args:
        truth: uint8 or bool `[images, labels]`.
        named: uint8 or bool `[images, labels]`.

    Raises:
        ValueError: where the two shapes differ.

    Source: van Rijsbergen, Information Retrieval (1979), chapter 7.
    """
    hits, positives, answers = counts(truth, named)
    return share(2 * hits, positives + answers)


def precision_per_label(truth: np.ndarray, named: np.ndarray) -> np.ndarray:
    """Share of the named that are true, float64 `[labels]`; 0 where nothing is named. Arguments as `f1_per_label`."""
    hits, _, answers = counts(truth, named)
    return share(hits, answers)


def recall_per_label(truth: np.ndarray, named: np.ndarray) -> np.ndarray:
    """Share of the true that are named, float64 `[labels]`; 0 where nothing is true. Arguments as `f1_per_label`."""
    hits, positives, _ = counts(truth, named)
    return share(hits, positives)


def average_precision(truth: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Precision averaged over the positives of each label, float64 `[labels]`; nan for labels without positives.

    Images of equal score are counted together, as scikit-learn does: AP = sum over cuts of
    (recall - recall of the cut before) x precision, without interpolation.

    Args:
        truth: uint8 or bool `[images, labels]`.
        scores: float `[images, labels]`, 0 to 1.

    Raises:
        UserError: where a score is not a number from 0 to 1.
        ValueError: where the two shapes differ.
    """
    labels, images = truth.T.shape
    if images == 0:
        return np.full(labels, np.nan)
    ranking = rank(truth, scores)
    found = np.cumsum(ranking.hits, axis=1, dtype=np.int32)
    places = np.where(ends_of_ties(ranking.scores), np.arange(images), images)
    # Each place's own cut: the nearest end of ties at it or behind it.
    ends = np.minimum.accumulate(places[:, ::-1], axis=1)[:, ::-1]
    precision = np.take_along_axis(found, ends, 1) / (ends + 1)
    positives = found[:, -1].astype(np.float64)
    summed = np.sum(precision, axis=1, where=ranking.hits)
    return np.divide(summed, positives, out=np.full(labels, np.nan), where=positives > 0)


def summary(truth: np.ndarray, scores: np.ndarray, named: np.ndarray) -> dict[str, float]:
    """The figures of a whole table: one number each, to be logged.

    `macro_f1`, `macro_precision` and `macro_recall` are means over all labels, `micro_f1` is over all cells of the
    table, `mean_average_precision` is the mean over the labels that have positives (nan where none has). `named_share`
    and `true_share` are the mean number of labels named and true per image, `exact_match` is the share of images whose
    labels are all right.

    Args:
        truth: uint8 or bool `[images, labels]`.
        scores: float `[images, labels]`, 0 to 1.
        named: uint8 or bool `[images, labels]`.

    Raises:
        UserError: where a score is not a number from 0 to 1.
        ValueError: where shapes differ or there is no image.
    """
    hits, positives, answers = counts(truth, named)
    images = len(truth)
    if images == 0:
        raise ValueError("A summary needs at least one image. Received none.")
    precisions = average_precision(truth, scores)
    known = precisions[~np.isnan(precisions)]
    return {
        "macro_f1": float(share(2 * hits, positives + answers).mean()),
        "micro_f1": float(share(2 * hits.sum(), positives.sum() + answers.sum())),
        "mean_average_precision": float(known.mean()) if known.size else float("nan"),
        "macro_precision": float(share(hits, answers).mean()),
        "macro_recall": float(share(hits, positives).mean()),
        "named_share": float(answers.sum() / images),
        "true_share": float(positives.sum() / images),
        "exact_match": float(np.mean(np.all((truth != 0) == (named != 0), axis=1))),
    }


def per_label_table(
    truth: np.ndarray, scores: np.ndarray, named: np.ndarray, names: Sequence[str], thresholds: np.ndarray
) -> pd.DataFrame:
    """One row a label, in the order of `names`.

    Columns: name, positives, named, precision, recall, f1, average_precision, threshold.

    Args:
        truth: uint8 or bool `[images, labels]`.
        scores: float `[images, labels]`, 0 to 1.
        named: uint8 or bool `[images, labels]`.
        names: one name a label.
        thresholds: float `[labels]`, shown as they are.

    Raises:
        UserError: where a score is not a number from 0 to 1.
        ValueError: where shapes differ.
    """
    hits, positives, answers = counts(truth, named)
    return pd.DataFrame(
        {
            "name": list(names),
            "positives": positives,
            "named": answers,
            "precision": share(hits, answers),
            "recall": share(hits, positives),
            "f1": share(2 * hits, positives + answers),
            "average_precision": average_precision(truth, scores),
            "threshold": np.asarray(thresholds, np.float64),
        }
    )


def counts(truth: np.ndarray, named: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """True positives, positives and named of each label, int64 `[labels]` each.

    Raises:
        ValueError: where the two shapes differ.
    """
    if truth.shape != named.shape:
        raise ValueError(f"truth and named must have one shape. Received {truth.shape} and {named.shape}.")
    true, answered = truth != 0, named != 0
    return (true & answered).sum(axis=0), true.sum(axis=0), answered.sum(axis=0)


def share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """`part / whole` as float64, 0 where the whole is 0."""
    return np.divide(part, whole, out=np.zeros(np.shape(whole)), where=np.asarray(whole) > 0)
