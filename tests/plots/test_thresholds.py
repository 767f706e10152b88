from __future__ import annotations

import numpy as np
import pytest

from hpapipe.labels import STRUCTURES
from hpapipe.plots import thresholds

SHORT = {
    "a": (np.array([0.1, 0.5, 0.9]), np.array([0.2, 0.8, 0.4])),
    "b": (np.array([0.3, 0.6]), np.array([0.5, np.nan])),
}


def test_the_table_repeats_the_chosen_threshold_beside_each_point() -> None:
    table = thresholds.f1_against_threshold_table(SHORT, {"a": 0.45, "b": 0.3})
    assert list(table.columns) == ["label", "threshold", "f1", "chosen"]
    assert table.iloc[:3].to_numpy().tolist() == [["a", 0.1, 0.2, 0.45], ["a", 0.5, 0.8, 0.45], ["a", 0.9, 0.4, 0.45]]
    assert table["label"].tolist() == ["a", "a", "a", "b", "b"]


def test_a_long_curve_is_thinned_to_200_points_that_hold_a_maximum_one_point_wide() -> None:
    f1 = np.linspace(0.3, 0.1, 5000)
    f1[3333] = 0.9
    table = thresholds.f1_against_threshold_table({"a": (np.linspace(0, 1, 5000), f1)}, {"a": 0.5})
    assert len(table) <= 200
    assert table["threshold"].diff().max() < 0.02
    assert table["f1"].max() == 0.9


def test_each_panel_shows_curve_maximum_and_chosen_threshold() -> None:
    whole = thresholds.draw_f1_against_threshold(
        thresholds.f1_against_threshold_table(SHORT, {"a": 0.45, "b": 0.3}),
    )
    curve, top, chosen = whole.axes[0].lines
    assert curve.get_xdata().tolist() == [0.1, 0.5, 0.9]
    assert (top.get_xdata()[0], top.get_ydata()[0]) == (0.5, 0.8)
    assert list(chosen.get_xdata()) == [0.45, 0.45]
    assert [axes.get_title() for axes in whole.axes] == [
        "a\nthreshold 0.45, best F1 0.80",
        "b\nthreshold 0.30, best F1 0.50",
    ]
    assert (whole.get_supxlabel(), whole.get_supylabel()) == ("threshold (probability)", "F1 (0 to 1)")


def test_28_structures_stand_in_four_rows_of_seven() -> None:
    curves = dict.fromkeys(STRUCTURES, SHORT["a"])
    table = thresholds.f1_against_threshold_table(curves, dict.fromkeys(STRUCTURES, 0.5))
    whole = thresholds.draw_f1_against_threshold(table)
    assert whole.axes[27].get_subplotspec().get_geometry() == (4, 7, 27, 27)


def test_a_label_without_a_chosen_threshold_is_refused() -> None:
    with pytest.raises(KeyError, match="b"):
        thresholds.f1_against_threshold_table(SHORT, {"a": 0.5})
