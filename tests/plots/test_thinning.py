from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hpapipe.plots import thinning


def test_a_short_curve_keeps_every_point() -> None:
    assert thinning.kept(np.arange(4.0), np.zeros(4), most=4).tolist() == [0, 1, 2, 3]


def test_a_straight_line_keeps_evenly_spaced_points() -> None:
    assert thinning.kept(np.arange(9.0), np.zeros(9), most=6).tolist() == [0, 2, 4, 6, 8]


def test_points_are_kept_where_the_curve_is_drawn_and_not_where_scores_crowd() -> None:
    """990 of 1,000 scores lie below 0.01; the ten above it draw nearly the whole curve."""
    scores = np.concatenate([np.linspace(0, 0.01, 990), np.linspace(0.1, 1, 10)])
    assert set(range(990, 1000)) <= set(thinning.kept(scores, scores, most=60).tolist())


def test_a_curve_of_one_repeated_point_keeps_its_ends() -> None:
    assert thinning.kept(np.ones(10), np.ones(10), most=5).tolist() == [0, 9]


@given(st.lists(st.floats(0, 1) | st.just(float("nan")), min_size=1, max_size=80), st.integers(3, 30))
def test_kept_points_are_few_rising_and_hold_both_ends_and_the_highest(heights: list[float], most: int) -> None:
    up = np.array(heights)
    points = thinning.kept(np.linspace(0, 1, len(up)), up, most)
    assert len(points) <= most or len(points) == len(up) <= most
    assert (np.diff(points) > 0).all()
    assert {0, len(up) - 1, int(np.argmax(np.nan_to_num(up)))} <= set(points.tolist())
