"""Seconds for exact per-label thresholds at the challenge's size, against two other exact searches in the same run.

    python benchmarks/thresholds.py [--table train.csv]

The labels come from a table with the columns Id and Target, or are drawn with the same long tail. The scores are drawn.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import TypeVar

import numpy as np
import pandas as pd
from sklearn.metrics import precision_recall_curve

from hpapipe.labels import STRUCTURES, LabelSet, parse_target
from hpapipe.scoring.thresholds import crossfit, f1_maximum, parts

IMAGES = 31_072
POSITIVES = (
    *(12_885, 1_254, 3_621, 1_561, 1_858, 2_513, 1_008, 2_822, 53, 45, 28, 1_093, 688, 537),
    *(1_066, 21, 530, 210, 902, 1_482, 172, 3_777, 802, 2_965, 322, 8_228, 328, 11),
)
"""Images that show each structure in the challenge's label table."""

Result = TypeVar("Result")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--table", help="label table with the columns Id and Target; none: labels are drawn")
    options.add_argument("--rows", type=int, default=4_000, help="images of the brute-force search")
    options.add_argument("--repeats", type=int, default=5, help="the fastest of so many runs counts")
    given = options.parse_args()

    rng = np.random.default_rng(0)
    truth = read(given.table) if given.table else rng.random((IMAGES, len(POSITIVES))) < np.array(POSITIVES) / IMAGES
    scores = (1 / (1 + np.exp(2.5 - 2.5 * truth - rng.normal(size=truth.shape)))).astype(np.float32)
    print(f"{truth.shape[0]} images x {truth.shape[1]} labels, {'table' if given.table else 'drawn'}, float32 scores")

    ours, (_, f1) = fastest(lambda: f1_maximum(truth, scores), given.repeats)
    own_parts = parts(len(truth), 5, seed=0)
    fitted, _ = fastest(lambda: crossfit(truth, scores, own_parts, shrink=10.0, constant=0.3), given.repeats)
    learn, f1_learn = fastest(lambda: by_scikit_learn(truth, scores), given.repeats)
    print(f"f1_maximum                    {ours:8.4f} s")
    print(f"crossfit, 5 parts             {fitted:8.4f} s")
    print(f"precision_recall_curve        {learn:8.4f} s   {learn / ours:8.1f} times f1_maximum's")
    print(f"  largest difference in F1    {np.abs(f1 - f1_learn).max():8.1e}")

    truth, scores = truth[: given.rows], scores[: given.rows]
    against_all_cuts("distinct scores", truth, scores, given.repeats)
    against_all_cuts("tied scores", truth, np.round(scores, 3), given.repeats)


def against_all_cuts(words: str, truth: np.ndarray, scores: np.ndarray, repeats: int) -> None:
    """One comparison with brute force, printed."""
    ours, (_, f1) = fastest(lambda: f1_maximum(truth, scores), repeats)
    brute, f1_brute = fastest(lambda: by_brute_force(truth, scores), 1)
    print(f"all cuts, {len(truth)} images, {words}: {brute:.4f} s, {brute / ours:.1f} times f1_maximum's {ours:.4f} s")
    print(f"  largest difference in F1    {np.abs(f1 - f1_brute).max():8.1e}")


def read(path: str) -> np.ndarray:
    """The labels of a table, uint8 `[images, 28]`."""
    targets = pd.read_csv(path)["Target"]
    return LabelSet(STRUCTURES).encode([parse_target(target) for target in targets])


def fastest(work: Callable[[], Result], repeats: int) -> tuple[float, Result]:
    """Seconds of the fastest run, and the result."""
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        result = work()
        seconds.append(time.perf_counter() - start)
    return min(seconds), result


def by_scikit_learn(truth: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """The highest F1 of each label on scikit-learn's precision-recall curve."""
    best = []
    for label in range(truth.shape[1]):
        precision, recall, _ = precision_recall_curve(truth[:, label], scores[:, label])
        both = precision + recall
        best.append(np.max(np.divide(2 * precision * recall, both, out=np.zeros_like(both), where=both > 0)))
    return np.array(best)


def by_brute_force(truth: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """The highest F1 of each label, with every distinct score tried as threshold against every image."""
    best = np.zeros(truth.shape[1])
    for label in range(truth.shape[1]):
        true, positives = truth[:, label] != 0, np.count_nonzero(truth[:, label])
        for cut in np.unique(scores[:, label]):
            named = scores[:, label] >= cut
            f1 = 2 * np.count_nonzero(named & true) / (positives + np.count_nonzero(named))
            best[label] = max(best[label], f1)
    return best


if __name__ == "__main__":
    main()
