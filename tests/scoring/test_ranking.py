"""Rankings, ends of ties and midway thresholds."""

from __future__ import annotations

import numpy as np
import pytest

from hpapipe.errors import UserError
from hpapipe.scoring.ranking import NEVER, best_cut, checked, ends_of_ties, f1_at_places, midway, nearest_cut, rank


def test_ranks_each_label_from_the_highest_score_down() -> None:
    """Order, scores and hits belong together, one row a label."""
    truth = np.array([[1, 0], [0, 1], [0, 0]], np.uint8)
    scores = np.array([[0.2, 0.3], [0.9, 0.1], [0.5, 0.7]])
    ranking = rank(truth, scores)
    assert ranking.order.tolist() == [[1, 2, 0], [2, 0, 1]]
    assert ranking.scores.tolist() == [[0.9, 0.5, 0.2], [0.7, 0.3, 0.1]]
    assert ranking.hits.tolist() == [[False, False, True], [False, False, True]]


@pytest.mark.parametrize(("faulty", "count"), [(np.nan, 1), (np.inf, 1), (-0.01, 1), (2.5, 1)])
def test_refuses_scores_that_are_no_probabilities(faulty: float, count: int) -> None:
    """The message counts the faulty scores and says what to do."""
    scores = np.array([[0.5, faulty], [0.0, 1.0]])
    with pytest.raises(UserError, match=rf"from 0 to 1\. Received {count} of 4 .*fit\.learning_rate"):
        checked(scores)


def test_half_precision_scores_are_widened() -> None:
    """float16 becomes float64 so that a midway threshold is not rounded onto a score."""
    assert checked(np.array([[0.5]], np.float16)).dtype == np.float64
    assert checked(np.array([[0.5]], np.float32)).dtype == np.float32


def test_refuses_shapes_that_differ() -> None:
    """A transposed table is told, not broadcast."""
    with pytest.raises(ValueError, match=r"\(2, 3\) and \(3, 2\)"):
        rank(np.zeros((2, 3)), np.zeros((3, 2)))


def test_ends_of_ties_are_where_a_lower_score_follows() -> None:
    """Equal scores share one end, the last place always ends."""
    ranked = np.array([[0.9, 0.5, 0.5, 0.1], [0.3, 0.3, 0.3, 0.3]])
    assert ends_of_ties(ranked).tolist() == [[True, False, True, True], [False, False, False, True]]


def test_midway_never_reaches_the_lower_score() -> None:
    """Between neighbouring floats the accepted score itself is the threshold."""
    lower = np.array([0.25, 0.5])
    upper = np.array([0.75, np.nextafter(0.5, 1.0)])
    assert midway(upper, lower).tolist() == [0.5, upper[1]]


def test_f1_at_places_worked_by_hand() -> None:
    """Hit, miss, hit: F1 is 2/3, 2/4 and 4/5."""
    assert f1_at_places(np.array([[True, False, True]])) == pytest.approx(np.array([[2 / 3, 1 / 2, 4 / 5]]))


def test_best_cut_of_no_images_names_nothing() -> None:
    """Where nothing is left to tune on, no score is high enough."""
    threshold, f1 = best_cut(np.zeros((2, 0)), np.zeros((2, 0), bool))
    assert threshold.tolist() == [NEVER, NEVER]
    assert f1.tolist() == [0.0, 0.0]


def test_nearest_cut_keeps_equal_scores_together() -> None:
    """Two wanted, but places 2 to 4 are equal: one named is nearer than four."""
    ranked = np.array([[0.8, 0.4, 0.4, 0.4, 0.2]])
    assert nearest_cut(ranked, np.array([2.0])) == pytest.approx([0.6])
    assert nearest_cut(ranked, np.array([3.0])) == pytest.approx([0.3])


def test_nearest_cut_of_none_lies_above_every_score() -> None:
    """Midway to 1, or `NEVER` where a score is 1 already."""
    ranked = np.array([[0.8, 0.4], [1.0, 0.4]])
    assert nearest_cut(ranked, np.zeros(2)) == pytest.approx([0.9, 1.5])


def test_never_stays_above_one_in_half_precision() -> None:
    """A stored threshold must not round down to a score that can be reached."""
    assert np.float16(NEVER) > np.float16(1.0)
