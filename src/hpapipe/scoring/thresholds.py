"""Which score is high enough to name a label: one threshold a label, found by rival methods.

Everywhere `named = scores >= threshold`, with scores from 0 to 1. A threshold tuned on few positives fits their noise,
and scored on the images it was tuned on it looks better than it is. So the method to deploy is cross-fitted and shrunk,
and its rivals stand beside it in `METHODS`.

What searches for thresholds raises UserError where a score is not a number from 0 to 1, and ValueError where truth and
scores differ in shape.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from hpapipe.scoring.metrics import share
from hpapipe.scoring.ranking import NEVER, best_cut, checked, ends_of_ties, f1_at_places, midway, nearest_cut, rank


@dataclass(frozen=True)
class Crossfit:
    """Thresholds to deploy, and an honest answer for the images they were tuned on.

    Args:
        thresholds: float64 `[labels]`, tuned on all images and shrunk.
        named: uint8 `[images, labels]`, each image decided by thresholds tuned and shrunk on the other parts only.
    """

    thresholds: np.ndarray
    named: np.ndarray


@dataclass(frozen=True)
class Decision:
    """What a method answers.

    Args:
        method: a key of `METHODS`, or `most_likely` where each image has exactly one label.
        thresholds: float64 `[labels]`, to deploy; all `NEVER` for `most_likely`.
        named: uint8 `[images, labels]`.
    """

    method: str
    thresholds: np.ndarray
    named: np.ndarray


@dataclass(frozen=True)
class _Material:
    """All that any method may use; see `decide`."""

    truth: np.ndarray
    scores: np.ndarray
    parts: np.ndarray
    constant: float
    shrink: float
    true_share: np.ndarray


def f1_maximum(truth: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The threshold of each label that maximizes its F1 on these images, and that F1; both float64 `[labels]`.

    Exact: every cut between two distinct scores is tried, in one pass over the sorted scores. The threshold lies
    midway between the last score accepted and the next lower one (0 below the lowest score). Of cuts with equal F1 the
    one that names fewest images is taken. A label without positives has F1 0 at every cut: its threshold is `NEVER`.

    Args:
        truth: uint8 or bool `[images, labels]`.
        scores: float `[images, labels]`, 0 to 1.
    """
    ranking = rank(truth, scores)
    return best_cut(ranking.scores, ranking.hits)


