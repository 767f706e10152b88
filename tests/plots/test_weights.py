from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import to_hex

from hpapipe.plots import style, weights
from hpapipe.plots.weights import BINS, weights_moment, weights_summary, weights_table

SUFFIX = {"suffix_dense/kernel", "head/kernel"}
START = weights_moment({"conv/kernel": np.array([[-0.1, 0.1]]), "head/kernel": np.array([0.3])}, SUFFIX, 1.0)
LATER = weights_moment({"conv/kernel": np.array([[-0.9, 0.0]]), "head/kernel": np.array([1.5])}, SUFFIX, 1.0)
HALF = BINS // 2


def of(values: list[float] | np.ndarray, bound: float = 1.0) -> weights.Distribution:
    """The distribution of a model with this one kernel."""
    return weights_moment({"a/kernel": np.array(values)}, (), bound)[weights.WHOLE]


def filled(counts: tuple[int, ...] | list[int]) -> dict[int, int]:
    """Place of a bin, 0 being the first above zero -> its count."""
    return {place - HALF: count for place, count in enumerate(counts) if count}


def test_a_distribution_is_that_worked_by_hand() -> None:
    """Two of four weights are beyond 2; the bins reach the power of two above the largest, and are 4 / 64 wide."""
    found = weights_moment({"a": np.array([1.0, 3.0]), "b": np.array([[-2.0, 2.5]])}, (), 2.0)[weights.WHOLE]
    assert (found.weights, found.beyond, found.bound) == (4, 2, 2.0)
    assert (found.mean, found.min, found.max) == (1.125, -2.0, 3.0)
    assert found.std == pytest.approx(np.std([1.0, 3.0, -2.0, 2.5]))
    assert found.limit == 4.0
    assert filled(found.counts) == {-32: 1, 16: 1, 40: 1, 48: 1}


