"""The figures of a study: which of them there are, the trials in turn, importances, learning curves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from hpapipe.plots import study

TRIALS = pd.DataFrame(
    {
        "number": [3, 0, 1, 2, 4, 5, 6],
        "state": ["complete", "complete", "pruned", "complete", "failed", "waiting", "complete"],
        "macro_f1": [0.5, 0.2, 0.9, 0.1, math.nan, math.nan, 0.5],
        "images_per_second": [10.0, 20.0, math.nan, 5.0, math.nan, math.nan, 30.0],
        "seconds": 1.0,
        "epochs": 2.0,
        "fit.learning_rate": [1e-4, 1e-3, 1e-2, 1e-1, 0.5, 0.6, 0.7],
        "fit.optimizer": ["adam", "sgd", "sgd", "adam", "sgd", "sgd", "sgd"],
    }
)
EPOCHS = pd.DataFrame(
    {
        "number": [1, 1, 0, 0, 3, 3, 3, 4],
        "epoch": [1, 2, 2, 1, 1, 2, 3, 1],
        "value": [0.1, 0.9, 0.2, 0.1, 0.3, 0.4, 0.5, 0.01],
        "state": ["pruned", "pruned", "complete", "complete", "complete", "complete", "complete", "failed"],
    }
)
IMPORTANCES = {"fit.optimizer": 0.2, "fit.learning_rate": 0.7, "fit.loss": 0.1}
LOG = {"fit.learning_rate"}


def figures(
    trials: pd.DataFrame = TRIALS, objectives: Sequence[str] = ("macro_f1",), **changed: Any
) -> dict[str, tuple[pd.DataFrame, Figure]]:
    given = {"importances": IMPORTANCES, "epochs": EPOCHS, **changed}
    found = study.study_figures(
        trials, objectives, [name for name in trials if "." in name], given["importances"], given["epochs"], LOG
    )
    return {name: (table, whole) for name, table, whole in found}


def history(trials: pd.DataFrame = TRIALS) -> Axes:
    (axes,) = study.draw_history(study.history_table(trials, "macro_f1"), "macro F1").axes
    return axes


def points(lines: Sequence[Line2D], marker: str, hollow: bool = False) -> list[list[float]]:
    """The places of all marks of this kind."""
    found = [line for line in lines if line.get_marker() == marker and (line.get_fillstyle() == "none") is hollow]
    return [point for line in found if line.get_linestyle() == "None" for point in line.get_xydata().tolist()]


def legend(whole: Figure) -> list[str]:
    return [text.get_text() for each in whole.legends for text in each.get_texts()]


def test_a_study_of_one_objective_has_all_figures_but_the_front() -> None:
    names = ["study/history", "study/importance", "study/slice", "study/parallel", "study/epochs"]
    assert list(figures()) == names


def test_two_objectives_add_the_front_and_are_no_options() -> None:
    found = figures(TRIALS, ("macro_f1", "images_per_second"))
    table, whole = found["study/pareto"]
    assert table["number"][table["front"]].tolist() == [6]
    assert (whole.axes[0].get_ylabel(), whole.axes[0].get_xlabel()) == (
        "macro F1 (0 to 1)",
        "images a second (logarithmic)",
    )
    assert list(found["study/parallel"][0].columns) == ["number", "objective", "fit.learning_rate", "fit.optimizer"]


def test_all_but_the_front_show_the_first_objective() -> None:
    found = figures(TRIALS, ("images_per_second", "macro_f1"))
    assert found["study/history"][0]["best"].max() == 30
    assert found["study/slice"][0]["objective"].tolist()[:4] == [20, 5, 10, 30]
    assert found["study/importance"][1].axes[0].get_title() == "Importance of the options for images a second"


@pytest.mark.parametrize(
    ("changed", "missing"),
    [
        ({"importances": {}}, "study/importance"),
        ({"epochs": EPOCHS.head(0)}, "study/epochs"),
        ({"epochs": EPOCHS.assign(value=math.nan)}, "study/epochs"),
        ({"trials": TRIALS.drop(columns="fit.optimizer")}, "study/parallel"),
        ({"trials": TRIALS.assign(**{"fit.optimizer": None})}, "study/parallel"),
    ],
)
def test_what_has_no_data_is_left_out(changed: dict[str, Any], missing: str) -> None:
    assert set(figures()) - set(figures(**changed)) == {missing}


def test_a_study_without_options_has_neither_slices_nor_parallel_axes() -> None:
    found = figures(TRIALS.drop(columns=["fit.optimizer", "fit.learning_rate"]))
    assert list(found) == ["study/history", "study/importance", "study/epochs"]


@pytest.mark.parametrize("state", ["failed", "pruned", "waiting"])
def test_a_study_without_a_complete_trial_has_its_history_alone(state: str) -> None:
    assert list(figures(TRIALS.assign(state=state), ("macro_f1", "images_per_second"))) == ["study/history"]


def test_a_study_without_trials_has_no_figures() -> None:
    assert figures(TRIALS.head(0)) == {}


def test_an_objective_without_a_name_is_shown_by_its_column() -> None:
    found = figures(TRIALS.rename(columns={"macro_f1": "mean_recall"}), ("mean_recall",))
    assert found["study/history"][1].axes[0].get_ylabel() == "mean recall"


@pytest.mark.parametrize("count", [1, 4, 200])
def test_all_figures_can_be_drawn_for_few_and_many_trials(count: int) -> None:
    trials = pd.concat([TRIALS.iloc[[1]]] * count).assign(number=range(count), macro_f1=np.linspace(0.1, 0.2, count))
    epochs = EPOCHS.iloc[[2]].merge(trials[["number"]], how="cross", suffixes=("_", "")).drop(columns="number_")
    for _, whole in figures(trials, ("macro_f1", "images_per_second"), epochs=epochs).values():
        whole.draw_without_rendering()


def test_the_best_so_far_rises_with_complete_trials_alone() -> None:
    """Trial 1 was pruned at 0.9, trial 4 failed, trial 5 waits."""
    table = study.history_table(TRIALS, "macro_f1")
    assert list(table.columns) == ["number", "state", "value", "best"]
    assert table["number"].tolist() == [0, 1, 2, 3, 4, 5, 6]
    assert table["best"].tolist() == [0.2, 0.2, 0.2, 0.5, 0.5, 0.5, 0.5]
    assert table["value"].tolist() == pytest.approx([0.2, 0.9, 0.1, 0.5, math.nan, math.nan, 0.5], nan_ok=True)


def test_there_is_no_best_before_the_first_complete_trial_and_no_value_of_a_failed_one() -> None:
    trials = TRIALS.assign(state=["complete", "failed", "pruned", "running", "failed", "waiting", "failed"])
    table = study.history_table(trials, "macro_f1")
    assert table["best"].tolist() == pytest.approx([math.nan] * 3 + [0.5] * 4, nan_ok=True)
    assert table["value"].isna().tolist() == [True, False, True, False, True, True, True]


@given(
    st.lists(
        st.tuples(st.sampled_from(["complete", "pruned", "failed"]), st.floats(0, 1)),
        min_size=1,
        max_size=20,
    )
)
def test_the_best_so_far_is_the_highest_of_all_before(trials: list[tuple[str, float]]) -> None:
    frame = pd.DataFrame(trials, columns=["state", "macro_f1"]).assign(number=range(len(trials)))
    for place, best in enumerate(study.history_table(frame, "macro_f1")["best"]):
        before = [value for state, value in trials[: place + 1] if state == "complete"]
        assert best == max(before) if before else math.isnan(best)


def test_complete_trials_are_filled_pruned_ones_hollow_and_failed_ones_crosses_at_the_axis() -> None:
    axes = history()
    assert points(axes.lines, "o") == [[0, 0.2], [2, 0.1], [3, 0.5], [6, 0.5]]
    assert points(axes.lines, "x") == [[4, 0.025]]
    pruned, ring = ([1, 0.9], [3, 0.5])
    assert points(axes.lines, "o", hollow=True) == [pruned, ring]
    (cross,) = (line for line in axes.lines if line.get_marker() == "x" and len(line.get_xdata()))
    assert cross.get_transform() == axes.get_xaxis_transform()


def test_a_trial_pruned_before_it_had_a_value_stands_at_the_axis() -> None:
    axes = history(TRIALS.assign(macro_f1=TRIALS["macro_f1"].where(TRIALS["number"] != 1)))
    assert [1, 0.025] in points(axes.lines, "o", hollow=True)


def test_the_line_steps_up_at_the_trial_that_was_better() -> None:
    (line,) = (line for line in history().lines if line.get_drawstyle() == "steps-post")
    assert line.get_xydata().tolist()[2:5] == [[2, 0.2], [3, 0.5], [4, 0.5]]


def test_the_legend_counts_the_trials_and_names_the_first_of_the_best() -> None:
    assert legend(history().figure) == [
        "complete (4)",
        "pruned (1)",
        "failed (1)",
        "best so far, in the end 0.5 in trial 3",
    ]


def test_a_study_whose_trials_all_failed_shows_crosses_without_a_scale() -> None:
    axes = history(TRIALS.assign(state="failed"))
    assert len(points(axes.lines, "x")) == 7
    assert len(axes.get_yticks()) == 0
    assert legend(axes.figure) == ["failed (7)"]
    assert axes.get_title().endswith("none with a value")


def test_the_most_important_option_stands_first_and_on_top() -> None:
    table = study.importance_table(IMPORTANCES)
    assert table.to_numpy().tolist() == [["fit.learning_rate", 0.7], ["fit.optimizer", 0.2], ["fit.loss", 0.1]]
    (axes,) = study.draw_importance(table, "macro F1").axes
    assert [bar.get_width() for bar in axes.patches] == [0.7, 0.2, 0.1]
    assert [text.get_text() for text in axes.texts] == ["70 %", "20 %", "10 %"]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == table["option"].tolist()
    assert axes.yaxis_inverted()


def test_equally_important_options_keep_their_order_and_none_may_matter() -> None:
    table = study.importance_table({"b": 0.0, "a": 0.0})
    assert table["option"].tolist() == ["b", "a"]
    study.draw_importance(table, "macro F1").draw_without_rendering()


def test_the_table_of_epochs_is_in_order_and_names_the_best_trial() -> None:
    table = study.epochs_table(pd.concat([EPOCHS, EPOCHS.tail(1).assign(epoch=2, value=math.nan)]), 3)
    assert list(table.columns) == ["number", "epoch", "value", "state", "best"]
    assert table["number"].tolist() == [0, 0, 1, 1, 3, 3, 3, 4]
    assert table["epoch"].tolist() == [1, 2, 1, 2, 1, 2, 3, 1]
    assert table["number"][table["best"]].tolist() == [3, 3, 3]


def test_the_best_trial_is_the_best_of_the_complete_ones() -> None:
    """A pruned trial had once been better, and a later one is as good."""
    table, _ = figures()["study/epochs"]
    assert set(table["number"][table["best"]]) == {3}


def test_a_line_a_trial_with_a_mark_at_its_end_and_the_best_thick() -> None:
    (axes,) = study.draw_epochs(study.epochs_table(EPOCHS, 3), "macro F1").axes
    complete, hidden, pruned, failed, best = axes.lines
    assert complete.get_xydata().tolist() == [[1, 0.1], [2, 0.2]]
    assert pruned.get_xydata().tolist() == [[1, 0.1], [2, 0.9]]
    assert (pruned.get_marker(), pruned.get_fillstyle(), pruned.get_markevery()) == ("o", "none", [-1])
    assert failed.get_marker() == "x"
    assert best.get_ydata().tolist() == hidden.get_ydata().tolist() == [0.3, 0.4, 0.5]
    assert best.get_linewidth() > 2 * complete.get_linewidth()
    assert legend(axes.figure) == ["complete (2)", "pruned (1)", "failed (1)", "best: trial 3"]


def test_a_best_trial_that_reported_nothing_has_no_line() -> None:
    (axes,) = study.draw_epochs(study.epochs_table(EPOCHS, 6), "macro F1").axes
    assert len(axes.lines) == 4
    assert "best: trial 6" not in legend(axes.figure)
