"""The objective against each option, and all options side by side."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from hpapipe.plots import study_space

OPTIONS = ["fit.learning_rate", "fit.optimizer", "fit.momentum"]
TRIALS = pd.DataFrame(
    {
        "number": [0, 2, 3, 5],
        "macro_f1": [0.2, 0.5, 0.5, 0.1],
        "fit.learning_rate": [1e-4, 1e-3, 1e-2, 1e-1],
        "fit.optimizer": ["adam", "sgd", "adam", "sgd"],
        "fit.momentum": [math.nan, 0.9, math.nan, 0.5],
    }
)
LOG = {"fit.learning_rate"}


def slices(trials: pd.DataFrame, options: list[str]) -> Figure:
    return study_space.draw_slice(study_space.slice_table(trials, "macro_f1", options), "macro F1", LOG)


def parallel(trials: pd.DataFrame, options: list[str]) -> Figure:
    return study_space.draw_parallel(study_space.parallel_table(trials, "macro_f1", options), "macro F1", LOG)


def spread(count: int, options: int) -> tuple[pd.DataFrame, list[str]]:
    """So many trials of so many options, by turns numbers and long texts."""
    chance = np.random.default_rng(0)
    names = [f"model.options.a_long_name_of_an_option_{index}" for index in range(options)]
    texts = np.array(["first_choice_with_a_long_name", "second_choice_with_a_long_name", "third, a $x$ of more words"])
    columns = {
        name: texts[chance.integers(0, 3, count)] if index % 2 else chance.random(count)
        for index, name in enumerate(names)
    }
    return pd.DataFrame({"number": range(count), "macro_f1": chance.random(count), **columns}), names


def titles(whole: Figure) -> list[str]:
    return [axes.get_title() for axes in whole.axes[:-1]]


def test_the_table_of_slices_holds_a_row_for_each_option_that_a_trial_has() -> None:
    table = study_space.slice_table(TRIALS, "macro_f1", ["fit.momentum", "fit.optimizer"])
    assert list(table.columns) == ["option", "value", "number", "objective"]
    assert table.to_numpy().tolist() == [
        ["fit.momentum", 0.9, 2, 0.5],
        ["fit.momentum", 0.5, 5, 0.1],
        ["fit.optimizer", "adam", 0, 0.2],
        ["fit.optimizer", "sgd", 2, 0.5],
        ["fit.optimizer", "adam", 3, 0.5],
        ["fit.optimizer", "sgd", 5, 0.1],
    ]


def test_whole_numbers_and_truths_stay_what_they_are_in_the_table() -> None:
    trials = TRIALS.assign(**{"feed.batch_size": [8, 16, 8, 16], "augment.flip": [True, False, True, False]})
    table = study_space.slice_table(trials, "macro_f1", ["fit.learning_rate", "feed.batch_size", "augment.flip"])
    assert table["value"].tolist()[4:] == [8, 16, 8, 16, True, False, True, False]
    assert table["value"].tolist()[-1] is False


def test_each_option_gets_a_panel_with_its_trials_alone() -> None:
    whole = slices(TRIALS, OPTIONS)
    assert titles(whole) == ["fit.learning_rate\n(logarithmic)", "fit.optimizer", "fit.momentum"]
    points = [axes.collections[0].get_offsets() for axes in whole.axes[:3]]
    assert points[0].tolist() == [[1e-4, 0.2], [1e-3, 0.5], [1e-2, 0.5], [1e-1, 0.1]]
    assert np.round(points[1][:, 0]).tolist() == [0, 1, 0, 1]
    assert points[2].tolist() == [[0.9, 0.5], [0.5, 0.1]]
    assert [axes.get_xscale() for axes in whole.axes[:3]] == ["log", "linear", "linear"]
    assert [tick.get_text() for tick in whole.axes[1].get_xticklabels()] == ["adam", "sgd"]


def test_points_are_coloured_by_the_number_of_the_trial_on_one_scale() -> None:
    whole = slices(TRIALS, OPTIONS)
    assert whole.axes[2].collections[0].get_array().tolist() == [2, 5]
    assert {axes.collections[0].get_clim() for axes in whole.axes[:3]} == {(0, 5)}
    assert whole.axes[-1].get_ylabel() == "trial"


@pytest.mark.parametrize(("options", "across"), [(1, 1), (4, 2), (7, 4), (10, 5)])
def test_panels_stand_in_lines_of_about_one_length(options: int, across: int) -> None:
    whole = slices(*spread(8, options))
    assert len(titles(whole)) == options
    assert len({round(axes.get_position().x0, 3) for axes in whole.axes[:-1]}) == across


def test_a_single_trial_has_no_colour_bar_and_stands_on_its_ticks() -> None:
    whole = slices(TRIALS.head(1), OPTIONS[:2])
    assert len(whole.axes) == 2
    for axes in whole.axes:
        assert axes.collections[0].get_offsets()[:, 0].tolist() == axes.get_xticks().tolist() == [0]


def test_the_best_line_comes_last_and_of_equal_ones_the_first_trial() -> None:
    table = study_space.parallel_table(TRIALS, "macro_f1", OPTIONS)
    assert list(table.columns) == ["number", "objective", *OPTIONS]
    assert table["number"].tolist() == [5, 0, 3, 2]


def test_a_line_a_trial_runs_through_the_shares_of_its_values() -> None:
    (axes, _) = parallel(TRIALS, OPTIONS).axes
    heights = {line.get_ydata()[0]: line.get_ydata()[1:] for line in axes.lines}
    assert [round(float(height), 6) for height in heights] == [1, 0, round(2 / 3, 6), round(1 / 3, 6)]
    optimizer = [float(height[0]) for height in heights.values()]
    assert optimizer == pytest.approx([0.75, 0.25, 0.25, 0.75], abs=0.02)
    momentum = [float(height[1]) for height in heights.values()]
    assert momentum == pytest.approx([0, math.nan, math.nan, 1], nan_ok=True)


def test_a_line_breaks_where_the_trial_lacks_the_option_and_goes_on_behind() -> None:
    (axes, _) = parallel(TRIALS, ["fit.learning_rate", "fit.momentum", "fit.optimizer"]).axes
    (broken,) = (line for line in axes.lines if line.get_ydata()[0] == 0)
    assert np.isnan(broken.get_ydata()).tolist() == [False, True, False]
    assert broken.get_marker() == "."


def test_the_best_line_is_the_thickest_and_darkest() -> None:
    (axes, bar) = parallel(TRIALS, OPTIONS).axes
    widths = [line.get_linewidth() for line in axes.lines]
    assert max(widths) == widths[-1] > widths[0]
    brightness = [sum(line.get_color()[:3]) for line in axes.lines]
    assert brightness == sorted(brightness, reverse=True)
    assert bar.get_ylabel() == "macro F1"


def test_each_axis_carries_its_own_ticks_and_name() -> None:
    (axes, _) = parallel(TRIALS, OPTIONS).axes
    written = {text.get_text(): text.get_position()[0] for text in axes.texts}
    assert list(written) == [
        *("0.0001", "0.001", "0.01", "0.1", "fit.learning_rate\n(logarithmic)"),
        *("adam", "sgd", "fit.optimizer"),
        *("0.5", "0.6", "0.7", "0.8", "0.9", "fit.momentum"),
    ]
    assert written["0.0001"] < 0 < written["adam"] < written["fit.optimizer"] < written["0.5"]


@pytest.mark.parametrize(("count", "options"), [(4, 2), (200, 10)])
def test_names_and_ticks_stay_inside_and_apart(count: int, options: int) -> None:
    """With long names of options and of choices."""
    for whole in (slices(*spread(count, options)), parallel(*spread(count, options))):
        whole.draw_without_rendering()
        ticks = [tick for axes in whole.axes if axes.axison for tick in axes.get_xticklabels()]
        texts = [*ticks, *(text for axes in whole.axes for text in (*axes.texts, axes.title))]
        boxes = [text.get_window_extent() for text in texts if text.get_text()]
        assert not any(first.overlaps(second) for first, second in combinations(boxes, 2))
        assert min(min(box.x0, box.y0) for box in boxes) >= 0
        assert all(box.x1 <= whole.bbox.x1 and box.y1 <= whole.bbox.y1 for box in boxes)


def test_an_objective_that_never_changes_has_no_colour_bar() -> None:
    whole = parallel(TRIALS.assign(macro_f1=0.5), OPTIONS)
    assert len(whole.axes) == 1
    assert len({line.get_color() for line in whole.axes[0].lines}) == 1
