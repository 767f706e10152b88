"""What is drawn on frames."""

from __future__ import annotations

import numpy as np
import pytest

from hpapipe.movies.overlay import COLOURS, DOUBT, TINT, bar_length, caption, contrast, overlay, palette

GREY = np.full((40, 60), 100, np.uint8)
NONE = np.zeros((40, 60), np.uint8)
ALL = np.ones((40, 60), bool)


def test_grey_is_stretched_between_the_ends() -> None:
    frame = np.array([[0, 100, 150], [200, 255, 100]], np.uint8)
    drawn = overlay(frame, NONE[:2, :3], ALL[:2, :3], ends=(100, 200))
    assert drawn.dtype == np.uint8
    assert drawn[..., 0].tolist() == [[0, 0, 128], [255, 255, 0]]
    assert (drawn[..., :1] == drawn).all()


def test_sixteen_bits_are_drawn_in_eight() -> None:
    assert overlay(np.full((2, 2), 30000, np.uint16), NONE[:2, :2], ALL[:2, :2], ends=(20000, 40000)).max() == 128


def test_outlines_are_one_pixel_wide_and_have_their_colours() -> None:
    labels = NONE.copy()
    labels[5:10, 5:10], labels[5:10, 20:25], labels[20:25, 20:25] = 1, 2, 3
    drawn = overlay(GREY, labels, ALL, ends=(0, 255))
    for label, colour in COLOURS.items():
        assert (drawn == colour).all(-1).sum() == 16  # of a square of 5 by 5 pixels
        assert ((drawn == colour).all(-1) <= (labels == label)).all()
    assert drawn[7, 7].tolist() == [100] * 3


def test_outlines_stay_thin_when_a_frame_is_enlarged() -> None:
    labels = NONE.copy()
    labels[5:10, 5:10] = 1
    drawn = overlay(GREY, labels, ALL, ends=(0, 255), zoom=3)
    assert drawn.shape == (120, 180, 3)
    assert (drawn == COLOURS[1]).all(-1).sum() == 4 * 14


def test_the_border_of_the_frame_is_no_outline() -> None:
    drawn = overlay(GREY, np.ones_like(NONE), ALL, ends=(0, 255))
    assert (drawn == 100).all()


def test_what_is_not_trusted_is_tinted() -> None:
    trusted = ALL.copy()
    trusted[:, 30:] = False
    drawn = overlay(GREY, NONE, trusted, ends=(0, 255))
    assert drawn[20, 45].tolist() == [int((1 - TINT) * 100 + TINT * part + 0.5) for part in DOUBT]
    assert drawn[20, 10].tolist() == [100] * 3


def test_a_gif_has_a_colour_near_to_each_of_an_overlay() -> None:
    """Greys and tinted greys are at most half a step off, outlines not at all."""
    colours = palette().astype(int)
    assert len(colours) < 256
    ramp = np.arange(256, dtype=np.uint8)[None]
    none, half = np.zeros((1, 256), np.uint8), np.ones((1, 256), bool)
    for trusted in (half, ~half):
        drawn = overlay(ramp, none, trusted, ends=(0, 255))[0].astype(int)
        assert np.abs(drawn[:, None] - colours[None]).max(-1).min(1).max() <= 4
    assert all((colours == colour).all(-1).any() for colour in COLOURS.values())


def test_text_stands_in_the_corner_and_the_bar_has_its_length() -> None:
    """50 µm of 1 µm pixels, drawn twice as large, are 100 pixels."""
    frame, none, all_of_it = np.zeros((100, 200), np.uint8), np.zeros((100, 200), np.uint8), np.ones((100, 200), bool)
    drawn = overlay(frame, none, all_of_it, ends=(0, 255), text="12", pixel_um=1.0, zoom=2)
    assert drawn[:60, :90].max() == 255
    assert drawn[60:150, :].max() == 0
    bar = (drawn[150:] == 255).all(-1)
    assert bar.sum(1).max() == 100
    assert not overlay(frame, none, all_of_it, ends=(0, 255)).any()


def test_the_smallest_picture_has_a_bar() -> None:
    assert overlay(NONE[:2, :2], NONE[:2, :2], ALL[:2, :2], ends=(0, 255), pixel_um=1.0).shape == (2, 2, 3)


@pytest.mark.parametrize(("width", "length"), [(1000, 200), (400, 100), (170, 50), (10, 2), (0.8, 0.2)])
def test_scale_bars_have_round_lengths(width: float, length: float) -> None:
    assert bar_length(width) == pytest.approx(length)


def test_captions_tell_frame_and_time() -> None:
    assert caption(11, 2.0) == "12   2.0 h"
    assert caption(0, None) == "1"


def test_contrast_is_not_moved_by_one_bright_frame() -> None:
    ramp = np.arange(201, dtype=np.uint8).reshape(1, 201)
    low, high = contrast([ramp, ramp, np.full_like(ramp, 255)])
    assert (low, high) == pytest.approx((1, 199))


def test_an_even_movie_has_a_contrast_too() -> None:
    low, high = contrast([GREY])
    assert high > low
