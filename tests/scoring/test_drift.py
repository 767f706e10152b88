"""Which shares and distributions differ surely, on numbers worked by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hpapipe.scoring.drift import SURE, corrected, distance, share_change, share_interval, share_p


def test_fisher_s_own_example() -> None:
    """The lady tasting tea: 3 of 4 against 1 of 4 has 34 / 70; 4 of 4 against none has 2 / 70."""
    np.testing.assert_allclose(share_p(np.array([3, 4]), 4, np.array([1, 0]), 4), [34 / 70, 2 / 70])


def test_shares_of_sets_of_different_size_are_compared_as_shares() -> None:
    """10 % is 10 %, and 10 % is surely not 20 % in large sets."""
    p = share_p(np.array([10, 10]), 100, np.array([1_000, 2_000]), 10_000)
    assert p[0] == pytest.approx(1)
    assert p[1] < SURE


def test_cohens_h() -> None:
    """Half and nothing lie pi / 2 apart; the sign says which way."""
    np.testing.assert_allclose(
        share_change(np.array([0.0, 0.5, 0.3]), np.array([0.5, 0.0, 0.3])), [np.pi / 2, -np.pi / 2, 0]
    )
    np.testing.assert_allclose(share_change(np.array([0.10, 0.01]), np.array([0.17, 0.04])), [0.2, 0.2], atol=0.01)


def test_wilson_s_interval() -> None:
    """0, 5 and 10 of 10, as in tables of it."""
    low, high = share_interval(np.array([0, 5, 10]), 10)
    np.testing.assert_allclose(low, [0, 0.2366, 0.7225], atol=1e-4)
    np.testing.assert_allclose(high, [0.2775, 0.7634, 1], atol=1e-4)


def test_distance_is_the_largest_gap_of_the_cumulated_shares() -> None:
    """Half of the values of the one lie below all of the other; what is no number does not count."""
    found, p = distance(np.array([1, 2, 3, 4, np.nan]), np.array([3, 4, 5, 6]))
    assert found == 0.5
    assert p == pytest.approx(0.7714, abs=1e-4)
    assert distance(np.array([np.nan]), np.array([1.0])) == (0.0, 1.0)


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=20), st.floats(0.5, 3))
def test_a_set_is_no_distance_from_itself_and_all_of_it_from_one_beyond(values: list[float], beyond: float) -> None:
    some = np.array(values)
    assert distance(some, some)[0] == 0
    assert distance(some, some + 10 + beyond)[0] == 1


def test_holm_by_hand() -> None:
    """The smallest of three is tripled, the next doubled, and none is below one that is smaller."""
    np.testing.assert_allclose(corrected(np.array([0.01, 0.04, 0.03])), [0.03, 0.06, 0.06])
    assert corrected(np.array([])).shape == (0,)


@given(arrays(np.float64, st.integers(1, 10), elements=st.floats(0, 1)))
def test_correcting_never_makes_surer_and_keeps_the_order(p: np.ndarray) -> None:
    found = corrected(p)
    assert (found >= p).all()
    assert (found <= 1).all()
    assert (np.diff(found[np.argsort(p, kind="stable")]) >= 0).all()
