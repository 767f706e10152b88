"""The cut of probabilities: exact at every candidate, fair to pools, and scored on pools it was not chosen on."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hpapipe.errors import UserError
from hpapipe.scoring.cuts import CUTS, RIVALS, iou_at_cuts, masked, tune_cut
from hpapipe.scoring.segmentation import iou

PROBABILITIES = arrays(np.float32, (4, 5), elements=st.one_of(st.floats(0, 1, width=32), st.sampled_from(CUTS)))


def row(*values: float) -> np.ndarray:
    return np.array([values], np.float32)


def truth(*values: int) -> np.ndarray:
    return np.array([values], bool)


def test_candidates_are_percents_with_the_rivals_among_them() -> None:
    """0.01 to 0.99 as they are written, without the dust of repeated sums."""
    assert (CUTS[0], CUTS[6], CUTS[-1], len(CUTS)) == (0.01, 0.07, 0.99, 99)
    assert set(RIVALS) <= set(CUTS)


def test_iou_at_cuts_by_hand() -> None:
    """0.2 keeps all four pixels, 0.5 three, 0.8 one, 0.95 none."""
    found = iou_at_cuts(truth(1, 1, 0, 0), row(0.9, 0.6, 0.5, 0.2), np.array([0.2, 0.5, 0.8, 0.95]))
    np.testing.assert_allclose(found, [2 / 4, 2 / 3, 1 / 2, 0])


def test_an_empty_truth_is_right_above_the_highest_probability() -> None:
    """And wrong wherever any pixel is kept."""
    found = iou_at_cuts(truth(0, 0), row(0.3, 0.6), np.array([0.3, 0.6, 0.61]))
    assert found.tolist() == [0, 0, 1]


@given(arrays(bool, (4, 5)), PROBABILITIES)
def test_every_cut_is_exact(cell: np.ndarray, probabilities: np.ndarray) -> None:
    """What is counted between cuts is what cutting and scoring gives, on the cuts themselves too."""
    expected = [iou(cell, masked(probabilities, cut)) for cut in CUTS]
    np.testing.assert_array_equal(iou_at_cuts(cell, probabilities, np.array(CUTS)), expected)


@pytest.mark.parametrize("cut", CUTS)
def test_a_pixel_at_the_cut_is_kept(cut: float) -> None:
    """In the type of the probabilities, whichever side float32 rounds the cut to, and as a NumPy number too."""
    assert masked(row(cut), cut).all()
    assert masked(row(cut), np.float64(cut)).all()
    assert masked(np.array([[cut]]), cut).all()


def test_the_best_cut_by_hand() -> None:
    """Between 0.61 and 0.7 both true pixels alone are kept; 0.61 is nearest to 0.5."""
    found = tune_cut([(0, truth(1, 1, 0), row(0.9, 0.7, 0.6))])
    assert (found.cut, found.iou) == (0.61, 1)
    assert found.rivals == {0.5: pytest.approx(2 / 3), 0.8: 0.5}
    assert math.isnan(found.crossfitted)


def test_a_sharp_answer_is_cut_in_the_middle() -> None:
    """All cuts are as good."""
    assert tune_cut([(0, truth(1, 0), row(1, 0))]).cut == 0.5


def test_pools_count_alike_and_frames_may_come_in_any_order() -> None:
    """Pool 7 has three frames that like a low cut, pools 2 and 5 one each that like a high one."""
    low, high = (truth(1, 1), row(0.9, 0.3)), (truth(1, 0), row(0.9, 0.3))
    frames = [(7, *low), (2, *high), (7, *low), (5, *high), (7, *low)]
    found = tune_cut(iter(frames))
    assert found.pools.tolist() == [2, 5, 7]
    assert found.cut == 0.5
    assert found.iou == pytest.approx((1 + 1 + 0.5) / 3)
    np.testing.assert_allclose(found.table[:, [0, 50]], [[0.5, 1], [0.5, 1], [1, 0.5]])


def test_each_pool_is_scored_at_the_cut_of_the_others() -> None:
    """Two pools that want opposite cuts: each is cut by the other's, and gets half."""
    found = tune_cut([(0, truth(1, 1), row(0.9, 0.3)), (1, truth(1, 0), row(0.9, 0.3))])
    assert found.iou == 0.75
    assert found.crossfitted == 0.5


def test_rivals_are_candidates() -> None:
    """Even where the others stop short of them."""
    found = tune_cut([(0, truth(1, 0), row(0.9, 0.85))], cuts=(0.1,), rivals=(0.87,))
    assert found.cuts.tolist() == [0.1, 0.87]
    assert (found.cut, found.rivals) == (0.87, {0.87: 1.0})


@given(st.lists(st.tuples(st.integers(0, 3), arrays(bool, (4, 5)), PROBABILITIES), min_size=1, max_size=6))
@settings(max_examples=25)
def test_no_rival_and_no_crossfitting_beats_the_best(frames: list[tuple[int, np.ndarray, np.ndarray]]) -> None:
    """On the pools that it was chosen on: what a pool loses when it has no say is never a gain for it."""
    found = tune_cut(frames)
    assert found.iou >= max(*found.rivals.values(), found.table.mean(0).max() - 1e-9) - 1e-12
    assert math.isnan(found.crossfitted) or found.crossfitted <= found.iou + 1e-9


@pytest.mark.parametrize("wrong", [np.nan, -0.1, 1.5])
def test_what_is_no_probability_is_refused(wrong: float) -> None:
    """As for labels."""
    with pytest.raises(UserError, match="numbers from 0 to 1"):
        tune_cut([(0, truth(1, 0), row(0.5, wrong))])


def test_nothing_and_unequal_shapes_are_told() -> None:
    """Not a cut of nothing."""
    with pytest.raises(ValueError, match="at least one frame"):
        tune_cut([])
    with pytest.raises(ValueError, match=r"\(1, 2\) and \(1, 3\)"):
        tune_cut([(0, truth(1, 0), row(0.1, 0.2, 0.3))])
