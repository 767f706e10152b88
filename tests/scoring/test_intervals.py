"""Bootstrap intervals of macro F1, alone and in pairs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from hpapipe.scoring import intervals
from hpapipe.scoring.intervals import (
    bootstrap_macro_f1,
    bootstrap_mean,
    f1_intervals,
    paired_bootstrap,
    paired_means,
)


def drawn(seed: int, images: int = 120, labels: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Truth with a fifth of ones, and an answer that is right in four cells of five."""
    rng = np.random.default_rng(seed)
    truth = (rng.random((images, labels)) < 0.2).astype(np.uint8)
    return truth, np.where(rng.random(truth.shape) < 0.8, truth, 1 - truth).astype(np.uint8)


def test_value_is_macro_f1() -> None:
    """The value belongs to all images, not to the resamples."""
    truth, named = drawn(0)
    found = bootstrap_macro_f1(truth, named, 100, seed=0)
    assert found.value == pytest.approx(f1_score(truth, named, average="macro"))


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None)
def test_interval_holds_the_value(seed: int) -> None:
    """Low is below and high above the value of all images."""
    found = bootstrap_macro_f1(*drawn(seed), 200, seed)
    assert found.low < found.value < found.high


def test_interval_equals_resampling_one_by_one() -> None:
    """The weighted tables give what scikit-learn gives on the drawn images."""
    truth, named = drawn(3, images=40, labels=2)
    rng = np.random.default_rng(7)
    draws = [rng.integers(0, 40, 40) for _ in range(50)]
    scores = np.array([f1_score(truth[rows], named[rows], average=None, zero_division=0) for rows in draws])
    found = bootstrap_macro_f1(truth, named, 50, seed=7)
    assert [found.low, found.high] == pytest.approx(np.percentile(scores.mean(axis=1), [2.5, 97.5]))
    assert np.array(f1_intervals(truth, named, 50, seed=7)) == pytest.approx(np.percentile(scores, [2.5, 97.5], axis=0))


def test_interval_does_not_depend_on_the_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """How many resamples are held at once changes nothing."""
    truth, named = drawn(1)
    whole = bootstrap_macro_f1(truth, named, 100, seed=2)
    monkeypatch.setattr(intervals, "_CHUNK_CELLS", 7 * len(truth))
    assert bootstrap_macro_f1(truth, named, 100, seed=2) == whole


def test_faultless_answer_with_a_rare_label_stays_at_one() -> None:
    """Resamples without the one positive of label 1 are no failures."""
    truth = np.zeros((30, 2), np.uint8)
    truth[:15, 0] = truth[0, 1] = 1
    found = bootstrap_macro_f1(truth, truth, 300, seed=0)
    assert (found.value, found.low, found.high) == (1.0, 1.0, 1.0)


def test_label_without_positives_counts_zero_in_every_resample() -> None:
    """One label faultless, one absent: 0.5, as in the value."""
    truth = np.zeros((30, 2), np.uint8)
    truth[:15, 0] = 1
    found = bootstrap_macro_f1(truth, truth, 100, seed=0)
    assert (found.value, found.low, found.high) == (0.5, 0.5, 0.5)


def test_groups_are_drawn_together() -> None:
    """Ten copies of each field tell no more than one: the interval equals that of the fields."""
    truth, named = drawn(4, images=25)
    copies, groups = np.repeat(np.arange(25), 10), np.repeat(np.arange(25) * 3, 10)
    mixed = np.random.default_rng(0).permutation(250)
    alone = bootstrap_macro_f1(truth, named, 200, seed=1)
    together = bootstrap_macro_f1(truth[copies][mixed], named[copies][mixed], 200, seed=1, groups=groups[mixed])
    assert (together.low, together.high) == pytest.approx((alone.low, alone.high))
    apart = bootstrap_macro_f1(truth[copies], named[copies], 200, seed=1)
    assert apart.high - apart.low < (alone.high - alone.low) / 2


def test_intervals_of_labels_hold_their_f1() -> None:
    """Each label has its own ends; one without positives has none."""
    truth, named = drawn(6)
    truth[:, 2] = 0
    lows, highs = f1_intervals(truth, named, 300, seed=0)
    expected = f1_score(truth, named, average=None, zero_division=0)
    known = np.array([True, True, False, True])
    assert np.isnan(lows[2])
    assert np.isnan(highs[2])
    assert (lows[known] < expected[known]).all()
    assert (expected[known] < highs[known]).all()


def test_equal_answers_gain_nothing() -> None:
    """Gain 0, interval 0 to 0, probability 0: equal is not better."""
    truth, named = drawn(8)
    found = paired_bootstrap(truth, named, named, 100, seed=0)
    assert (found.gain, found.low, found.high, found.probability) == (0.0, 0.0, 0.0, 0.0)
    assert found.label_gains.tolist() == [0.0] * 4


def test_faultless_answer_gains_surely_but_not_more_than_there_is() -> None:
    """Against a faulty answer the gain is sure; against a least gain of 1 it is impossible."""
    truth, named = drawn(9)
    found = paired_bootstrap(truth, named, truth, 100, seed=0)
    assert found.gain == pytest.approx(1 - f1_score(truth, named, average="macro"))
    assert found.low > 0
    assert found.probability == 1.0
    assert paired_bootstrap(truth, named, truth, 100, seed=0, min_gain=1.0).probability == 0.0


