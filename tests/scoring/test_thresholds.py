"""Threshold search, cross-fitting and naming; the methods built on them are in test_thresholds_methods.py."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hpapipe.errors import UserError
from hpapipe.scoring import thresholds
from hpapipe.scoring.metrics import f1_per_label
from hpapipe.scoring.ranking import NEVER

TRUTH = np.array([[1, 0], [0, 0], [1, 0], [0, 0]], np.uint8)
SCORES = np.array([[0.9, 0.2], [0.8, 0.4], [0.6, 0.6], [0.2, 0.9]])

tables = st.tuples(st.integers(1, 30), st.integers(1, 4)).flatmap(
    lambda shape: st.tuples(
        arrays(np.uint8, shape, elements=st.integers(0, 1)),
        # Few distinct values, so that most scores are tied; and any float, so that neighbours of a float meet.
        arrays(np.float64, shape, elements=st.one_of(st.sampled_from([0.0, 0.25, 0.5, 1.0]), st.floats(0, 1))),
    )
)


def brute_force(truth: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """The best F1 of each label over every score as threshold."""
    return np.array(
        [
            max(f1_per_label(truth[:, [label]], scores[:, [label]] >= cut)[0] for cut in scores[:, label])
            for label in range(truth.shape[1])
        ]
    )


def test_maximum_worked_by_hand() -> None:
    """Hits at places 1 and 3: F1 is 2/3, 1/2, 4/5, 2/3, so the cut is midway between 0.6 and 0.2."""
    threshold, f1 = thresholds.f1_maximum(TRUTH, SCORES)
    assert threshold == pytest.approx([0.4, NEVER])
    assert f1 == pytest.approx([0.8, 0.0])


def test_maximum_below_the_lowest_score_is_half_of_it() -> None:
    """Where all are named, 0 is the next lower score."""
    assert thresholds.f1_maximum(np.ones((2, 1)), np.array([[0.6], [0.8]]))[0] == pytest.approx([0.3])


def test_maximum_of_equal_cuts_names_fewest() -> None:
    """Naming one and naming three both give 2/3 here."""
    truth, scores = np.array([[1], [0], [0], [1]]), np.array([[0.8], [0.6], [0.4], [0.2]])
    threshold, f1 = thresholds.f1_maximum(truth, scores)
    assert threshold == pytest.approx([0.7])
    assert f1 == pytest.approx([2 / 3])


def test_maximum_does_not_cut_between_equal_scores() -> None:
    """The true image cannot be named without its equal."""
    threshold, f1 = thresholds.f1_maximum(np.array([[1], [0], [0]]), np.array([[0.5], [0.5], [0.1]]))
    assert threshold == pytest.approx([0.3])
    assert f1 == pytest.approx([2 / 3])


@given(tables)
@settings(max_examples=150, deadline=None)
def test_maximum_equals_brute_force_and_is_reached(table: tuple[np.ndarray, np.ndarray]) -> None:
    """No score as threshold does better, and the returned threshold reaches the returned F1 exactly."""
    truth, scores = table
    threshold, f1 = thresholds.f1_maximum(truth, scores)
    assert f1 == pytest.approx(brute_force(truth, scores), abs=1e-12)
    assert f1_per_label(truth, thresholds.name(scores, threshold, False)).tolist() == f1.tolist()


@given(tables, st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_maximum_does_not_depend_on_the_order_of_images(table: tuple[np.ndarray, np.ndarray], seed: int) -> None:
    """Ties would break an unguarded search here."""
    truth, scores = table
    order = np.random.default_rng(seed).permutation(len(truth))
    before, after = thresholds.f1_maximum(truth, scores), thresholds.f1_maximum(truth[order], scores[order])
    assert before[0].tolist() == after[0].tolist()
    assert before[1].tolist() == after[1].tolist()


@pytest.mark.parametrize("kind", [np.float16, np.float32])
def test_maximum_is_reached_in_low_precision(kind: type[np.floating]) -> None:
    """Neighbouring float16 and float32 scores are still told apart."""
    low = kind(0.5)
    scores = np.array([[np.nextafter(low, kind(1))], [low]], kind)
    threshold, f1 = thresholds.f1_maximum(np.array([[1], [0]]), scores)
    assert f1.tolist() == [1.0]
    assert thresholds.name(scores, threshold, False).tolist() == [[1], [0]]


def test_maximum_refuses_nan() -> None:
    """A diverged model is told, not tuned."""
    with pytest.raises(UserError, match="Scores must be numbers"):
        thresholds.f1_maximum(np.array([[1]]), np.array([[np.nan]]))


def test_curve_worked_by_hand() -> None:
    """Rising thresholds, one a distinct score; the tie at 0.6 gives one cut."""
    truth, scores = np.array([1, 0, 1, 0]), np.array([0.9, 0.6, 0.6, 0.2])
    cuts, f1 = thresholds.f1_curve(truth, scores)
    assert cuts == pytest.approx([0.1, 0.4, 0.75])
    assert f1 == pytest.approx([2 / 3, 4 / 5, 2 / 3])


@given(tables)
@settings(max_examples=60, deadline=None)
def test_curve_holds_the_maximum_and_is_reached(table: tuple[np.ndarray, np.ndarray]) -> None:
    """Its highest point is `f1_maximum`, and every threshold gives the F1 drawn at it."""
    truth, scores = table
    cuts, f1 = thresholds.f1_curve(truth[:, 0], scores[:, 0])
    assert f1.max() == thresholds.f1_maximum(truth, scores)[1][0]
    assert len(cuts) == len(np.unique(scores[:, 0]))
    assert [f1_per_label(truth[:, :1], scores[:, :1] >= cut)[0] for cut in cuts] == f1.tolist()


def test_crossfit_never_decides_a_part_by_itself() -> None:
    """Part 0 would be faultless at 0.9, part 1 at 0.3; each has to use the other's threshold."""
    truth = np.array([[1], [0], [1], [0]], np.uint8)
    scores = np.array([[1.0], [0.8], [0.4], [0.2]])
    found = thresholds.crossfit(truth, scores, np.array([0, 0, 1, 1]), shrink=0, constant=0.5)
    assert found.named.tolist() == [[1], [1], [0], [0]]


