"""Two objectives against each other."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.axes import Axes
from matplotlib.text import Text

from hpapipe.plots import study_front

OBJECTIVES = ("macro_f1", "images_per_second")


def table_of(values: list[tuple[float, float]]) -> pd.DataFrame:
    complete = pd.DataFrame(values, columns=OBJECTIVES, dtype="float64").assign(number=range(len(values)), seconds=1.0)
    return study_front.pareto_table(complete, OBJECTIVES)


def drawn(table: pd.DataFrame) -> Axes:
    (axes,) = study_front.draw_pareto(table, "macro F1", "images a second").axes
    return axes


def numbers(axes: Axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def test_the_front_is_that_worked_by_hand() -> None:
    """(0.3, 20) is beaten by (0.4, 20), (0.2, 30) by (0.4, 30); none is both more accurate and faster than the rest."""
    table = table_of([(0.5, 10), (0.4, 30), (0.4, 20), (0.3, 20), (0.1, 90), (0.2, 30)])
    assert list(table.columns) == ["number", *OBJECTIVES, "front"]
    assert table["number"][table["front"]].tolist() == [0, 1, 4]


def test_equal_trials_are_on_the_front_together() -> None:
    assert table_of([(0.5, 10), (0.5, 10), (0.5, 9)])["front"].tolist() == [True, True, False]


def test_trials_that_lack_an_objective_are_left_out() -> None:
    table = table_of([(0.5, np.nan), (0.4, 10)])
    assert table[["number", "front"]].to_numpy().tolist() == [[1, True]]


def test_a_table_of_no_trial_has_no_front() -> None:
    table = table_of([])
    assert len(table) == 0
    assert table["front"].dtype == bool


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=40))
def test_no_trial_of_the_front_is_beaten_and_every_other_one_is_by_one_of_the_front(
    values: list[tuple[int, int]],
) -> None:
    front = table_of([(float(first), float(second)) for first, second in values])["front"].tolist()

    def beaten(one: tuple[int, int], by: list[tuple[int, int]]) -> bool:
        return any(other != one and other[0] >= one[0] and other[1] >= one[1] for other in by)

    members = [value for value, member in zip(values, front, strict=True) if member]
    assert members
    assert not any(beaten(member, values) for member in members)
    assert all(beaten(value, members) for value, member in zip(values, front, strict=True) if not member)


@given(st.permutations([(0.5, 10.0), (0.4, 30.0), (0.4, 20.0), (0.3, 20.0), (0.5, 10.0)]))
def test_the_order_of_trials_does_not_matter(values: list[tuple[float, float]]) -> None:
    table = table_of(values)
    assert {value for value, member in zip(values, table["front"], strict=True) if member} == {(0.5, 10), (0.4, 30)}


def test_the_line_falls_from_the_most_accurate_to_the_fastest() -> None:
    """Between two trials it runs at the lower one's height: all below it is reached."""
    others, front = drawn(table_of([(0.4, 30), (0.5, 10), (0.1, 12), (0.2, 40)])).lines
    assert front.get_xydata().tolist() == [[10, 0.5], [30, 0.4], [40, 0.2]]
    assert front.get_drawstyle() == "steps-pre"
    assert others.get_xydata().tolist() == [[12, 0.1]]
    assert others.get_linestyle() == "None"


def test_a_study_whose_trials_are_all_on_the_front_has_no_others() -> None:
    axes = drawn(table_of([(0.5, 10), (0.4, 30)]))
    assert [line.get_label() for line in axes.lines] == ["front (2)"]


def test_equal_trials_share_a_number_and_others_have_none() -> None:
    axes = drawn(table_of([(0.5, 10), (0.5, 10), (0.1, 12), (0.4, 20)]))
    assert numbers(axes) == ["0, 1", "3"]


@pytest.mark.parametrize("count", [1, 25])
def test_numbers_hide_no_other_number_and_no_mark(count: int) -> None:
    axes = drawn(table_of([(0.5 - 0.01 * index**1.3, 10 + 3.0 * index) for index in range(count)]))
    axes.figure.draw_without_rendering()
    boxes = [Text.get_window_extent(text) for text in axes.texts]
    assert len(boxes) == count
    assert not any(first.overlaps(second) for first, second in combinations(boxes, 2))
    marks = axes.transData.transform(axes.lines[-1].get_xydata())
    assert not any(box.contains(*mark) for box in boxes for mark in marks)


@pytest.mark.parametrize(("fastest", "scale"), [(40.0, "linear"), (900.0, "log")])
def test_speeds_far_apart_get_a_logarithmic_axis_with_plain_numbers(fastest: float, scale: str) -> None:
    axes = drawn(table_of([(0.5, 10), (0.4, 30), (0.1, fastest)]))
    assert axes.get_xscale() == scale
    assert ("(logarithmic)" in axes.get_xlabel()) is (scale == "log")
    if scale == "log":
        assert [tick.get_text() for tick in axes.get_xticklabels()] == ["10", "20", "50", "100", "200", "500"]
