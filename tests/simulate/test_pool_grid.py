"""The grid of pools: places by hand, and pools that stay whole in the frame."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpapipe.errors import UserError
from hpapipe.simulate.pool_grid import Grid, fitted

STILL = np.zeros(2)


def _grid(angle: float = 0.0, square: bool = False, rows: int = 2, columns: int = 3) -> Grid:
    return Grid(rows, columns, pitch=10, reach=4, square=square, angle=angle, middle=(9.5, 14.5))


def test_centres_of_a_straight_grid() -> None:
    """Two rows of three, row by row, moved by the drift."""
    by_hand = np.array([[4.5, 4.5], [4.5, 14.5], [4.5, 24.5], [14.5, 4.5], [14.5, 14.5], [14.5, 24.5]])
    np.testing.assert_allclose(_grid().centres(STILL), by_hand)
    np.testing.assert_allclose(_grid().centres(np.array([1.0, -2.5])), by_hand + np.array([1, -2.5]))


def test_a_positive_angle_lowers_the_right_side() -> None:
    """By a quarter turn, what lay to the right lies below, and what lay below lies to the left."""
    np.testing.assert_allclose(_grid(np.pi / 2).centres(STILL)[[0, 2, 3]], [[-0.5, 19.5], [19.5, 19.5], [-0.5, 9.5]])
    slight = _grid(np.deg2rad(3)).centres(STILL)
    assert slight[2, 0] - slight[0, 0] == pytest.approx(20 * np.sin(np.deg2rad(3)))


def test_depth_of_round_pools() -> None:
    """4 in the middle, 0 at the radius, negative between pools, and beyond the last pool as well."""
    grid = Grid(1, 2, pitch=10, reach=4, square=False, angle=0, middle=(5, 10))
    depth = grid.depth(*grid.stage((11, 21), STILL))
    np.testing.assert_allclose(depth[5, [0, 1, 3, 5, 9, 10, 15, 20]], [-1, 0, 2, 4, 0, -1, 4, -1], atol=1e-5)
    assert depth[8, 9] == pytest.approx(4 - 5)


def test_depth_of_square_pools() -> None:
    """Distance to the nearest side; the corners are rounded, so that they lie outside."""
    grid = Grid(1, 1, pitch=12, reach=5, square=True, angle=0, middle=(6, 6))
    depth = grid.depth(*grid.stage((13, 13), STILL))
    np.testing.assert_allclose(depth[6, [0, 1, 2, 6]], [-1, 0, 1, 5], atol=1e-5)
    np.testing.assert_allclose(depth[8, [1, 2]], [0, 1], atol=1e-5)
    assert depth[1, 1] == pytest.approx(0.9 - 0.9 * np.sqrt(2), abs=1e-5)


@given(
    rows=st.integers(1, 6),
    columns=st.integers(1, 6),
    pool=st.integers(60, 160),
    square=st.booleans(),
    turn=st.floats(0, 6),
    seed=st.integers(0, 2**32 - 1),
    drift=st.tuples(st.floats(-6, 6), st.floats(-6, 6)),
)
@settings(max_examples=60, deadline=None)
def test_pools_stay_whole_wherever_the_stage_drifts(
    rows: int, columns: int, pool: int, square: bool, turn: float, seed: int, drift: tuple[float, float]
) -> None:
    """The farthest corner or side of every pool is a pixel of the frame, and neighbours have a wall between them."""
    grid = fitted(rows, columns, pool, square, turn, 6.0, np.random.default_rng(seed))
    centres = grid.centres(np.array(drift))
    sticks_out = grid.reach * (np.cos(grid.angle) + abs(np.sin(grid.angle)) if square else 1)
    assert (centres - sticks_out >= 0).all()
    assert (centres + sticks_out <= np.array([rows, columns]) * pool - 1).all()
    assert grid.pitch <= pool
    assert grid.reach < 0.5 * grid.pitch
    assert abs(np.rad2deg(grid.angle)) <= turn


def test_a_grid_without_room_is_refused() -> None:
    """Drift and turn eat up what small pools have."""
    with pytest.raises(UserError, match=r"radius of 12 pixels.*1×20 pools of 40 pixels"):
        fitted(1, 20, 40, False, 3.0, 6.0, np.random.default_rng(0))