def test_weights_that_are_not_finite_have_run_away_and_leave_the_mean_alone() -> None:
    """Infinite ones lie in the outermost bins, NaN in none."""
    found = of([0.5, np.inf, np.nan, 0.5, -np.inf])
    assert (found.mean, found.max, found.std, found.beyond) == (0.5, 0.5, 0.0, 3)
    assert found.limit == 1
    assert filled(found.counts) == {-HALF: 1, HALF // 2: 2, HALF - 1: 1}


def test_weights_of_which_none_is_finite_have_no_mean() -> None:
    found = of([np.nan, np.inf])
    assert np.isnan([found.mean, found.std, found.min, found.max]).all()
    assert (found.weights, found.beyond, sum(found.counts)) == (2, 2, 1)


@pytest.mark.parametrize(("largest", "bound", "limit"), [(0.3, 1, 0.5), (0.5, 1, 1), (1e9, 1, 4), (0.9, 0.2, 0.5)])
def test_bins_reach_the_next_power_of_two_and_at_most_four_times_the_bound(
    largest: float, bound: float, limit: float
) -> None:
    """So a weight that ran far away does not press all others into one bin."""
    found = of([largest, 0.0], bound)
    assert found.limit == limit
    assert sum(found.counts) == 2


def test_weights_that_are_all_zero_are_counted_at_zero() -> None:
    assert filled(of([0.0] * 4).counts) == {0: 4}


def test_kernels_after_the_body_are_counted_once_more_as_the_suffix() -> None:
    assert [(part, found.weights) for part, found in LATER.items()] == [("whole model", 3), ("suffix", 1)]
    assert LATER["suffix"].max == 1.5
    assert list(weights_moment({"conv/kernel": np.ones(2)}, SUFFIX, 1.0)) == ["whole model"]


def test_the_summary_has_the_numbers_of_each_moment_and_part() -> None:
    summary = weights_summary({"start": START, "end": LATER})
    numbers = {"weights": 3, "beyond": 1, "bound": 1, "mean": 0.2, "std": 0.98995, "min": -0.9, "max": 1.5}
    assert summary["end"]["whole model"] == pytest.approx({**numbers, "share_beyond": 1 / 3}, abs=1e-5)
    assert summary["end"]["suffix"]["share_beyond"] == 1
    assert summary["start"]["suffix"]["beyond"] == 0


def test_all_moments_are_counted_over_the_same_bins() -> None:
    """The start reaches 0.5 and the end 2: four of its bins make one."""
    table = weights_table({"start": START, "epoch 5": LATER, "end": LATER})
    assert list(table) == ["part", "when", "left", "right", "count", "weights", "beyond", "bound"]
    assert len(table) == 2 * 3 * BINS
    for (_, when), rows in table.groupby(["part", "when"]):
        assert (rows["left"].iloc[0], rows["left"].iloc[HALF], rows["right"].iloc[-1]) == (-2, 0, 2)
        assert rows["beyond"].unique().tolist() == [0 if when == "start" else 1]
    whole = table[table["part"] == "whole model"]
    assert list(whole["when"].unique()) == ["start", "epoch 5", "end"]
    assert filled(list(whole.loc[whole["when"] == "start", "count"])) == {-4: 1, 3: 1, 9: 1}
    assert filled(list(whole.loc[whole["when"] == "end", "count"])) == {-29: 1, 0: 1, 48: 1}


@given(st.lists(st.floats(-3, 3, allow_subnormal=False), min_size=1, max_size=20), st.integers(-12, 1))
def test_merged_bins_are_those_of_the_weights_themselves(values: list[float], exponent: int) -> None:
    """Whatever the other moment reaches, a histogram over the common bins is exact."""
    small = np.array(values) * 2.0**exponent
    table = weights_table({"start": {"whole model": of(small, 4.0)}, "end": {"whole model": of([7.0], 4.0)}})
    rows = table[table["when"] == "start"]
    expected, _ = np.histogram(small, np.linspace(-8, 8, BINS + 1))
    assert rows["right"].max() == 8
    assert rows["count"].tolist() == expected.tolist()


def test_each_part_has_a_panel_with_the_counts_beyond_the_bound() -> None:
    whole = weights.draw_weights(weights_table({"start": START, "end": LATER}))
    assert [axes.get_title() for axes in whole.axes] == ["Kernel weights, whole model", "Kernel weights, suffix"]
    axes = whole.axes[0]
    assert axes.get_yscale() == "log"
    assert [text.get_text() for text in axes.get_legend().get_texts()] == [
        "start of training: 0 of 3 beyond ±1",
        "end of training: 1 of 3 beyond ±1",
        "±1, the bound",
    ]
    assert [line.get_xdata()[0] for line in axes.get_lines()] == [-1.0, 1.0]
    assert filled(axes.patches[1].get_data().values.tolist()) == {-29: 1, 0: 1, 48: 1}


def test_a_bound_far_beyond_all_weights_is_not_drawn() -> None:
    """The axis would show nothing but the way to it; the count still names it."""
    axes = weights.draw_weights(weights_table({"start": START, "end": START})).axes[0]
    assert axes.get_lines() == []
    assert axes.get_xlim()[1] < 0.5
    assert len(axes.get_legend().get_texts()) == 2


def test_twenty_epochs_between_have_a_colour_bar_and_leave_the_legend_as_it_is() -> None:
    """Thin lines, the later the darker; the end is bold and on top."""
    between = {f"epoch {number}": LATER for number in range(5, 105, 5)}
    whole = weights.draw_weights(weights_table({"start": START, **between, "end": LATER}))
    first, _, bar = whole.axes
    assert len(first.get_legend().get_texts()) == 3
    assert len(first.patches) == 22
    thin, bold = first.patches[1:-1], first.patches[-1]
    assert {patch.get_linewidth() for patch in thin} == {0.8}
    assert (bold.get_linewidth(), to_hex(bold.get_edgecolor())) == (1.8, style.PALETTE[1].lower())
    assert sum(thin[-1].get_edgecolor()[:3]) < sum(thin[0].get_edgecolor()[:3])
    assert [label.get_text() for label in bar.get_yticklabels()] == [str(number) for number in range(5, 105, 10)]
    assert bar.get_ylabel() == "epoch"
