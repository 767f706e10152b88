"""How the values of a searched option lie along an axis."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpapipe.plots.study_scale import Scale, folded, scale_of


def written(values: list[Any], log: bool = False, most: int = 3) -> list[str]:
    return list(scale_of(values, log).ticks(most).values())


@pytest.mark.parametrize(
    ("values", "names"),
    [
        (["sgd", "adam", None, "sgd"], ("adam", "sgd")),
        ([True, False, math.nan], ("false", "true")),
        ([np.True_, np.False_], ("false", "true")),
        ([0.1, "auto"], ("0.1", "auto")),
        ([64.0, 8.0, 8.0, 64.0, math.nan], ("8", "64")),
        ([0.3], ("0.3",)),
        ([8, 16, 32, 64], ()),
        ([*range(7)] * 2, ()),
    ],
)
def test_choices_are_texts_truths_single_values_and_few_numbers_that_come_again(
    values: list[Any], names: tuple[str, ...]
) -> None:
    assert scale_of(values, log=False).names == names


@pytest.mark.parametrize(
    ("values", "log", "expected"),
    [
        ([1e-4, 0.1, None], True, True),
        ([0.0, 0.1], True, False),
        ([1e-4, 0.1], False, False),
        ([1, 1, 9, 9], True, True),
    ],
)
def test_an_axis_is_logarithmic_where_that_is_asked_for_and_can_be(
    values: list[Any], log: bool, expected: bool
) -> None:
    assert scale_of(values, log).log is expected


def test_numbers_on_a_line_stand_where_they_are() -> None:
    scale = scale_of([2.0, 4.0, None], log=False)
    places = scale.places([2.0, 3.0, None], [0, 1, 2])
    assert places[:2].tolist() == [2, 3]
    assert math.isnan(places[2])
    assert scale.shares(places)[:2].tolist() == [0, 0.5]


def test_shares_of_a_logarithmic_axis_are_those_of_the_logarithms() -> None:
    scale = scale_of([1e-4, 1e-2], log=True)
    assert scale.shares(np.array([1e-4, 1e-3, 1e-2])) == pytest.approx([0, 0.5, 1])


def test_choices_are_evenly_spaced_and_a_single_one_stands_in_the_middle() -> None:
    places = np.arange(4.0)
    assert scale_of(["a", "b", "c", "d"], log=False).shares(places).tolist() == [0.125, 0.375, 0.625, 0.875]
    assert scale_of(["a"], log=False).shares(np.zeros(1)).tolist() == [0.5]


def test_the_trials_of_a_choice_stand_a_little_apart_and_always_in_the_same_way() -> None:
    scale = scale_of(["a", "b", "c"], log=False)
    places = scale.places(["b"] * 50, range(50))
    assert len(set(places)) == 50
    assert np.abs(places - 1).max() <= 0.0701
    assert places[7] == scale.places(["b"], [7])[0]


def test_the_trials_of_an_only_choice_stand_in_line() -> None:
    assert scale_of(["a", "a"], log=False).places(["a", "a", None], [3, 4, 5])[:2].tolist() == [0, 0]


@pytest.mark.parametrize(
    ("values", "most", "marks"),
    [
        ([1e-5, 0.1], 3, ["1e-5", "0.001", "0.1"]),
        ([2e-4, 0.03], 3, ["0.001", "0.01"]),
        ([2e-4, 0.03], 6, ["0.0003", "0.001", "0.003", "0.01", "0.03"]),
        ([3e-4, 3e-3], 6, ["0.0005", "0.001", "0.002"]),
        ([1.1e-4, 1.9e-4], 3, ["0.000125", "0.00015", "0.000175"]),
        ([1e-7, 1e7], 3, ["1e-7", "0.01", "1000"]),
    ],
)
def test_a_logarithmic_axis_carries_a_few_round_numbers(values: list[float], most: int, marks: list[str]) -> None:
    assert written(values, True, most) == marks


@pytest.mark.parametrize(
    ("values", "marks"),
    [([0.5, 0.99], ["0.6", "0.8"]), ([1, 3, 2], ["1", "2", "3"]), ([0.0, 1e6], ["0", "500000", "1e6"])],
)
def test_a_line_carries_a_few_round_numbers(values: list[float], marks: list[str]) -> None:
    assert written(values) == marks


@given(st.floats(1e-9, 1e9), st.floats(1.0001, 1e9), st.booleans(), st.integers(3, 8))
def test_marks_lie_on_the_axis_rise_and_are_few(low: float, times: float, log: bool, most: int) -> None:
    scale = Scale((), low, low * times, log)
    marks = list(scale.ticks(most))
    assert marks == sorted(set(marks))
    assert len(marks) <= most + 1
    shares = scale.shares(np.array(marks))
    assert ((shares > -1e-6) & (shares < 1 + 1e-6)).all()


def test_long_names_of_few_choices_are_broken_and_of_many_are_shortened_in_the_middle() -> None:
    long = "weighted_binary_focal_loss_with_smoothing"
    assert written(["adam", long]) == ["adam", "weighted_binary_focal_\nloss_with_smoothing"]
    many = [f"{long}_{index}" for index in range(12)]
    texts = written(many)
    assert all(len(text) <= 22 and "\n" not in text for text in texts)
    assert len(set(texts)) == 12


def test_a_name_that_cannot_be_broken_is_shortened() -> None:
    (text,) = written(["x" * 30 + "y" * 60])
    assert text == "x" * 10 + "…" + "y" * 11


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("fit.learning_rate", "fit.\nlearning_rate"),
        ("fit.loss", "fit.loss"),
        ("model.options.width", "model.options.\nwidth"),
        ("withoutanysignatall", "withoutanysignatall"),
        ("", ""),
    ],
)
def test_a_text_is_folded_after_the_signs(text: str, lines: str) -> None:
    assert folded(text, 14, ".") == lines


@given(st.text("ab._ ,", max_size=60), st.integers(3, 20))
def test_folding_loses_nothing_but_spaces(text: str, width: int) -> None:
    assert "".join(folded(text, width, "._ ,").split()) == "".join(text.split())
