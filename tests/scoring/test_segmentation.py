"""Scores of masks: numbers worked by hand, and what holds for any two masks."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.ndimage import binary_dilation

from hpapipe.scoring.segmentation import (
    area_error,
    boundary_f1,
    dice,
    frames_table,
    iou,
    pools_table,
    summary,
)

EMPTY = np.zeros((10, 10), bool)
MASKS = arrays(bool, (7, 9))


def square(top: int, left: int, side: int = 4, size: int = 10) -> np.ndarray:
    mask = np.zeros((size, size), bool)
    mask[top : top + side, left : left + side] = True
    return mask


def test_a_square_moved_by_one_pixel() -> None:
    """4×4 px: 12 in common of 20. Of 12 px of outline 6 coincide, and all are one pixel apart."""
    truth, answer = square(2, 2), square(2, 3)
    assert iou(truth, answer) == 12 / 20
    assert dice(truth, answer) == 24 / 32
    assert area_error(truth, answer) == 0
    assert boundary_f1(truth, answer, tolerance=0) == 0.5
    assert boundary_f1(truth, answer, tolerance=1) == 1


def test_a_square_within_a_square() -> None:
    """2×2 in 4×4: a quarter in common. Its outline lies 1 px from 8 of the 12 px around it, and √2 from the corners."""
    truth, answer = square(2, 2), square(3, 3, 2)
    assert iou(truth, answer) == 4 / 16
    assert dice(truth, answer) == 8 / 20
    assert area_error(truth, answer) == -75
    assert area_error(answer, truth) == 300
    assert boundary_f1(truth, answer, tolerance=1) == pytest.approx(2 * (8 / 12) / (1 + 8 / 12))
    assert boundary_f1(truth, answer, tolerance=1.5) == 1


def test_apart_means_nothing_in_common() -> None:
    """Outlines count as far as the tolerance reaches, which here is over the gap."""
    truth, answer = square(0, 0, 3), square(6, 6, 3)
    assert (iou(truth, answer), dice(truth, answer), boundary_f1(truth, answer)) == (0, 0, 0)
    assert boundary_f1(truth, answer, tolerance=20) == 1


def test_both_empty_is_right() -> None:
    """There is no cell and none is answered."""
    scores = [score(EMPTY, EMPTY) for score in (iou, dice, boundary_f1, area_error)]
    assert scores == [1, 1, 1, 0]


def test_a_missed_cell_is_wrong() -> None:
    """All of its area is missing."""
    scores = [score(square(2, 2), EMPTY) for score in (iou, dice, boundary_f1, area_error)]
    assert scores == [0, 0, 0, -100]


def test_an_invented_cell_is_wrong() -> None:
    """There is no area that the error could be a share of."""
    assert [score(EMPTY, square(2, 2)) for score in (iou, dice, boundary_f1)] == [0, 0, 0]
    assert math.isnan(area_error(EMPTY, square(2, 2)))


def test_the_outline_of_a_full_frame_is_its_rim() -> None:
    """36 px of 10×10; a mask that leaves out the last column has 34, of which 26 coincide."""
    full, most = np.ones((10, 10), bool), square(0, 0, 10)
    most[:, 9] = False
    assert boundary_f1(full, full, tolerance=0) == 1
    assert boundary_f1(full, most, tolerance=0) == pytest.approx(2 * 26 / (34 + 36))


@pytest.mark.parametrize("score", [iou, dice, area_error, boundary_f1])
def test_shapes_must_agree(score: object) -> None:
    """Told with both."""
    with pytest.raises(ValueError, match=r"Received \(10, 10\) and \(10, 9\)"):
        score(EMPTY, EMPTY[:, 1:])  # type: ignore[operator]


@given(MASKS, MASKS, st.floats(0, 4))
def test_symmetry_bounds_and_dice_from_iou(one: np.ndarray, other: np.ndarray, tolerance: float) -> None:
    """Who is the truth matters for the area alone."""
    assert iou(one, other) == iou(other, one)
    assert boundary_f1(one, other, tolerance) == pytest.approx(boundary_f1(other, one, tolerance))
    for score in (iou(one, other), dice(one, other), boundary_f1(one, other, tolerance)):
        assert 0 <= score <= 1
    assert dice(one, other) == pytest.approx(2 * iou(one, other) / (1 + iou(one, other)))


@given(MASKS)
def test_the_same_mask_is_right_in_all(mask: np.ndarray) -> None:
    """At any tolerance."""
    assert (iou(mask, mask), dice(mask, mask), boundary_f1(mask, mask, 0), area_error(mask, mask)) == (1, 1, 1, 0)


@given(MASKS, MASKS, st.integers(0, 5), st.integers(0, 3))
def test_where_the_frame_ends_does_not_matter(one: np.ndarray, other: np.ndarray, rows: int, columns: int) -> None:
    """More empty ground around changes no score."""
    around = [np.pad(mask, ((rows, columns), (columns, rows))) for mask in (one, other)]
    assert iou(*around) == iou(one, other)
    assert boundary_f1(*around) == boundary_f1(one, other)


@given(MASKS, MASKS, st.integers(0, 3))
def test_distances_agree_with_dilation(one: np.ndarray, other: np.ndarray, tolerance: int) -> None:
    """The usual definition, an outline made thicker by a disc, gives the same F1."""
    if not (one.any() and other.any()):
        return
    reach = np.hypot(*np.ogrid[-tolerance : tolerance + 1, -tolerance : tolerance + 1]) <= tolerance
    wide = np.pad(one, 5), np.pad(other, 5)
    outlines = [mask & binary_dilation(~mask, structure=[[0, 1, 0], [1, 1, 1], [0, 1, 0]]) for mask in wide]
    near = [binary_dilation(outline, structure=reach) for outline in outlines]
    precision = (outlines[1] & near[0]).sum() / outlines[1].sum()
    recall = (outlines[0] & near[1]).sum() / outlines[0].sum()
    expected = 2 * precision * recall / (precision + recall) if precision + recall else 0
    assert boundary_f1(one, other, tolerance) == pytest.approx(expected)


def two_pools() -> pd.DataFrame:
    """Pool 3: right, then one pixel off. Pool 1: missed, invented, half the area, right as empty."""
    half = square(2, 2)
    half[2:4] = False
    frames = [
        (3, 0, square(2, 2), square(2, 2)),
        (3, 15, square(2, 2), square(2, 3)),
        (1, 0, square(2, 2), EMPTY),
        (1, 15, EMPTY, square(2, 2)),
        (1, 30, square(2, 2), half),
        (1, 45, EMPTY, EMPTY),
    ]
    return frames_table(iter(frames), tolerance=0)


def test_frames_are_scored_one_by_one() -> None:
    """In their order, from an iterator, with both areas in px."""
    table = two_pools()
    assert table[["pool", "frame"]].to_numpy().tolist() == [[3, 0], [3, 15], [1, 0], [1, 15], [1, 30], [1, 45]]
    assert table[["true_area", "area"]].to_numpy().tolist() == [[16, 16], [16, 16], [16, 0], [0, 16], [16, 8], [0, 0]]
    assert table["iou"].tolist() == [1, 0.6, 0, 0, 0.5, 1]
    assert table["boundary_f1"].tolist()[:2] == [1, 0.5]
    np.testing.assert_array_equal(table["area_error"], [0, 0, -100, np.nan, -50, 0])


def test_pools_by_hand() -> None:
    """Rising; means, medians and worst of their frames; the area without its sign, and the bias with it."""
    table = pools_table(two_pools()).set_index("pool")
    assert table.index.tolist() == [1, 3]
    assert table["frames"].tolist() == [4, 2]
    assert table["mean_iou"].tolist() == [0.375, 0.8]
    assert table["median_iou"].tolist() == [0.25, 0.8]
    assert table["worst_iou"].tolist() == [0, 0.6]
    assert table["mean_boundary_f1"].tolist()[1] == 0.75
    assert table["mean_area_error"].tolist() == [50, 0]
    assert table["median_area_error"].tolist() == [50, 0]
    assert table["worst_area_error"].tolist() == [100, 0]
    assert table["area_bias"].tolist() == [-50, 0]
    assert table[["missed", "invented"]].to_numpy().tolist() == [[1, 1], [0, 0]]


def test_summary_by_hand() -> None:
    """Each pool counts alike in the means, each frame in the medians."""
    found = summary(two_pools())
    assert (found["frames"], found["pools"]) == (6, 2)
    assert found["mean_iou"] == pytest.approx((0.375 + 0.8) / 2)
    assert found["median_iou"] == pytest.approx((0.5 + 0.6) / 2)
    assert (found["worst_iou"], found["worst_pool_iou"]) == (0, 0.375)
    assert found["mean_area_error"] == 25
    assert found["median_area_error"] == 0
    assert (found["worst_area_error"], found["worst_pool_area_error"]) == (100, 50)
    assert (found["area_bias"], found["missed"], found["invented"]) == (-25, 1, 1)


def test_nothing_to_sum_up_is_told() -> None:
    """Not a table of nan."""
    with pytest.raises(ValueError, match="at least one frame"):
        summary(frames_table([]))


def test_only_invented_cells_have_no_area_error() -> None:
    """But their overlap is 0, and they are counted."""
    found = summary(frames_table([(0, 0, EMPTY, square(2, 2))]))
    assert math.isnan(found["mean_area_error"])
    assert (found["mean_iou"], found["invented"]) == (0, 1)
