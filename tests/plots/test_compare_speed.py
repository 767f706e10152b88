"""Score against speed, each point named."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from hpapipe.plots import compare_speed


def drawn(count: int, fastest: float = 300.0) -> Figure:
    chance = np.random.default_rng(0)
    names = [f"residual, 128×128 (0a1b{index:02d})" for index in range(count)]
    speed, score = np.linspace(100, fastest, count), 0.4 + 0.1 * chance.random(count)
    return compare_speed.draw_speed(compare_speed.speed_table(names, speed, score, score - 0.02, score + 0.02))


def boxes(whole: Figure) -> list[Bbox]:
    """Of the names as they are drawn in the end."""
    whole.draw_without_rendering()
    return [Text.get_window_extent(text) for text in whole.axes[0].texts]


def test_the_table_holds_a_row_a_run() -> None:
    table = compare_speed.speed_table(["a", "b"], [100, 20], [0.5, 0.6], [0.4, 0.5], [0.6, 0.7])
    assert list(table.columns) == ["run", "images_per_second", "macro_f1", "low", "high"]
    assert table.iloc[1].tolist() == ["b", 20.0, 0.6, 0.5, 0.7]


@pytest.mark.parametrize("count", [2, 6, 12])
def test_names_hide_no_other_name_and_no_point(count: int) -> None:
    whole = drawn(count)
    found = boxes(whole)
    assert len(found) == count
    assert not any(first.overlaps(second) for first, second in combinations(found, 2))
    points = [line.get_transform().transform(line.get_xydata())[0] for line in whole.axes[0].lines]
    assert not any(box.contains(*point) for box in found for point in points)


def test_names_of_runs_at_one_point_are_all_read() -> None:
    table = compare_speed.speed_table(["first", "second", "third"], [100] * 3, [0.5] * 3, [0.4] * 3, [0.6] * 3)
    found = boxes(compare_speed.draw_speed(table))
    assert not any(first.overlaps(second) for first, second in combinations(found, 2))


def test_intervals_are_drawn() -> None:
    table = compare_speed.speed_table(["a"], [100], [0.5], [0.4], [0.6])
    (interval,) = compare_speed.draw_speed(table).axes[0].collections
    assert interval.get_segments()[0][:, 1].tolist() == [0.4, 0.6]


@pytest.mark.parametrize(("fastest", "scale"), [(300, "linear"), (900, "log")])
def test_speeds_far_apart_get_a_logarithmic_axis(fastest: float, scale: str) -> None:
    axes = drawn(3, fastest).axes[0]
    assert axes.get_xscale() == scale
    assert ("(logarithmic)" in axes.get_xlabel()) is (scale == "log")


def test_a_run_that_trained_no_network_has_no_point() -> None:
    """An ensemble has no speed."""
    table = compare_speed.speed_table(["a", "b"], [100, np.nan], [0.5, 0.6], [0.4, 0.5], [0.6, 0.7])
    assert [text.get_text() for text in compare_speed.draw_speed(table).axes[0].texts] == ["a"]
    table = table.assign(images_per_second=np.nan)
    assert len(compare_speed.draw_speed(table).axes[0].texts) == 0
