"""Precision, recall, F1 and average precision against numbers by hand and scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from hpapipe.scoring.metrics import (
    average_precision,
    f1_per_label,
    per_label_table,
    precision_per_label,
    recall_per_label,
    summary,
)

TRUTH = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 0, 0]], np.uint8)
NAMED = np.array([[1, 1, 0], [1, 0, 0], [1, 1, 0], [0, 0, 0]], np.uint8)
SCORES = np.array([[0.9, 0.6, 0.1], [0.8, 0.2, 0.1], [0.7, 0.8, 0.1], [0.1, 0.1, 0.1]])


def drawn(seed: int, images: int = 60, labels: int = 7) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A random truth, tied scores and answer, with labels that may be absent."""
    rng = np.random.default_rng(seed)
    truth = (rng.random((images, labels)) < rng.choice([0.0, 0.02, 0.3], labels)).astype(np.uint8)
    scores = np.round(np.clip(0.3 * truth + 0.7 * rng.random((images, labels)), 0, 1), rng.integers(1, 4))
    return truth, scores, (scores >= rng.random(labels)).astype(np.uint8)


def test_worked_by_hand() -> None:
    """Label 0: tp 2, fp 1. Label 1: tp 1, fp 1, fn 1. Label 2: nothing true, nothing named, counts 0."""
    assert precision_per_label(TRUTH, NAMED) == pytest.approx([2 / 3, 1 / 2, 0])
    assert recall_per_label(TRUTH, NAMED) == pytest.approx([1, 1 / 2, 0])
    assert f1_per_label(TRUTH, NAMED) == pytest.approx([4 / 5, 1 / 2, 0])


def test_bool_and_uint8_are_the_same() -> None:
    """A table of bools is scored like one of ones and zeros."""
    assert f1_per_label(TRUTH.astype(bool), NAMED.astype(bool)).tolist() == f1_per_label(TRUTH, NAMED).tolist()


def test_shapes_must_agree() -> None:
    """An answer for another number of images is told, not broadcast."""
    with pytest.raises(ValueError, match=r"\(4, 3\) and \(1, 3\)"):
        f1_per_label(TRUTH, NAMED[:1])


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_equals_scikit_learn(seed: int) -> None:
    """Precision, recall and F1 with `zero_division=0`."""
    truth, _, named = drawn(seed)
    expected = sk.precision_recall_fscore_support(truth, named, zero_division=0)
    assert precision_per_label(truth, named) == pytest.approx(expected[0], abs=1e-15)
    assert recall_per_label(truth, named) == pytest.approx(expected[1], abs=1e-15)
    assert f1_per_label(truth, named) == pytest.approx(expected[2], abs=1e-15)


def test_average_precision_worked_by_hand() -> None:
    """Hits at places 1 and 3 of four: (1/1 + 2/3) / 2."""
    truth, scores = np.array([[1], [0], [1], [0]]), np.array([[0.9], [0.8], [0.7], [0.1]])
    assert average_precision(truth, scores) == pytest.approx([5 / 6])


def test_average_precision_counts_equal_scores_together() -> None:
    """All four images share one score: the only cut names all, and half are true."""
    assert average_precision(np.array([[1], [0], [1], [0]]), np.full((4, 1), 0.5)) == pytest.approx([0.5])


def test_average_precision_is_nan_without_positives() -> None:
    """A label that nothing has cannot be ranked, neither can one of no images."""
    assert np.isnan(average_precision(TRUTH, SCORES)).tolist() == [False, False, True]
    assert np.isnan(average_precision(TRUTH[:0], SCORES[:0])).all()


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_average_precision_equals_scikit_learn(seed: int) -> None:
    """Ties included, label by label."""
    truth, scores, _ = drawn(seed)
    found = average_precision(truth, scores)
    for label in range(truth.shape[1]):
        if truth[:, label].any():
            assert found[label] == pytest.approx(sk.average_precision_score(truth[:, label], scores[:, label]))
        else:
            assert np.isnan(found[label])


def test_summary_worked_by_hand() -> None:
    """The table above: tp 3 of 4 true and 5 named, 1 of 4 images all right; AP 1, 5/6 and nan."""
    assert summary(TRUTH, SCORES, NAMED) == pytest.approx(
        {
            "macro_f1": 1.3 / 3,
            "micro_f1": 6 / 9,
            "mean_average_precision": (1 + 5 / 6) / 2,
            "macro_precision": (2 / 3 + 1 / 2) / 3,
            "macro_recall": 1.5 / 3,
            "named_share": 5 / 4,
            "true_share": 4 / 4,
            "exact_match": 1 / 4,
        }
    )


def test_summary_equals_scikit_learn() -> None:
    """Macro and micro F1 and exact match on random data."""
    truth, scores, named = drawn(5, images=300)
    found = summary(truth, scores, named)
    assert found["macro_f1"] == pytest.approx(sk.f1_score(truth, named, average="macro", zero_division=0))
    assert found["micro_f1"] == pytest.approx(sk.f1_score(truth, named, average="micro", zero_division=0))
    assert found["exact_match"] == pytest.approx(sk.accuracy_score(truth, named))


def test_summary_of_an_empty_answer_is_zero_not_nan() -> None:
    """No positives and nothing named: the scores are 0, only average precision is unknown."""
    nothing = np.zeros((3, 2), np.uint8)
    found = summary(nothing, np.zeros((3, 2)), nothing)
    assert np.isnan(found.pop("mean_average_precision"))
    assert found == dict.fromkeys(found, 0.0) | {"exact_match": 1.0}


def test_summary_of_no_images_is_refused() -> None:
    """There is no mean of nothing."""
    with pytest.raises(ValueError, match="at least one image"):
        summary(TRUTH[:0], SCORES[:0], NAMED[:0])


def test_table_has_a_row_a_label_in_order() -> None:
    """Names and thresholds stand beside the counts they belong to."""
    table = per_label_table(TRUTH, SCORES, NAMED, ("a", "b", "c"), np.array([0.5, 0.55, 0.3]))
    assert " ".join(table.columns) == "name positives named precision recall f1 average_precision threshold"
    assert table["name"].tolist() == ["a", "b", "c"]
    assert table["positives"].tolist() == [2, 2, 0]
    assert table["named"].tolist() == [3, 2, 0]
    assert table["f1"].tolist() == pytest.approx([0.8, 0.5, 0.0])
    assert table["threshold"].tolist() == [0.5, 0.55, 0.3]