@given(tables, st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_crossfit_ignores_the_labels_of_the_part_it_names(table: tuple[np.ndarray, np.ndarray], seed: int) -> None:
    """Turning every label of part 0 over leaves the names in part 0 as they were."""
    truth, scores = table
    parts = thresholds.parts(len(truth), 3, seed)
    turned = np.where(parts[:, None] == 0, 1 - truth, truth)
    before = thresholds.crossfit(truth, scores, parts, 2.0, 0.3).named
    after = thresholds.crossfit(turned, scores, parts, 2.0, 0.3).named
    assert before[parts == 0].tolist() == after[parts == 0].tolist()


@given(tables, st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_crossfit_equals_tuning_on_the_other_parts(table: tuple[np.ndarray, np.ndarray], seed: int) -> None:
    """The one sort shared by all parts gives what a search on each remainder gives."""
    truth, scores = table
    parts = thresholds.parts(len(truth), 2, seed)
    found = thresholds.crossfit(truth, scores, parts, 0.0, 0.3)
    for part in np.unique(parts):
        rest = parts != part
        if rest.any():
            tuned = thresholds.f1_maximum(truth[rest], scores[rest])[0]
            tuned = np.where(truth[rest].any(axis=0), tuned, 0.3)
            assert found.named[~rest].tolist() == thresholds.name(scores[~rest], tuned, False).tolist()


def test_crossfit_shrinks_by_the_number_of_positives() -> None:
    """Two positives and shrink 2: half of 0.4 and half of 0.5. Three: 3/5 of 0.1. No positives: the constant."""
    truth, scores = np.column_stack([TRUTH, [1, 1, 0, 1]]), np.column_stack([SCORES, SCORES[:, 0]])
    found = thresholds.crossfit(truth, scores, np.array([0, 1, 0, 1]), shrink=2.0, constant=0.5)
    assert found.thresholds == pytest.approx([0.45, 0.5, 3 / 5 * 0.1 + 2 / 5 * 0.5])


@pytest.mark.parametrize(("shrink", "expected"), [(0.0, 0.4), (1e12, 0.7)])
def test_crossfit_from_no_shrinkage_to_all(shrink: float, expected: float) -> None:
    """Without shrinkage the tuned threshold is kept, with much of it the constant is."""
    found = thresholds.crossfit(TRUTH, SCORES, np.array([0, 1, 0, 1]), shrink, constant=0.7)
    assert found.thresholds[0] == pytest.approx(expected)
    assert found.thresholds[1] == pytest.approx(0.7)


def test_crossfit_with_one_part_names_by_the_constant() -> None:
    """Nothing is left to tune on."""
    found = thresholds.crossfit(TRUTH, SCORES, np.zeros(4, int), shrink=0.0, constant=0.7)
    assert found.named.tolist() == (SCORES >= 0.7).astype(int).tolist()


def test_ratio_names_the_share_that_is_true_in_training() -> None:
    """Half and three quarters of four images."""
    found = thresholds.ratio_matching(np.array([0.5, 0.75]), SCORES)
    assert found == pytest.approx([0.7, 0.3])
    assert thresholds.name(SCORES, found, False).mean(axis=0).tolist() == [0.5, 0.75]


@given(st.integers(0, 40), st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_ratio_is_exact_where_scores_differ(amount: int, seed: int) -> None:
    """Any number of 40 images can be named, none and all included."""
    scores = np.random.default_rng(seed).permutation(40)[:, None] / 39
    found = thresholds.ratio_matching(np.array([amount / 40]), scores)
    assert thresholds.name(scores, found, False).sum() == amount


def test_name_accepts_a_score_at_its_threshold() -> None:
    """`scores >= threshold`, label by label."""
    scores = np.array([[0.5, 0.4], [0.49, 0.3]])
    assert thresholds.name(scores, np.array([0.5, 0.3]), False).tolist() == [[1, 1], [0, 1]]


def test_most_likely_is_named_even_below_its_threshold() -> None:
    """Also where another label reaches its own: label 1 at 0.4 leads, only label 0 reaches its threshold."""
    scores, cuts = np.array([[0.3, 0.4, 0.0]]), np.array([0.2, 0.9, 0.9])
    assert thresholds.name(scores, cuts, always_name_one=False).tolist() == [[1, 0, 0]]
    assert thresholds.name(scores, cuts, always_name_one=True).tolist() == [[1, 1, 0]]


def test_most_likely_of_equals_is_the_first() -> None:
    """Exactly one label a row."""
    assert thresholds.most_likely(np.array([[0.2, 0.5, 0.5], [0.0, 0.0, 0.0]])).tolist() == [[0, 1, 0], [1, 0, 0]]


def test_parts_are_equal_and_repeatable() -> None:
    """Sizes differ by one at most; another seed gives another split."""
    first = thresholds.parts(103, 5, seed=1)
    assert sorted(np.bincount(first).tolist()) == [20, 20, 21, 21, 21]
    assert first.tolist() == thresholds.parts(103, 5, seed=1).tolist()
    assert first.tolist() != thresholds.parts(103, 5, seed=2).tolist()


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=60), st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_parts_keep_groups_together(groups: list[int], seed: int) -> None:
    """Each group lies in one part, and no part exceeds another by more than the largest group."""
    found = thresholds.parts(len(groups), 3, seed, np.array(groups))
    assert len({(group, part) for group, part in zip(groups, found.tolist(), strict=True)}) == len(set(groups))
    sizes = np.bincount(found, minlength=3)
    assert np.ptp(sizes) <= max(groups.count(group) for group in groups)


def test_parts_place_large_groups_first() -> None:
    """One group of four and four single images fill two parts evenly."""
    for seed in range(5):
        found = thresholds.parts(8, 2, seed, np.array([7, 7, 7, 7, 1, 2, 3, 4]))
        assert np.bincount(found).tolist() == [4, 4]
