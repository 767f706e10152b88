"""Smooth courses, and values off them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpapipe.movies.smoothing import off_course, smoothed, spread

LINE = np.arange(20) * 3.0 + 100


@pytest.mark.parametrize("window", [1, 5, 9])
def test_a_straight_course_stays_as_it_is(window: int) -> None:
    assert smoothed(LINE, window) == pytest.approx(LINE)
    assert off_course(LINE) == pytest.approx(np.zeros(20))


@pytest.mark.parametrize("wrong", [[9], [9, 10], [0], [19]])
def test_one_or_two_wrong_frames_leave_hardly_a_trace(wrong: list[int]) -> None:
    """They are three times too large here."""
    course = LINE.copy()
    course[wrong] *= 3
    assert smoothed(course) == pytest.approx(LINE, rel=0.06)


def test_a_sudden_lasting_fall_stays_sudden() -> None:
    course = np.array([200.0] * 12 + [120.0] * 12)
    assert smoothed(course) == pytest.approx(course)
    assert not off_course(course).any()


def test_noise_becomes_less() -> None:
    noise = np.random.default_rng(0).normal(0, 5, 400)
    assert smoothed(1000 + noise).std() < 0.6 * noise.std()


def test_what_is_not_measured_is_left_out_and_stays_open() -> None:
    course = LINE.copy()
    course[[0, 7, 8]] = np.nan
    smooth = smoothed(course)
    assert np.isnan(smooth).nonzero()[0].tolist() == [0, 7, 8]
    assert smooth[[1, 6, 9, 19]] == pytest.approx(LINE[[1, 6, 9, 19]])
    assert off_course(course) == pytest.approx(np.zeros(20))


@given(st.lists(st.integers(1, 1000), min_size=0, max_size=14))
def test_time_has_no_direction(areas: list[int]) -> None:
    """A film that runs backwards has the same course, backwards."""
    course = np.array(areas, np.float64)
    assert smoothed(course[::-1]) == pytest.approx(smoothed(course)[::-1])
    assert off_course(course[::-1]) == pytest.approx(off_course(course)[::-1])


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_short_courses_are_smoothed_too(count: int) -> None:
    assert smoothed(LINE[:count]) == pytest.approx(LINE[:count])
    assert smoothed(np.full(count, np.nan)).shape == (count,)


def test_a_wrong_frame_is_off_its_course_by_what_it_is_wrong() -> None:
    course = LINE.copy()
    course[8] += 40
    course[14] -= 25
    away = off_course(course)
    assert away[[8, 14]] == pytest.approx([40, -25])
    assert np.abs(np.delete(away, [8, 14])).max() < 1e-9


def test_a_cell_that_falls_together_and_swells_again_is_on_its_course() -> None:
    """Over two frames it falls, and it takes twenty to come back."""
    fall = np.array([1000.0] * 10 + [800.0] + [500 + 500 * (1 - np.exp(-step / 10)) for step in range(20)])
    assert np.abs(off_course(fall)).max() < 0.02 * 1000


def test_two_frames_say_nothing_of_a_third() -> None:
    assert off_course(np.array([1.0, 1.0, 9.0])).tolist() == [0, 0, 0]


def test_spread_is_that_of_most_values() -> None:
    """Of 1, 2, 3, 4, 5 the deviations from 3 are 2, 1, 0, 1, 2: their median is 1."""
    assert spread(np.array([1.0, 2, 3, 4, 5])) == pytest.approx(1.4826)
    assert spread(np.array([1.0, 2, 3, 4, 500, np.nan])) == pytest.approx(1.4826)
    assert spread(np.array([np.nan])) == 0


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(1, 1e4), min_size=1, max_size=25), st.floats(0.01, 100))
def test_areas_in_another_unit_are_smoothed_alike(values: list[float], unit: float) -> None:
    course = np.array(values)
    assert off_course(unit * course) == pytest.approx(unit * off_course(course), abs=1e-6 * unit * course.max())
