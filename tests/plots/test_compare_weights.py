"""Distributions of weights of several runs."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from hpapipe.plots import compare_weights


def histogram(counts: list[int], width: float = 1.0, part: str = "whole model") -> pd.DataFrame:
    edges = np.arange(len(counts) + 1) * width
    bins = {"part": part, "left": edges[:-1], "right": edges[1:]}
    times = [pd.DataFrame({**bins, "when": when, "count": count}) for when, count in (("start", 7), ("end", counts))]
    return pd.concat(times, ignore_index=True)


def test_the_table_holds_the_end_of_training_alone() -> None:
    table = compare_weights.weights_table({"a": {"": histogram([1, 3])}})
    assert list(table.columns) == ["run", "fold", "part", "left", "right", "count", "density"]
    assert table["count"].tolist() == [1, 3]


def test_density_does_not_depend_on_the_size_of_the_network_or_the_width_of_bins() -> None:
    """4 weights in bins of 1 and 400 in bins of 2: the second lies half as dense."""
    table = compare_weights.weights_table({"a": {"": histogram([1, 3])}, "b": {"": histogram([100, 300], 2.0)}})
    assert table["density"].tolist() == [0.25, 0.75, 0.125, 0.375]
    areas = (table["density"] * (table["right"] - table["left"])).groupby(table["run"]).sum()
    assert areas.tolist() == pytest.approx([1, 1])


def test_few_runs_are_lines_in_a_panel_for_each_part_that_was_logged() -> None:
    both = pd.concat([histogram([1, 3]), histogram([2, 2], part="suffix")])
    table = compare_weights.weights_table({"a": {"": both}, "b": {"fold 0": both, "fold 1": both}})
    whole = compare_weights.draw_weights(table)
    titles = ["Kernel weights after training, whole model", "Kernel weights after training, suffix"]
    assert [axes.get_title() for axes in whole.axes] == titles
    assert [len(axes.patches) for axes in whole.axes] == [3, 3]
    assert [text.get_text() for text in whole.legends[0].get_texts()] == ["a", "b"]


def test_an_empty_bin_breaks_the_line() -> None:
    table = compare_weights.weights_table({"a": {"": histogram([1, 0, 3])}})
    (line,) = compare_weights.draw_weights(table).axes[0].patches
    assert np.isnan(line.get_data().values).tolist() == [False, True, False]


def test_many_runs_are_rows_with_folds_as_strips_on_one_scale_of_colours() -> None:
    runs = {f"run {index:02d}": {"": histogram([1, 30])} for index in range(29)}
    runs["cross-validated"] = {"fold 0": histogram([1, 3]), "fold 1": histogram([3, 1])}
    whole = compare_weights.draw_weights(compare_weights.weights_table(runs))
    axes, bar = whole.axes
    assert [tick.get_text() for tick in axes.get_yticklabels()] == list(runs)
    assert len(axes.collections) == 31
    assert len({mesh.norm for mesh in axes.collections}) == 1
    assert bar.get_ylabel() == compare_weights.DENSITY
    whole.draw_without_rendering()
    boxes = [tick.get_window_extent() for tick in axes.get_yticklabels()]
    assert not any(first.overlaps(second) for first, second in pairwise(boxes))
