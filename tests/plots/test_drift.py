"""Two sets side by side: the tables that are drawn, and what of them is in the drawing."""

from __future__ import annotations

import numpy as np

from hpapipe.plots.drift import BEFORE, NOW, distributions_table, draw_distributions, draw_shares, shares_table

LABELS = ("rare", "common")


def shares(fields: tuple[int, int] = (50, 200)) -> object:
    ends = (np.array([0.01, 0.3]), np.array([0.1, 0.5]))
    counts = (np.array([1, 20]), np.array([2, 150]))
    return shares_table(LABELS, counts, fields, [ends, ends], np.array([False, True]))


def test_shares_are_told_in_percent_of_their_own_set() -> None:
    """1 of 50 and 2 of 200; intervals too."""
    table = shares()
    rows = table.set_index(["label", "set"])
    assert list(rows.loc[[("rare", BEFORE), ("rare", NOW), ("common", NOW)], "share"]) == [2, 1, 75]
    assert list(rows.loc[("common", NOW), ["low", "high", "sure"]]) == [30, 50, True]


def test_a_set_without_answers_has_no_shares() -> None:
    table = shares_table(LABELS, (np.zeros(2), np.zeros(2)), (0, 0), [(np.zeros(2), np.ones(2))] * 2, np.zeros(2, bool))
    assert (table["share"] == 0).all()


def test_the_labels_named_most_are_on_top_and_sure_changes_in_bold() -> None:
    axes = draw_shares(shares()).axes[0]
    ticks = axes.get_yticklabels()
    assert [tick.get_text() for tick in ticks] == ["common", "rare"]
    assert [tick.get_fontweight() for tick in ticks] == ["bold", "normal"]
    bottom, top = axes.get_ylim()
    assert bottom > top


def test_distributions_are_values_below_which_shares_of_a_set_lie() -> None:
    """What is no number does not count, and a set without any has no rows."""
    values = {"grey": (np.array([0.0, 10.0, np.nan]), np.array([5.0])), "none": (np.array([np.nan]), np.array([1.0]))}
    table = distributions_table(values)
    grey = table[(table["quantity"] == "grey") & (table["set"] == BEFORE)]
    assert len(grey) == 101
    assert list(grey.loc[grey["share"].isin([0, 50, 100]), "value"]) == [0, 5, 10]
    assert set(table.loc[table["quantity"] == "none", "set"]) == {NOW}


def test_a_panel_a_quantity() -> None:
    values = {f"quantity {number}": (np.arange(5.0), np.arange(5.0) + 1) for number in range(6)}
    figure = draw_distributions(distributions_table(values))
    assert [axes.get_title() for axes in figure.axes] == list(values)
    assert [len(axes.lines) for axes in figure.axes] == [2] * 6
