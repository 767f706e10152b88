"""Traces: their columns, their normal form, and when not to trust them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpapipe.movies.following import Cell
from hpapipe.movies.trace import agreement, normalized, trace_table, traces, trust


def cell(area: int, number: int = 1, rim: bool = False, bubble: int = 0) -> Cell:
    return Cell(number, area, 1.0, 2.0, rim, bubble)


def course(*areas: int) -> list[Cell]:
    return [cell(area) for area in areas]


def test_areas_are_told_in_pixels_and_square_micrometres_over_hours() -> None:
    table = trace_table([cell(100), cell(150, bubble=8)], pixel_um=2.0, interval_s=1800)
    assert table["frame"].tolist() == [0, 1]
    assert table["hours"].tolist() == [0, 0.5]
    assert table["area_px"].tolist() == [100, 150]
    assert table["area_um2"].tolist() == [400, 600]
    assert table["bubble_px"].tolist() == [0, 8]
    assert table["bubble_um2"].tolist() == [0, 32]
    assert table["smoothed_um2"].tolist() == [400, 600]
    assert table["normalized"].tolist() == [0, 1]


def test_what_is_not_known_is_nan() -> None:
    table = trace_table(course(100, 150))
    assert table[["hours", "area_um2", "smoothed_um2", "bubble_um2", "confidence"]].isna().all(axis=None)
    assert table["trusted"].all()


def test_a_frame_without_a_cell_has_area_0_and_is_marked() -> None:
    table = trace_table([cell(100), cell(0), None, cell(100)])
    assert table["area_px"].tolist() == [100, 0, 0, 100]
    assert table["smoothed_px"].isna().tolist() == [False, True, True, False]
    assert table["why"].tolist() == ["", "no cell", "no cell", ""]
    assert table["trusted"].tolist() == [True, False, False, True]


def test_an_empty_pool_has_a_trace_too() -> None:
    (trace,) = traces("r1c1", [[cell(0)]] * 3)
    assert not trace.has_cell
    assert trace.table["why"].tolist() == ["no cell"] * 3


def test_each_cell_of_the_last_frame_has_a_trace() -> None:
    """The second was only recognized in the third frame."""
    frames = [[cell(90)], [cell(91)], [cell(92), cell(50, 2)], [cell(93), cell(51, 2)]]
    one, two = traces("r2c1", frames, confidence=[0.9, 0.9, 0.9, 0.5], least_agreement=0.8)
    assert [(trace.pool, trace.cell) for trace in (one, two)] == [("r2c1", 1), ("r2c1", 2)]
    assert two.table["area_px"].tolist() == [0, 0, 50, 51]
    assert two.table["why"].tolist() == ["no cell", "no cell", "", "turns disagree"]


def test_normal_form_runs_from_0_to_1_of_the_trusted_frames() -> None:
    assert normalized(np.array([10.0, 30, 20, np.nan])).tolist()[:3] == [0, 1, 0.5]
    trusted = np.array([True, True, True, False])
    assert normalized(np.array([10.0, 30, 20, 50]), trusted).tolist() == [0, 1, 0.5, 2]
    assert normalized(np.array([10.0, 30]), np.array([False, False])).tolist() == [0, 1]


def test_an_even_course_has_no_normal_form() -> None:
    assert np.isnan(normalized(np.array([5.0, 5.0]))).all()


def test_a_leap_of_the_area_is_not_trusted_and_told_in_percent() -> None:
    areas = [100 + step for step in range(20)]
    areas[9] = 153  # 109 is due
    table = trace_table(course(*areas))
    assert table["trusted"].tolist() == [step != 9 for step in range(20)]
    assert table["why"][9] == "jump of +40 %"


def test_a_cell_that_falls_together_is_trusted() -> None:
    areas = [1000] * 12 + [760, 500] + [500 + 20 * step for step in range(1, 15)]
    assert trace_table(course(*areas))["trusted"].all()


def test_noise_widens_what_is_trusted() -> None:
    """A leap of 12 % is seen on a smooth trace, and not on one that swings by 4 %."""
    still, noise = np.full(60, 1000.0), np.random.default_rng(0).normal(1000, 40, 60)
    for areas, seen in ((still, True), (noise, False)):
        areas[30] = 1120
        table = trace_table(course(*areas.round().astype(int)))
        assert table["trusted"][30] == (not seen)


def test_all_that_speaks_against_a_frame_is_told() -> None:
    table = pd.DataFrame(
        {
            "area_px": [10, 10, 10],
            "smoothed_px": [10.0, 10.0, 10.0],
            "confidence": [0.7, 0.9, np.nan],
            "touches_rim": [True, False, False],
        }
    )
    assert trust(table, least_agreement=0.8)["why"].tolist() == ["touches the rim; turns disagree", "", ""]


def test_turns_that_agree_are_certain_and_others_by_their_overlap() -> None:
    """Masks of 2 and of 4 pixels, and their mean of 2: IoUs of 1 and of 1/2."""
    one, two = np.zeros((1, 6)), np.zeros((1, 6))
    one[0, :2], two[0, :2], two[0, 2:4] = 0.9, 0.9, 0.6
    assert agreement(np.stack([one, two]), 0.5) == pytest.approx(0.75)
    assert agreement(np.stack([one, one]), 0.5) == 1
    assert agreement(np.zeros((8, 3, 3)), 0.5) == 1


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.05, 0.95))
def test_agreement_lies_between_0_and_1_in_any_order_of_turns(seed: int, cut: float) -> None:
    turns = np.random.default_rng(seed).random((4, 5, 6))
    value = agreement(turns, cut)
    assert 0 <= value <= 1
    assert agreement(turns[::-1], cut) == pytest.approx(value)
