"""The rival methods of scoring/thresholds.py: `decide`, `rivals` and `METHODS`."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from hpapipe import config
from hpapipe.errors import UserError
from hpapipe.scoring import thresholds
from hpapipe.scoring.ranking import NEVER

TRUTH = np.array([[1, 0], [0, 0], [1, 0], [0, 0]], np.uint8)
SCORES = np.array([[0.9, 0.2], [0.8, 0.4], [0.6, 0.6], [0.2, 0.9]])


def decided(method: str, truth: np.ndarray, scores: np.ndarray, **changed: object) -> thresholds.Decision:
    """One method's answer with plain settings."""
    plain = {"parts": np.arange(len(truth)) % 2, "constant": 0.5, "shrink": 1.0, "always_name_one": False}
    return thresholds.decide(truth, scores, method, **{**plain, "one_label": False, **changed})  # type: ignore[arg-type]


def test_methods_are_those_of_the_recipe() -> None:
    """Every method that a recipe can name exists, and no other."""
    assert set(thresholds.METHODS) == set(get_args(config.Thresholds.model_fields["method"].annotation))


def test_decisions_of_all_methods_worked_by_hand() -> None:
    """Label 0: tuned 0.4, constant 0.5, half of the images true. Label 1 has no positives."""
    parts = np.array([0, 1, 0, 1])
    found = thresholds.rivals(TRUTH, SCORES, parts, 0.5, 2.0, always_name_one=False, one_label=False)
    assert list(found) == ["crossfit", "maximum", "constant", "ratio"]
    assert [decision.method for decision in found.values()] == list(found)
    assert found["crossfit"].thresholds == pytest.approx([0.45, 0.5])
    assert found["maximum"].thresholds == pytest.approx([0.4, NEVER])
    assert found["constant"].thresholds == pytest.approx([0.5, 0.5])
    assert found["ratio"].thresholds == pytest.approx([0.7, 0.95])
    assert found["maximum"].named.tolist() == [[1, 0], [1, 0], [1, 0], [0, 0]]
    assert found["ratio"].named.tolist() == [[1, 0], [1, 0], [0, 0], [0, 0]]


def test_decision_by_ratio_takes_the_training_share() -> None:
    """A quarter true in training: one image of four is named, whatever is true here."""
    found = decided("ratio", TRUTH, SCORES, true_share=np.array([0.25, 0.0]))
    assert found.named.sum(axis=0).tolist() == [1, 0]


def test_every_method_names_the_most_likely_on_request() -> None:
    """`always_name_one` leaves no image without a label."""
    for method in thresholds.METHODS:
        scores = SCORES / 10
        found = decided(method, TRUTH, scores, always_name_one=True, constant=0.9)
        assert (found.named >= thresholds.most_likely(scores)).all()
        assert found.named.any(axis=1).all()


def test_one_label_sets_take_the_most_likely() -> None:
    """Thresholds take no part: each image has exactly one answer, whichever method is asked for."""
    for method in thresholds.METHODS:
        found = decided(method, TRUTH, SCORES, one_label=True)
        assert found.method == "most_likely"
        assert found.named.tolist() == [[1, 0], [1, 0], [1, 0], [0, 1]]
        # What is stored gives the same answer when it is used with `always_name_one`.
        assert thresholds.name(SCORES, found.thresholds, True).tolist() == found.named.tolist()


@pytest.mark.parametrize("one_label", [False, True])
def test_no_method_names_from_nan(one_label: bool) -> None:
    """Also the constant, which needs no search, tells a diverged model."""
    with pytest.raises(UserError, match="1 of 8 that are none"):
        decided("constant", TRUTH, np.where(SCORES == 0.4, np.nan, SCORES), one_label=one_label)