def test_comparison_turned_round_changes_sign() -> None:
    """b over a is minus a over b, label by label too."""
    truth, a = drawn(10)
    b = drawn(11)[1]
    there, back = paired_bootstrap(truth, a, b, 200, seed=0), paired_bootstrap(truth, b, a, 200, seed=0)
    assert (there.gain, there.low, there.high) == pytest.approx((-back.gain, -back.high, -back.low))
    assert there.label_lows == pytest.approx(-back.label_highs)
    assert there.probability + back.probability == pytest.approx(1.0)


def test_pair_is_scored_on_the_same_resamples() -> None:
    """The gain of one mended cell varies less than either score does."""
    truth, a = drawn(12)
    b = a.copy()
    row, label = np.argwhere(a != truth)[0]
    b[row, label] = truth[row, label]
    alone, found = bootstrap_macro_f1(truth, a, 200, seed=0), paired_bootstrap(truth, a, b, 200, seed=0)
    assert 0 < found.gain < 0.1
    assert found.low >= 0
    assert found.high - found.low < (alone.high - alone.low) / 2
    # The mended image is drawn in 1 - (1 - 1/120)^120 = 63 % of resamples, and only there is anything gained.
    assert found.probability == pytest.approx(0.634, abs=0.1)


def test_pair_draws_groups_together() -> None:
    """All images in one group: every resample is the whole, so the interval is the gain."""
    truth, a = drawn(13)
    found = paired_bootstrap(truth, a, truth, 100, seed=0, groups=np.zeros(len(truth), int))
    assert (found.low, found.high) == pytest.approx((found.gain, found.gain))
    assert found.label_lows == pytest.approx(found.label_gains)


def test_mean_of_two_units_spans_both() -> None:
    """A quarter of resamples is twice the one, a quarter twice the other: the ends can only be these."""
    found = bootstrap_mean(np.array([0.7, 0.9]), 1000, seed=0)
    assert (found.value, found.low, found.high) == pytest.approx((0.8, 0.7, 0.9))


def test_mean_of_equal_units_is_sure() -> None:
    """Every resample is the same."""
    found = bootstrap_mean(np.full(5, 0.75), 200, seed=0)
    assert (found.value, found.low, found.high) == (0.75, 0.75, 0.75)


def test_mean_of_one_unit_has_no_interval() -> None:
    """Nothing is known of its spread; without any unit there is no mean."""
    found = bootstrap_mean(np.array([0.7]), 200, seed=0)
    assert found.value == 0.7
    assert np.isnan([found.low, found.high]).all()
    with pytest.raises(ValueError, match="at least one unit"):
        bootstrap_mean(np.array([]), 200, seed=0)


def test_mean_of_many_units_has_the_normal_interval() -> None:
    """1.96 standard errors on each side, since t and the percentiles meet."""
    values = np.random.default_rng(0).normal(size=400)
    found = bootstrap_mean(values, 4000, seed=1)
    half = 1.96 * values.std(ddof=1) / 20
    assert (found.low, found.high) == pytest.approx((found.value - half, found.value + half), abs=0.1 * half)


def test_mean_of_five_units_is_less_sure_than_plain_percentiles_say() -> None:
    """The ends are the percentiles 0.1 and 99.9: t of 4 degrees is 2.776, times the root of 5 / 4 it is 3.104."""
    values = np.array([0.5, 0.7, 0.8, 0.9, 0.95])
    means = values[np.random.default_rng(3).integers(0, 5, (20_000, 5))].mean(1)
    found = bootstrap_mean(values, 20_000, seed=3)
    assert (found.low, found.high) == pytest.approx(tuple(np.percentile(means, [0.0955, 99.9045])), abs=1e-3)
    assert found.high - found.low > 1.3 * np.ptp(np.percentile(means, [2.5, 97.5]))


def test_mean_holds_the_truth_as_often_as_said() -> None:
    """Of five units in nine cases of ten: plain percentiles manage eight."""
    rng = np.random.default_rng(0)
    found = [bootstrap_mean(rng.normal(size=5), 1000, seed) for seed in range(300)]
    assert np.mean([each.low <= 0 <= each.high for each in found]) == pytest.approx(0.91, abs=0.035)


def test_what_two_runs_reach_in_a_few_units_is_compared_unit_by_unit() -> None:
    """A gain of 0.1 in each of three units is sure, however much the units differ."""
    first = np.array([0.2, 0.5, 0.8])
    found = paired_means(first, first + 0.1, 500, 0)
    assert (found.gain, found.low, found.high) == (pytest.approx(0.1), pytest.approx(0.1), pytest.approx(0.1))
    assert found.probability == 1
    assert paired_means(first, first + 0.1, 500, 0, min_gain=0.2).probability == 0
    mixed = paired_means(first, first + np.array([0.3, -0.2, 0.1]), 500, 0)
    assert 0.5 < mixed.probability < 1
    assert mixed.low < 0 < mixed.high
    assert mixed.label_gains.tolist() == pytest.approx([0.3, -0.2, 0.1])
