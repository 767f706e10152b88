from __future__ import annotations

import numpy as np
import pytest

from hpapipe.plots import weights

START = {"conv/kernel": np.array([[-0.1, 0.1]]), "head_dense/kernel": np.array([0.5])}
END = {"conv/kernel": np.array([[-0.9, 0.0]]), "head_dense/kernel": np.array([1.5])}


def test_both_times_are_counted_over_the_same_symmetric_bins() -> None:
    """The largest weight is 1.5, so three bins meet at -0.5 and 0.5."""
    table = weights.weights_table(START, END, bins=3)
    whole = table[table["part"] == "whole model"]
    assert whole["left"].tolist() == pytest.approx([-1.5, -0.5, 0.5] * 2)
    assert whole["right"].tolist() == pytest.approx([-0.5, 0.5, 1.5] * 2)
    assert whole["when"].tolist() == ["start"] * 3 + ["end"] * 3
    assert whole["count"].tolist() == [0, 2, 1, 1, 1, 1]


def test_kernels_whose_path_begins_with_head_are_counted_once_more_as_the_head() -> None:
    table = weights.weights_table(START, END, bins=3)
    head = table[table["part"] == "head"]
    assert head["count"].tolist() == [0, 0, 1, 0, 0, 1]


def test_a_model_without_a_head_has_one_part() -> None:
    table = weights.weights_table({"a": np.ones(2)}, {"a": np.ones(2)})
    assert table["part"].unique().tolist() == ["whole model"]
    assert len(table) == 2 * 101


def test_weights_beyond_the_bound_are_counted_in_the_outermost_bins_and_none_is_lost_but_nan() -> None:
    wild = {"a": np.array([-np.inf, -3.0, 0.0, 0.4, 7.0, np.nan])}
    table = weights.weights_table({"a": np.zeros(1)}, wild, bins=4, bound=1.0)
    assert table.loc[table["when"] == "end", "count"].tolist() == [2, 0, 2, 1]
    assert table["right"].max() == 1


def test_weights_that_are_all_zero_are_counted_in_the_middle() -> None:
    table = weights.weights_table({"a": np.zeros(4)}, {"a": np.zeros(4)}, bins=3)
    assert table["count"].tolist() == [0, 4, 0, 0, 4, 0]


def test_the_summary_is_that_worked_by_hand() -> None:
    summary = weights.weights_summary({"a": np.array([1.0, 3.0]), "b": np.array([[-2.0, 2.0]])}, bound=2.0)
    assert summary == pytest.approx({"mean": 1.0, "std": 3.5**0.5, "min": -2.0, "max": 3.0, "share_beyond": 0.25})


def test_weights_that_are_not_finite_have_run_away_and_leave_the_mean_alone() -> None:
    summary = weights.weights_summary({"a": np.array([0.5, np.inf, np.nan, 0.5])})
    assert (summary["mean"], summary["max"], summary["share_beyond"]) == (0.5, 0.5, 0.5)


def test_each_part_has_a_panel_with_logarithmic_counts_of_both_times() -> None:
    whole = weights.draw_weights(weights.weights_table(START, END, bins=3))
    assert [axes.get_title() for axes in whole.axes] == ["Kernel weights, whole model", "Kernel weights, head"]
    axes = whole.axes[0]
    assert axes.get_yscale() == "log"
    assert [patch.get_label() for patch in axes.patches] == ["start of training", "end of training"]
    assert axes.patches[1].get_data().values.tolist() == [1, 1, 1]
    assert axes.get_ylabel() == "weights in the bin (logarithmic)"
