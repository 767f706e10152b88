"""Figures of masks: their tables by hand, and that all of them are drawn."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from hpapipe.plots import masks


def test_groups_are_sorted_by_their_mean() -> None:
    table = masks.iou_per_group_table(["b", "a", "b"], np.array([0.5, 0.7, 1.0]))
    assert table.to_numpy().tolist() == [["a", 1, 0.7, 0.7, 0.7], ["b", 2, 0.75, 0.5, 1.0]]


@pytest.mark.parametrize("groups", [1, 3, 60])
def test_groups_have_names_while_there_is_room(groups: int) -> None:
    """Up to 40 rows are named; more are one curve."""
    table = masks.iou_per_group_table([f"r{number}" for number in range(groups)], np.linspace(0.3, 1, groups))
    (axes,) = masks.draw_iou_per_group(table).axes
    named = [label.get_text() for label in axes.get_yticklabels()]
    assert ("r0" in named) == (groups <= 40)
    assert axes.get_xlim()[0] < 0.3


def test_the_curve_over_cuts_holds_mean_and_ends() -> None:
    table = masks.iou_against_cut_table(np.array([0.2, 0.8]), np.array([[0.4, 0.6], [0.8, 0.2]]), 0.2)
    assert table.to_numpy() == pytest.approx(np.array([[0.2, 0.6, 0.4, 0.8, 0.2], [0.8, 0.4, 0.2, 0.6, 0.2]]))
    (axes,) = masks.draw_iou_against_cut(table).axes
    assert [text.get_text() for text in axes.get_legend().get_texts()][-1] == "chosen: 0.2"


def test_areas_are_drawn_to_one_scale() -> None:
    frames = pd.DataFrame({"id": ["a", "b"], "true_area": [10, 0], "area": [20, 3], "iou": [0.5, 0]})
    table = masks.areas_table(frames)
    assert list(table.columns) == ["id", "true_area", "area"]
    (axes,) = masks.draw_areas(table).axes
    assert axes.get_xlim() == axes.get_ylim()
    assert axes.get_xlim()[1] >= 20


@pytest.mark.parametrize(("most", "ranks"), [(1, ["worst", "best"]), (2, ["worst", "worst", "best"])])
def test_no_image_is_best_and_worst(most: int, ranks: list[str]) -> None:
    frames = pd.DataFrame({"id": list("abc"), "iou": [0.9, 0.1, 0.5], "true_area": 9, "area": 9})
    table = masks.outlines_table(frames, most)
    assert table["rank"].tolist() == ranks
    assert table["id"].tolist() == (["b", "a"] if most == 1 else ["b", "c", "a"])


def test_an_empty_pool_is_no_best_image() -> None:
    """c is empty, and was found to be; a has a cell that was missed, and in d one was invented."""
    frames = pd.DataFrame(
        {"id": list("abcd"), "iou": [0.0, 0.9, 1.0, 0.0], "true_area": [9, 9, 0, 0], "area": [0, 9, 0, 9]}
    )
    table = masks.outlines_table(frames, 4)
    assert table[["id", "rank"]].to_numpy().tolist() == [["a", "worst"], ["d", "worst"], ["b", "best"]]
    assert masks.outlines_table(frames[2:3], 4).empty
    assert masks.draw_outlines(masks.outlines_table(frames[2:3], 4), {}).axes == []


def test_outlines_are_drawn_for_empty_and_full_masks_too() -> None:
    """A panel each; a mask without an edge has no outline."""
    table = pd.DataFrame({"id": ["a", "b"], "rank": ["worst", "best"], "iou": [0.0, 1.0]})
    image, half = np.zeros((8, 6), np.uint16), np.tile(np.arange(6) < 3, (8, 1))
    empty, full = np.zeros((8, 6), bool), np.ones((8, 6), bool)
    figure = masks.draw_outlines(table, {"a": (image, half, empty), "b": (image, full, half)})
    assert [len(axes.collections) for axes in figure.axes] == [1, 1]
    assert figure.axes[0].get_title().startswith("worst, IoU 0.000")
