from __future__ import annotations

import gc
import weakref

import matplotlib
import numpy as np
import pandas as pd
import pytest

from hpapipe.labels import STRUCTURES
from hpapipe.plots import style


def panels_of(labels: tuple[str, ...]) -> pd.DataFrame:
    return pd.DataFrame({"label": labels, "value": np.arange(len(labels))})


@pytest.mark.parametrize("count", [1, 6, 7, 28])
def test_colours_are_as_many_as_asked_for_and_all_different(count: int) -> None:
    assert len(set(style.colours(count))) == count


@pytest.mark.parametrize(("count", "columns"), [(1, 1), (2, 2), (7, 4), (14, 5), (28, 7)])
def test_a_grid_of_panels_is_somewhat_wider_than_high(count: int, columns: int) -> None:
    assert style.columns_for(count) == columns


def test_small_multiples_hand_each_panel_the_rows_of_its_label_in_order_of_appearance() -> None:
    table = pd.DataFrame({"label": ["b", "a", "b"], "value": [1, 2, 3]})
    _, panels = style.small_multiples(table, "across", "up")
    assert [(axes.get_title(), rows["value"].tolist()) for axes, rows in panels] == [("b", [1, 3]), ("a", [2])]


def test_a_panel_with_none_below_it_carries_its_tick_labels() -> None:
    """Five panels stand in two rows of three, so the third has nothing below it."""
    _, panels = style.small_multiples(panels_of(("a", "b", "c", "d", "e")), "across", "up")
    shown = [axes.xaxis.get_tick_params()["labelbottom"] for axes, _ in panels]
    assert shown == [False, False, True, True, True]


def test_the_titles_of_28_structures_neither_overlap_nor_leave_the_figure() -> None:
    whole, panels = style.small_multiples(panels_of(STRUCTURES), "across", "up")
    whole.draw_without_rendering()
    boxes = [axes.title.get_window_extent() for axes, _ in panels]
    overlapping = [(i, j) for j in range(28) for i in range(j) if boxes[i].overlaps(boxes[j])]
    assert overlapping == []
    assert all(whole.bbox.x0 <= box.x0 and box.x1 <= whole.bbox.x1 and box.y1 <= whole.bbox.y1 for box in boxes)


def test_a_dollar_in_a_name_is_shown_and_starts_no_formula() -> None:
    whole, panels = style.small_multiples(panels_of(("cost $x^$",)), "across", "up")
    whole.draw_without_rendering()
    assert panels[0][0].get_title() == "cost $x^$"


def test_the_longest_name_decides_the_room_for_tick_labels() -> None:
    assert style.tick_room(["a" * 20, "b"]) == pytest.approx(1.3)


def test_wrapped_keeps_line_breaks_and_limits_the_width() -> None:
    assert style.wrapped("one two three\nfour", 8) == "one two\nthree\nfour"


def test_drawing_leaves_the_settings_of_matplotlib_as_they_were() -> None:
    before = dict(matplotlib.rcParams)
    style.small_multiples(panels_of(("a", "b")), "across", "up")
    assert dict(matplotlib.rcParams) == before


def test_a_figure_is_freed_with_its_last_reference() -> None:
    """pyplot would keep it, and a long tuning study would fill the memory."""
    whole = style.figure(2, 2)
    style.dress(whole.add_subplot(), "title")
    alive = weakref.ref(whole)
    del whole
    gc.collect()
    assert alive() is None


def test_dress_names_title_and_axes() -> None:
    axes = style.dress(style.figure(2, 2).add_subplot(), "Losses", "epoch", "loss")
    assert (axes.get_title(), axes.get_xlabel(), axes.get_ylabel()) == ("Losses", "epoch", "loss")
