"""Several runs in one figure: colours, legends, panels, and losses over each other."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from hpapipe.plots import compare

CURVE = pd.DataFrame({"epoch": [1, 2, 3], "loss": [0.5, 0.3, 0.2], "val_loss": [0.6, 0.4, 0.5], "macro_f1": 0.1})


def names(count: int) -> list[str]:
    return [f"residual, 128×128 (0a1b{index:02d})" for index in range(count)]


def losses(count: int) -> Figure:
    return compare.draw_losses(compare.losses_table({run: {"": CURVE} for run in names(count)}))


def legend(whole: Figure) -> list[str]:
    return [text.get_text() for each in whole.legends for text in each.get_texts()]


def test_the_table_of_losses_holds_a_row_an_epoch_of_each_fold() -> None:
    table = compare.losses_table({"a": {"": CURVE}, "b": {"fold 0": CURVE, "fold 1": CURVE}})
    assert list(table.columns) == ["run", "fold", "epoch", "loss", "val_loss"]
    assert table.groupby(["run", "fold"], sort=False).size().to_dict() == {
        ("a", ""): 3,
        ("b", "fold 0"): 3,
        ("b", "fold 1"): 3,
    }
    assert table["val_loss"].tolist() == [0.6, 0.4, 0.5] * 3


def test_a_loss_that_was_not_measured_stays_open() -> None:
    """Logged tables have empty cells; a run may have no validation loss at all."""
    table = compare.losses_table({"a": {"": CURVE.drop(columns="val_loss")}})
    assert table["val_loss"].isna().all()
    compare.draw_losses(table).draw_without_rendering()


def test_few_runs_share_a_panel_with_training_dashed_and_the_lowest_validation_ringed() -> None:
    whole = losses(2)
    (axes,) = whole.axes
    assert [line.get_linestyle() for line in axes.lines] == ["--", "-", "None"] * 2
    assert [line.get_xdata().tolist() for line in axes.lines[2::3]] == [[2], [2]]
    assert len({line.get_color() for line in axes.lines}) == 2
    assert legend(whole) == names(2)


def test_folds_have_the_colour_of_their_run_and_are_thinner() -> None:
    table = compare.losses_table({"a": {"": CURVE}, "b": {"fold 0": CURVE, "fold 1": CURVE}})
    lines = compare.draw_losses(table).axes[0].lines
    assert [line.get_color() for line in lines[3:]] == [lines[3].get_color()] * 6
    assert lines[0].get_linewidth() > lines[3].get_linewidth()


def test_many_runs_get_a_panel_each_with_one_range_and_all_runs_in_grey() -> None:
    whole = losses(30)
    assert [axes.get_title().replace("\n", " ") for axes in whole.axes] == names(30)
    assert len({axes.get_ylim() for axes in whole.axes}) == 1
    assert {len(axes.lines) for axes in whole.axes} == {33}
    assert legend(whole) == []


def test_losses_that_differ_by_decades_get_a_logarithmic_axis() -> None:
    far = CURVE.assign(loss=[50.0, 5.0, 0.5])
    assert compare.draw_losses(compare.losses_table({"a": {"": far}})).axes[0].get_yscale() == "log"
    assert losses(1).axes[0].get_yscale() == "linear"


def test_a_single_epoch_shows_as_a_point() -> None:
    lines = compare.draw_losses(compare.losses_table({"a": {"": CURVE.head(1)}})).axes[0].lines
    assert [line.get_marker() for line in lines] == [".", ".", "o"]


@pytest.mark.parametrize(
    ("values", "wide"), [([1, 10], True), ([1, 9], False), ([0, 10], False), ([1, 10, np.nan], True), ([], False)]
)
def test_what_a_logarithmic_axis_is_for(values: list[float], wide: bool) -> None:
    assert compare.wide_ranging(np.array(values, float), 9.5) is wide


def test_colours_follow_the_order_of_runs_and_come_again() -> None:
    found = compare.run_colours(pd.DataFrame({"run": ["b", "a", "b", *names(5)]}))
    assert list(found) == ["b", "a", *names(5)]
    assert len(set(found.values())) == compare.FEW == 6
    assert found["b"] == list(found.values())[6]


def test_a_legend_of_long_names_stays_inside_and_shows_signs_as_they_are() -> None:
    runs = [f"a $very$ long name of a run, such as _models_ have, {index}" for index in range(6)]
    whole = compare.draw_losses(compare.losses_table({run: {"": CURVE} for run in runs}))
    whole.draw_without_rendering()
    texts = whole.legends[0].get_texts()
    assert [text.get_text() for text in texts] == runs
    assert not any(text.get_parse_math() for text in texts)
    boxes = [text.get_window_extent() for text in texts]
    assert min(box.x0 for box in boxes) >= 0
    assert max(box.x1 for box in boxes) <= whole.bbox.x1
    assert not any(first.overlaps(second) for first, second in combinations(boxes, 2))
