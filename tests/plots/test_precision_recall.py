from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpapipe.plots import precision_recall

TRUTH = np.array([[1, 1], [0, 0], [1, 0], [0, 0]], np.uint8)
SCORES = np.array([[0.9, 0.5], [0.8, 0.5], [0.7, 0.2], [0.1, 0.1]])


def test_points_and_average_precision_of_four_fields_are_those_worked_by_hand() -> None:
    """Ranked right, wrong, right, wrong: precision 1, 1/2, 2/3, 2/4, area 1/2 * 1 + 1/2 * 2/3 = 5/6."""
    rows = precision_recall.precision_recall_table(TRUTH[:, :1], SCORES[:, :1], ["a"])
    assert rows["recall"].tolist() == [0, 0.5, 0.5, 1, 1]
    assert rows["precision"].tolist() == pytest.approx([1, 1, 1 / 2, 2 / 3, 2 / 4])
    assert rows["average_precision"].unique().tolist() == pytest.approx([5 / 6])
    assert rows[["positives", "share"]].iloc[0].tolist() == [2, 0.5]


def test_equal_scores_make_one_point() -> None:
    rows = precision_recall.precision_recall_table(TRUTH[:, 1:], SCORES[:, 1:], ["b"])
    assert rows["recall"].tolist() == [0, 1, 1, 1]
    assert rows["precision"].tolist() == pytest.approx([1 / 2, 1 / 2, 1 / 3, 1 / 4])
    assert rows["average_precision"].iloc[0] == pytest.approx(0.5)


def test_a_label_without_positives_keeps_a_row_and_its_panel_says_so() -> None:
    table = precision_recall.precision_recall_table(np.zeros((3, 1), np.uint8), np.ones((3, 1)), ["a"])
    assert len(table) == 1
    assert table[["recall", "precision", "average_precision"]].isna().all(axis=None)
    assert precision_recall.draw_precision_recall(table).axes[0].get_title() == "a\nno positives"


def test_a_long_curve_is_thinned_after_its_area_is_measured() -> None:
    rng = np.random.default_rng(0)
    truth = (rng.random((3000, 1)) < 0.3).astype(np.uint8)
    scores = truth + rng.normal(0, 1, truth.shape)
    table = precision_recall.precision_recall_table(truth, scores, ["a"])
    order = np.argsort(-scores[:, 0])
    hits = truth[order, 0]
    by_definition = np.mean((np.cumsum(hits) / np.arange(1, 3001))[hits == 1])
    assert len(table) <= 200
    assert table["average_precision"].iloc[0] == pytest.approx(by_definition)


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 5)), min_size=1, max_size=30))
def test_recall_never_falls_and_ends_at_one_with_the_precision_of_guessing(fields: list[tuple[int, int]]) -> None:
    truth, scores = (np.array(column)[:, None] for column in zip(*fields, strict=True))
    table = precision_recall.precision_recall_table(truth.astype(np.uint8), scores.astype(float), ["a"])
    if truth.any():
        assert (np.diff(table["recall"]) >= 0).all()
        assert table["recall"].iloc[-1] == 1
        assert table["precision"].iloc[-1] == pytest.approx(table["share"].iloc[0])
        assert 0 < table["average_precision"].iloc[0] <= 1


def test_each_panel_shows_the_curve_in_steps_and_the_share_of_positives() -> None:
    whole = precision_recall.draw_precision_recall(
        precision_recall.precision_recall_table(TRUTH, SCORES, ["a", "b"]),
    )
    curve, guessing = whole.axes[0].lines
    assert curve.get_drawstyle() == "steps-pre"
    assert list(guessing.get_ydata()) == [0.5, 0.5]
    assert [axes.get_title() for axes in whole.axes] == ["a\nAP 0.83, 2 fields", "b\nAP 0.50, 1 fields"]
    assert whole.get_supxlabel() == "recall (share of positives found)"
    assert whole.get_supylabel() == "precision (share of answers right)"
