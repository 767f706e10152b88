from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from hpapipe.labels import STRUCTURES
from hpapipe.plots import labels

TRUTH = np.array([[1, 1, 0], [1, 0, 0], [1, 1, 0]], np.uint8)


def test_co_occurrence_counts_pairs_and_has_positives_on_its_diagonal() -> None:
    table = labels.co_occurrence_table(TRUTH, ["a", "b", "c"])
    assert table.to_numpy().tolist() == [[3, 2, 0], [2, 2, 0], [0, 0, 0]]
    assert table.loc["a", "b"] == 2


def test_more_than_255_fields_are_counted() -> None:
    """Sums of uint8 would start again at 256."""
    assert labels.co_occurrence_table(np.ones((300, 1), np.uint8), ["a"]).iloc[0, 0] == 300


def test_the_heat_map_names_both_axes_and_leaves_out_pairs_that_never_occur() -> None:
    whole = labels.draw_co_occurrence(labels.co_occurrence_table(TRUTH, ["a", "b", "c"]))
    axes, bar = whole.axes
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["a", "b", "c"]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["a", "b", "c"]
    assert sorted(text.get_text() for text in axes.texts) == ["2", "2", "2", "3"]
    assert axes.images[0].get_array().mask.sum() == 5
    assert bar.get_ylabel() == "fields (logarithmic colour)"


def test_the_names_of_28_structures_are_whole_on_the_heat_map() -> None:
    whole = labels.draw_co_occurrence(labels.co_occurrence_table(np.eye(28, dtype=np.uint8), STRUCTURES))
    whole.draw_without_rendering()
    axes = whole.axes[0]
    texts = [axes.title, *axes.get_xticklabels(), *axes.get_yticklabels()]
    boxes = [text.get_window_extent() for text in texts]
    assert min(min(box.x0, box.y0) for box in boxes) >= 0
    assert max(box.y1 for box in boxes) <= whole.bbox.y1


def test_a_heat_map_without_any_label_is_drawn_empty() -> None:
    whole = labels.draw_co_occurrence(labels.co_occurrence_table(np.zeros((2, 2), np.uint8), ["a", "b"]))
    whole.draw_without_rendering()
    assert len(whole.axes[0].texts) == 0


@pytest.mark.parametrize(
    ("number", "text"), [(999, "999"), (1000, "1.0k"), (1234, "1.2k"), (9949, "9.9k"), (9950, "10k"), (12885, "13k")]
)
def test_counts_are_written_in_at_most_four_characters(number: int, text: str) -> None:
    assert labels._short(number) == text


def table_of_three() -> pd.DataFrame:
    low, high = np.array([0.4, 0.0, 0.6]), np.array([0.6, 0.2, 1.0])
    return labels.f1_per_label_table(["a", "b", "c"], np.array([0.5, 0.1, 0.9]), low, high, np.array([7, 2000, 50]))


def test_the_f1_table_keeps_the_order_of_the_labels() -> None:
    rows = table_of_three()
    assert list(rows.columns) == ["index", "label", "f1", "low", "high", "positives"]
    assert rows.iloc[1].tolist() == [1, "b", 0.1, 0.0, 0.2, 2000]


def test_bars_are_sorted_by_positives_from_the_top_with_intervals_and_the_mean() -> None:
    axes = labels.draw_f1_per_label(table_of_three()).axes[0]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["b", "c", "a"]
    assert [bar.get_width() for bar in axes.patches] == [0.1, 0.9, 0.5]
    assert axes.get_ylim()[0] > axes.get_ylim()[1]
    assert [segment[:, 0].tolist() for segment in axes.collections[0].get_segments()] == [
        [0, 0.2],
        [0.6, 1],
        [0.4, 0.6],
    ]
    assert list(axes.lines[0].get_xdata()) == pytest.approx([0.5, 0.5])
    assert axes.get_xlabel() == "F1 (0 to 1)"


def test_positives_stand_at_the_right_of_the_bars() -> None:
    right = labels.draw_f1_per_label(table_of_three()).axes[0].child_axes[0]
    assert [tick.get_text() for tick in right.get_yticklabels()] == ["2,000", "50", "7"]


def test_the_names_of_28_structures_do_not_overlap_on_the_bars() -> None:
    f1 = np.full(28, 0.5)
    whole = labels.draw_f1_per_label(labels.f1_per_label_table(STRUCTURES, f1, f1, f1, np.arange(28)))
    whole.draw_without_rendering()
    boxes = [tick.get_window_extent() for tick in whole.axes[0].get_yticklabels()]
    assert not any(above.overlaps(below) for above, below in pairwise(boxes))
    assert min(box.x0 for box in boxes) >= 0
