"""F1 and shares of the labels of several runs."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from hpapipe.labels import STRUCTURES
from hpapipe.plots import compare_labels

THREE = pd.DataFrame(
    {
        "name": ["a", "b", "c"],
        "positives": [5, 50, 0],
        "named": [10, 25, 0],
        "f1": [0.5, 0.7, 0.0],
        "f1_low": [0.3, 0.6, np.nan],
        "f1_high": [0.6, 0.8, np.nan],
    }
)


def of_all_structures(runs: int) -> dict[str, pd.DataFrame]:
    measures = {"positives": range(28, 0, -1), "named": 3, "f1": 0.5, "f1_low": 0.4, "f1_high": 0.6}
    table = pd.DataFrame({"name": STRUCTURES, **measures})
    return {f"residual, 128×128 (0a1b{index:02d})": table for index in range(runs)}


def test_the_table_of_f1_holds_a_row_a_label_of_each_run() -> None:
    table = compare_labels.f1_table({"one": THREE, "two": THREE})
    assert list(table.columns) == ["run", "label", "positives", "f1", "low", "high"]
    assert table.iloc[4].tolist() == ["two", "b", 50, 0.7, 0.6, 0.8]


def test_few_runs_are_points_with_intervals_side_by_side_the_most_frequent_label_on_top() -> None:
    (axes,) = compare_labels.draw_f1(compare_labels.f1_table({"one": THREE, "two": THREE})).axes
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["b", "a", "c"]
    assert axes.get_ylim()[0] > axes.get_ylim()[1]
    one, two = axes.lines[:2]
    assert one.get_xdata().tolist() == [0.7, 0.5, 0.0]
    assert (two.get_ydata() - one.get_ydata() > 0.1).all()
    segments = axes.collections[0].get_segments()
    assert [segment[:, 0].tolist() for segment in segments[:2]] == [[0.6, 0.8], [0.3, 0.6]]


@pytest.mark.parametrize("runs", [2, 6])
def test_points_of_28_structures_stand_apart(runs: int) -> None:
    """In two columns; neither names nor the points of neighbouring runs overlap."""
    whole = compare_labels.draw_f1(compare_labels.f1_table(of_all_structures(runs)))
    whole.draw_without_rendering()
    assert [len(axes.get_yticklabels()) for axes in whole.axes] == [14, 14]
    for axes in whole.axes:
        boxes = [tick.get_window_extent() for tick in axes.get_yticklabels()]
        assert not any(above.overlaps(below) for above, below in pairwise(boxes))
        points = np.sort(np.concatenate([line.get_ydata() for line in axes.lines[:runs]]))
        heights = axes.transData.transform(np.column_stack([np.zeros_like(points), points]))[:, 1]
        assert np.abs(np.diff(heights)).min() > 4 * whole.dpi / 72


def test_many_runs_are_the_columns_of_a_heat_map_with_numbers() -> None:
    tables = {**of_all_structures(29), "another": THREE.assign(name=STRUCTURES[:3])}
    axes, bar = compare_labels.draw_f1(compare_labels.f1_table(tables)).axes
    assert [tick.get_text() for tick in axes.get_xticklabels()] == list(tables)
    assert len(axes.texts) == 29 * 28 + 3
    assert {text.get_text() for text in axes.texts} == {"50", "70", "0"}
    assert bar.get_ylabel() == "F1 (0 to 1)"


def test_shares_are_of_each_runs_own_fields() -> None:
    table = compare_labels.shares_table({"one": THREE, "two": THREE}, {"one": 100, "two": 50})
    assert list(table.columns) == ["run", "label", "fields", "true_share", "named_share"]
    assert table.iloc[0].tolist() == ["one", "a", 100, 0.05, 0.1]
    assert table.iloc[3].tolist() == ["two", "a", 50, 0.1, 0.2]


def test_shares_of_zero_stand_at_the_edge_below_all_others() -> None:
    table = compare_labels.shares_table({"one": THREE}, {"one": 100})
    axes = compare_labels.draw_shares(table).axes[0]
    diagonal, points = axes.lines
    assert points.get_xdata().tolist() == [0.05, 0.5, 0.025]
    assert axes.get_xlim()[0] < 0.025
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    assert diagonal.get_linestyle() == ":"


def test_runs_share_a_panel_of_shares_while_colours_tell_them_apart() -> None:
    for runs, panels in ((6, 1), (30, 30)):
        tables = of_all_structures(runs)
        whole = compare_labels.draw_shares(compare_labels.shares_table(tables, dict.fromkeys(tables, 100)))
        assert len(whole.axes) == panels


def test_a_network_that_names_nothing_right_is_drawn() -> None:
    """No share above 0 at all."""
    empty = THREE.assign(positives=0, named=0, f1=0.0)
    compare_labels.draw_shares(compare_labels.shares_table({"one": empty}, {"one": 9})).draw_without_rendering()
