from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpapipe.movies import lattice
from hpapipe.movies.lattice import Lattice


def turned(rows: int, columns: int, pitch: float, degrees: float) -> Lattice:
    sin, cos = pitch * np.sin(np.deg2rad(degrees)), pitch * np.cos(np.deg2rad(degrees))
    return Lattice(np.array([50.0, 60.0]), np.array([cos, -sin]), np.array([sin, cos]), rows, columns)


def test_places_run_row_by_row() -> None:
    straight = Lattice(np.array([1.0, 2.0]), np.array([10.0, 0.0]), np.array([0.0, 5.0]), 2, 2)
    assert straight.places().tolist() == [[1, 2], [1, 7], [11, 2], [11, 7]]


def test_a_part_may_begin_above_and_a_finer_lattice_keeps_its_corners() -> None:
    straight = Lattice(np.array([1.0, 2.0]), np.array([10.0, 0.0]), np.array([0.0, 6.0]), 2, 2)
    assert straight.part(-1, 1, 1, 1).places().tolist() == [[-9, 8]]
    assert straight.finer(1, 3).places()[:4].tolist() == [[1, 2], [1, 4], [1, 6], [1, 8]]
    assert straight.finer(0, 2).rows == 3


@given(st.integers(1, 6), st.integers(2, 6), st.floats(-5, 5), st.integers(0, 2**32 - 1))
def test_a_turned_lattice_is_fitted_though_its_points_are_off_and_shuffled(
    rows: int, columns: int, degrees: float, seed: int
) -> None:
    """Points up to 2 % of the pitch off their places, in any order."""
    true = turned(rows, max(columns, 3 if rows == 1 else 2), 40, degrees)
    rng = np.random.default_rng(seed)
    points = rng.permutation(true.places() + rng.uniform(-0.8, 0.8, (true.rows * true.columns, 2)))
    fit = lattice.fit(points, 30)
    assert fit is not None
    found, on = fit
    assert (found.rows, found.columns, bool(on.all())) == (true.rows, true.columns, True)
    assert np.abs(found.places() - true.places()).max() < 2


def test_strays_and_a_missing_point_do_not_move_the_lattice() -> None:
    true = turned(4, 4, 40, 3)
    points = np.vstack([np.delete(true.places(), 5, axis=0), [[58, 90], [110, 77]]])
    fit = lattice.fit(points, 30)
    assert fit is not None
    assert fit[1].tolist() == [True] * 15 + [False] * 2
    np.testing.assert_allclose(fit[0].places(), true.places(), atol=1e-6)


def test_one_column_gets_its_step_right_from_its_step_down() -> None:
    fit = lattice.fit(turned(5, 1, 40, 2).places(), 30)
    assert fit is not None
    np.testing.assert_allclose(fit[0].right, turned(5, 1, 40, 2).right)


@pytest.mark.parametrize(
    "points",
    [
        [[0.0, 0.0], [0.0, 50.0]],
        [[0.0, 0.0], [0.0, 10.0], [0.0, 20.0]],
        [[0.0, 0.0], [25.0, 50.0], [50.0, 100.0]],
        [[0.0, 0.0], [0.0, 50.0], [0.0, 125.0]],
    ],
    ids=["two points", "too near", "too steep", "uneven"],
)
def test_points_in_no_rows_and_columns_have_no_lattice(points: list[list[float]]) -> None:
    assert lattice.fit(np.array(points), 30) is None