def f1_curve(truth: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Every distinct cut of one label in rising order: thresholds and F1, float64 `[cuts]` each.

    Args:
        truth: uint8 or bool `[images]`.
        scores: float `[images]`, 0 to 1.
    """
    ranking = rank(truth[:, None], scores[:, None])
    cuts = np.flatnonzero(ends_of_ties(ranking.scores)[0])[::-1]
    below = np.append(ranking.scores[0], 0.0)[cuts + 1]
    return midway(ranking.scores[0, cuts], below), f1_at_places(ranking.hits)[0, cuts]


def crossfit(truth: np.ndarray, scores: np.ndarray, parts: np.ndarray, shrink: float, constant: float) -> Crossfit:
    """Thresholds tuned on all images, and each image named by thresholds tuned without its part.

    A tuned threshold t becomes w t + (1 - w) constant with w = positives / (positives + shrink), counted where it was
    tuned: a label with few positives stays near the constant, one with none has the constant.

    Args:
        truth: uint8 or bool `[images, labels]`.
        scores: float `[images, labels]`, 0 to 1.
        parts: int `[images]`, the part of each image. Where there is one part only, nothing is left to tune on and its
            images are named by the constant.
        shrink: positives at which a tuned threshold counts half.
        constant: threshold that rare labels shrink to, 0 to 1.
    """
    ranking = rank(truth, scores)
    part_at_place = parts[ranking.order]
    named = np.zeros(truth.shape, np.uint8)
    for part in np.unique(parts):
        # Leaving a part out keeps the order of the rest, so one sort serves all parts. Every row loses as many places.
        kept = part_at_place != part
        own = parts == part
        left = (truth.shape[1], np.count_nonzero(~own))
        rest = ranking.scores[kept].reshape(left), ranking.hits[kept].reshape(left)
        named[own] = scores[own] >= _shrunk_best_cut(*rest, shrink=shrink, constant=constant)
    return Crossfit(_shrunk_best_cut(ranking.scores, ranking.hits, shrink, constant), named)


def ratio_matching(truth_share: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """The threshold of each label at which the share of images named is nearest to `truth_share`, float64 `[labels]`.

    Only distinct scores can be cut apart, so the share may be missed by the number of equal scores. Uses no label of
    these images. Where naming none is nearest, the threshold lies midway between the highest score and 1.

    Args:
        truth_share: float `[labels]`, share of images that have the label where the model was trained, 0 to 1.
        scores: float `[images, labels]`, 0 to 1.
    """
    ranked = np.sort(np.ascontiguousarray(checked(scores).T), axis=1)[:, ::-1]
    return nearest_cut(ranked, np.asarray(truth_share) * len(scores))


def name(scores: np.ndarray, thresholds: np.ndarray, always_name_one: bool) -> np.ndarray:
    """The labels named in each image, uint8 `[images, labels]`.

    Args:
        scores: float `[images, labels]`, 0 to 1.
        thresholds: float `[labels]`.
        always_name_one: the label with the highest score is named in every image, even below its threshold.
    """
    named = (scores >= thresholds).astype(np.uint8)
    return named | most_likely(scores) if always_name_one else named


def most_likely(scores: np.ndarray) -> np.ndarray:
    """The label with the highest of float `[images, labels]` in each image, the first of equals: uint8, one 1 a row."""
    named = np.zeros(scores.shape, np.uint8)
    named[np.arange(len(scores)), scores.argmax(axis=1)] = 1
    return named


def parts(n: int, count: int, seed: int, groups: np.ndarray | None = None) -> np.ndarray:
    """The part of each image, int64 `[images]`, 0 to count - 1: random and as equal in size as the groups allow.

    Args:
        n: number of images.
        count: number of parts; some stay empty where there are fewer groups.
        seed: same seed, same parts.
        groups: int `[images]` or None; images of one group share a part.
    """
    _, group, sizes = np.unique(np.arange(n) if groups is None else groups, return_inverse=True, return_counts=True)
    shuffled = np.random.default_rng(seed).permutation(len(sizes))
    # Largest groups first, each to the part that is smallest so far: small groups then even out the sizes.
    largest_first = shuffled[np.argsort(-sizes[shuffled], kind="stable")]
    smallest = [(0, part) for part in range(count)]
    part_of_group = np.zeros(len(sizes), np.int64)
    for index in largest_first:
        size, part = smallest[0]
        part_of_group[index] = part
        heapq.heapreplace(smallest, (size + int(sizes[index]), part))
    return part_of_group[group]


def decide(
    truth: np.ndarray,
    scores: np.ndarray,
    method: str,
    parts: np.ndarray,
    constant: float,
    shrink: float,
    always_name_one: bool,
    one_label: bool,
    true_share: np.ndarray | None = None,
) -> Decision:
    """The answer of one method.

    `crossfit`, `constant` and `ratio` (with the training labels' share) never saw the labels of the images they name.
    `maximum` did, so its score on them is too high.

    Args:
        truth: uint8 or bool `[images, labels]`.
        scores: float `[images, labels]`, 0 to 1.
        method: a key of `METHODS`.
        parts: int `[images]`, the part of each image (`crossfit`).
        constant: threshold of the method `constant`, and what `crossfit` shrinks to.
        shrink: positives at which a tuned threshold counts half (`crossfit`).
        always_name_one: the most likely label is named in every image, even below its threshold.
        one_label: each image has exactly one label: the most likely is the answer and no threshold takes part.
        true_share: float `[labels]`, share true of the training labels (`ratio`); None: the share true in `truth`.

    Raises:
        KeyError: where no method has that name.
    """
    scores = checked(scores)
    if one_label:
        return Decision("most_likely", np.full(truth.shape[1], NEVER), most_likely(scores))
    wanted = np.mean(truth != 0, axis=0) if true_share is None else true_share
    thresholds, named = METHODS[method](_Material(truth, scores, parts, constant, shrink, wanted))
    return Decision(method, thresholds, named | most_likely(scores) if always_name_one else named)


def rivals(
    truth: np.ndarray,
    scores: np.ndarray,
    parts: np.ndarray,
    constant: float,
    shrink: float,
    always_name_one: bool,
    one_label: bool,
    true_share: np.ndarray | None = None,
) -> dict[str, Decision]:
    """The answer of every method in `METHODS`, to be logged beside each other. Arguments as `decide`."""
    given = (parts, constant, shrink, always_name_one, one_label, true_share)
    return {method: decide(truth, scores, method, *given) for method in METHODS}


def _crossfit(given: _Material) -> tuple[np.ndarray, np.ndarray]:
    found = crossfit(given.truth, given.scores, given.parts, given.shrink, given.constant)
    return found.thresholds, found.named


def _applied(thresholds: np.ndarray, given: _Material) -> tuple[np.ndarray, np.ndarray]:
    return thresholds, name(given.scores, thresholds, always_name_one=False)


METHODS: dict[str, Callable[[_Material], tuple[np.ndarray, np.ndarray]]] = {
    "crossfit": _crossfit,
    "maximum": lambda given: _applied(f1_maximum(given.truth, given.scores)[0], given),
    "constant": lambda given: _applied(np.full(given.scores.shape[1], given.constant), given),
    "ratio": lambda given: _applied(ratio_matching(given.true_share, given.scores), given),
}
"""Method -> thresholds `[labels]` to deploy, and the images' own answer `[images, labels]`."""


def _shrunk_best_cut(ranked: np.ndarray, hits: np.ndarray, shrink: float, constant: float) -> np.ndarray:
    positives = np.count_nonzero(hits, axis=1)
    weight = share(positives, positives + shrink)
    return weight * best_cut(ranked, hits)[0] + (1 - weight) * constant
